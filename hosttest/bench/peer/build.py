#!/usr/bin/env python3
"""build.py OUTDIR - the peer that qure is measured beside: Debian's cloud kernel and an initramfs with busybox and nginx.

nginx is the installed nginx-light. OUTDIR gets vmlinuz and web.img.
"""
import os, sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../../peer'))
from initramfs import build

def fill(root):
    root.put(HERE + '/init', '/init'); root.put(HERE + '/nginx.conf', '/etc/nginx.conf'); root.program('/usr/sbin/nginx')
    root.text('/etc/passwd', b'root:x:0:0:root:/:/bin/sh\n'); root.text('/etc/group', b'root:x:0:\n')
    root.text('/www/1k', b'x' * 1023 + b'\n')

build(sys.argv[1], 'web.img', ['virtio_pci', 'virtio_net', 'e1000'], 'sh mount insmod ip usleep cat dd sleep'.split(),
      ['run', 'etc', 'www', 'var/log/nginx', 'var/lib/nginx'], fill)
