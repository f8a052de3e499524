#!/usr/bin/env python3
"""uefi.py - UEFI firmware (OVMF: EDK2's TCP, without SACK and timestamps) boots GRUB from the image's web server by HTTP Boot, and GRUB (a TCP of its own
again, without any option) fetches files over a bad network, in the end qure itself. SHA-256 by GRUB, capture judged. Needs root.

SPDX-License-Identifier: MIT
"""
import hashlib, os, shutil, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../peer'))
from machine import Scratch, done, run, test
from peers import FILE, GUEST, MIB, judge, need
from firmware import FILES, NETWORKS, PAGE, Boots, Firmware, told

DISK = 2 * MIB                              # what the loader carries, for the firmware to fetch
SUMS = [f'(memdisk)+{DISK // 512}', *(f'(http,{GUEST})/{name}' for name in FILES)]
SCRIPT, MAKE = told('`grub.cfg`'), told('made by:')[0].split()
def wait(n): return 'echo next', f'while [ "$x" != {n} ]; do read x; done', f'echo step {n}'
STEPS = [line for n, file in enumerate(SUMS) for line in (*wait(n), f'sha256sum {file}')]
SCRIPT = '\n'.join(('serial', 'terminal_input serial', 'terminal_output serial', SCRIPT[0], *STEPS, *wait(len(SUMS)), *SCRIPT[1:], ''))
MAKE += ['-m', 'disk', *'echo gcry_sha256 hashsum memdisk read serial tar terminal test'.split()]

def grub():
    """GRUB as one file for UEFI."""
    d = Scratch()
    with open(d / 'grub.cfg', 'w') as f: f.write(SCRIPT)
    with open(d / 'disk', 'wb') as f: f.write(FILE[:DISK])
    run(*MAKE, cwd=d.path)
    with open(d / 'grub.efi', 'rb') as f: return f.read()

def begins(w):
    w.wan(seed=3, loss=1)
    w.peer.expect('Start HTTP Boot over IPv4', 60)
    w.peer.expect('next', 60)
    w.wan(clear=1)

def sums(w, n, data, **how):
    w.wan(clear=1, seed=2, **how)
    said = w.peer.step(f'{n}', f'step {n}')
    w.wan(clear=1)
    need(hashlib.sha256(data).hexdigest() in said, said)

w = Boots('uefi.pcap', {'grub.efi': grub()}, *told('(option 60)'))
shutil.copy('/usr/share/OVMF/OVMF_VARS.fd', w.dir / 'vars.fd')
w.peer = Firmware(w, '-machine', 'q35', '-drive', 'if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd', '-drive', f'if=pflash,format=raw,file={w.dir / "vars.fd"}',
                  '-fw_cfg', 'name=opt/org.tianocore/IPv4PXESupport,string=n', '-fw_cfg', 'name=opt/org.tianocore/IPv6PXESupport,string=n',
                  arch='x86_64', card='virtio-net-pci,romfile=,bootindex=1')
if test('the firmware fetches GRUB over a network that loses 1 %', begins, w):
    test('what it fetched is whole', sums, w, 0, FILE[:DISK])
    for n, ((name, how), data) in enumerate(zip(NETWORKS.items(), FILES.values()), 1): test(f'{name}: GRUB sums a file up', sums, w, n, data, **how)
    test('GRUB boots qure, which serves the same page', w.peer.serves, PAGE, f'{len(SUMS)}', f'step {len(SUMS)}')
w.close()
test('the capture', judge, w)
done()
