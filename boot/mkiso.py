#!/usr/bin/env python3
"""mkiso.py ISO IMAGE - wraps the floppy image so that one file boots as a CD (El Torito floppy emulation) and, written
raw, as a disk or USB stick: sector 0 is then the image's own boot sector, told where on the disk the image lies, beside
a partition table whose first entry is the FAT volume, so that the site can be changed on the stick.

SPDX-License-Identifier: MIT
"""
import os
import struct
import subprocess
import sys
import tempfile

SECTOR, CD_SECTOR = 512, 2048
HEADS, TRACK = 16, 63  # whole cylinders of these: some BIOSes, Bochs' among them, count no others
CODE, TABLE, HIDDEN = 62, 446, 28


def chs(lba):
    cylinder, rest = divmod(lba, HEADS * TRACK)
    head, sector = divmod(rest, TRACK)
    return bytes([head, sector + 1 | cylinder >> 2 & 0xc0, cylinder & 0xff])


def main():
    iso, image = sys.argv[1:]
    with open(image, 'rb') as f:
        floppy = f.read()
    with tempfile.TemporaryDirectory() as d:
        name = os.path.join(d, 'qure.img')
        with open(name, 'wb') as f:
            f.write(floppy)
        epoch = int(os.environ['SOURCE_DATE_EPOCH'])
        for path in (name, d):
            os.utime(path, (epoch, epoch))
        if os.path.exists(iso):
            os.remove(iso)
        subprocess.run(['xorriso', '-as', 'mkisofs', '-quiet', '-V', 'QURE', '-uid', '0', '-gid', '0', '-r', '-b', 'qure.img',
                        '-c', 'boot.cat', '-o', iso, d], check=True, stderr=subprocess.DEVNULL)
    with open(iso, 'rb') as f:
        data = bytearray(f.read())

    at = 0
    while data[at:at + len(floppy)] != floppy:
        at = data.index(floppy[:CD_SECTOR], at + 1)
    first, count = at // SECTOR, len(floppy) // SECTOR
    sector = bytearray(floppy[:SECTOR])
    sector[3:CODE] = bytes(CODE - 3)  # no BPB: the disk as a whole is no FAT volume
    struct.pack_into('<I', sector, HIDDEN, first)
    entry = bytes([0x80]) + chs(first) + bytes([0x01]) + chs(first + count - 1) + struct.pack('<II', first, count)
    sector[TABLE:TABLE + 16] = entry
    data[:SECTOR] = sector
    data += bytes(-len(data) % (HEADS * TRACK * SECTOR))
    with open(iso, 'wb') as f:
        f.write(data)


main()
