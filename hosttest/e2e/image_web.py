#!/usr/bin/env python3
"""image_web.py - the checks of web.py against the image: Multiboot kernel with a large FAT16 volume, and the floppy with a changed page.

SPDX-License-Identifier: MIT
"""
import os, subprocess
from machine import B, GUEST, HOST, PLEN, TOP, Net, Qemu, Scratch, done, run, test, volume_with
from web import Web, shell_checks, site_files

CONF = f'hostname image\ninterface eth0 address {GUEST}/{PLEN}\nroute default via {HOST}\nsite default /www\nsite other.example /other\nlisten http 80\n'


def fat16(files, mib):
    """A FAT16 volume of so many MiB with these files."""
    d = Scratch()
    img = d / 'volume.img'
    run('mkfs.vfat', '-C', '-F', '16', '-s', '4', img, str(mib * 1024))
    return volume_with(files, img)


def multiboot():
    net, files = Net(), site_files(4 << 20)
    vm = Qemu(net=net, nic='virtio', mem=64, volume=fat16({**files, 'qure.conf': CONF}, 16))
    vm.expect('image> ')
    web = Web(net, files)
    for name, check in web.all(many=2000, patient=False):
        test('multiboot: ' + name.replace('_', ' '), check)
    shell_checks(net, vm, web, 'image')
    vm.close()


def changed_page():
    """A floppy whose page was changed by mcopy, with a fixed address, serves the changed page."""
    net, page = Net(), b'<p>changed with mcopy'
    img = volume_with({'www/index.html': page, 'qure.conf': CONF.replace('site other.example /other\n', '')})
    vm = Qemu(net=net, nic='e1000', mem=16, img=img)
    vm.expect('image> ', 60)
    assert net.curl(f'http://{GUEST}/') == page
    vm.close()


def other_media(port=18979, **medium):
    """The ISO and the image as a disk serve the page that they carry, with an address by DHCP."""
    with open(os.path.join(TOP, 'boot/volume/www/index.html'), 'rb') as f: page = f.read()
    vm = Qemu(user=True, fwd=port, nic='pcnet', **medium)
    vm.expect(r'eth0: 10\.0\.2\.15/24 from', 90)
    assert run_bytes('curl', '-sS', '--max-time', '20', f'http://127.0.0.1:{port}/') == page
    vm.close()


def run_bytes(*cmd): return subprocess.run(cmd, check=True, stdout=subprocess.PIPE).stdout


def main():
    multiboot()
    for name, medium in (('ISO as a CD', {'cdrom': 'qure.iso'}), ('ISO as a disk', {'disk': 'qure.iso'}), ('floppy image as a disk', {'disk': 'qure.img'})):
        test(f'the {name} serves its page', other_media, **{how: os.path.join(B, f) for how, f in medium.items()})
    test('a floppy with a changed page serves it', changed_page)
    done()


if __name__ == '__main__':
    main()
