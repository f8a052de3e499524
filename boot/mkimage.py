#!/usr/bin/env python3
"""mkimage.py IMAGE BOOT STAGE2 KERNEL NM VOLUME - makes the floppy image: a FAT12 volume whose reserved sectors hold
the boot sector, stage 2 and the kernel, so that nothing done to the volume's files can disturb them.

BOOT and STAGE2 are NASM's output, KERNEL the flat binary, NM the kernel's symbols, VOLUME the folder to put on it.
The same input gives the same bytes: names go in sorted, times are SOURCE_DATE_EPOCH.

SPDX-License-Identifier: MIT
"""
import os
import re
import struct
import subprocess
import sys
import zlib

SECTORS, SECTOR = 2880, 512
SERIAL, LABEL = '51555245', 'QURE'


def layout():
    """The constants of boot/layout.inc."""
    path = os.path.join(os.path.dirname(__file__), 'layout.inc')
    with open(path) as f:
        return {m[1]: int(m[2], 0) for m in re.finditer(r'^(\w+)\s+equ\s+(\w+)', f.read(), re.M)}


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def symbols(path):
    with open(path) as f:
        return {line.split()[-1]: int(line.split()[0], 16) for line in f if len(line.split()) == 3}


def mtools(image, *args):
    subprocess.run([args[0], '-i', image, *args[1:]], check=True, env=dict(os.environ, MTOOLS_SKIP_CHECK='1'))


def fill(image, volume):
    """Copies the folder's content, sorted, onto the volume."""
    for folder, dirs, files in os.walk(volume):
        dirs.sort()
        on_volume = '::' + folder[len(volume):].rstrip('/')
        for d in dirs:
            mtools(image, 'mmd', f'{on_volume}/{d}')
        for f in sorted(files):
            mtools(image, 'mcopy', os.path.join(folder, f), f'{on_volume}/{f}')


def mark_end(data, reserved, mark):
    """Puts the mark into the last sector and takes its cluster from the volume, in every FAT."""
    fats, roots, _, _, size = struct.unpack_from('<BHHBH', data, 16)
    first = reserved + fats * size + roots * 32 // SECTOR
    cluster = SECTORS - 1 - first + 2
    for fat in range(fats):
        at = (reserved + fat * size) * SECTOR + cluster * 3 // 2
        entry, = struct.unpack_from('<H', data, at)
        struct.pack_into('<H', data, at, entry | (0xff70 if cluster % 2 else 0x0ff7))
    struct.pack_into('<I', data, (SECTORS - 1) * SECTOR, mark)


def main():
    image, boot, stage2, kernel, nm, volume = sys.argv[1:]
    at = layout()
    kernel, boot, stage2 = read(kernel), read(boot), bytearray(read(stage2))
    sym = symbols(nm)
    struct.pack_into('<IIII', stage2, 4, len(kernel), sym['__kernel_end'], sym['_start'], zlib.crc32(kernel))
    reserved = 1 + at['STAGE2_SECTORS'] + -(-len(kernel) // SECTOR)

    if os.path.exists(image):
        os.remove(image)
    subprocess.run(['mkfs.fat', '--invariant', '-a', '-C', '-F', '12', '-R', str(reserved), '-s', '1', '-r', '224', '-f', '2',
                    '-M', '0xf0', '-g', '2/18', '-h', '0', '-i', SERIAL, '-n', LABEL, image, str(SECTORS * SECTOR // 1024)],
                   check=True, stdout=subprocess.DEVNULL)
    data = bytearray(read(image))
    mark_end(data, reserved, at['END_MARK'])
    with open(image, 'wb') as f:
        f.write(data)
    fill(image, volume.rstrip('/'))

    data = bytearray(read(image))
    bpb = data[11:at['BOOT_CODE']]
    data[:SECTOR] = boot
    data[3:11] = b'QURE    '
    data[11:at['BOOT_CODE']] = bpb
    data[at['BOOT_BY_LBA']] = 0
    struct.pack_into('<I', data, at['BOOT_CRC'], zlib.crc32(stage2))
    data[SECTOR:SECTOR + len(stage2)] = stage2
    start = SECTOR * (1 + at['STAGE2_SECTORS'])
    data[start:start + len(kernel)] = kernel
    assert len(data) == SECTORS * SECTOR
    with open(image, 'wb') as f:
        f.write(data)


main()
