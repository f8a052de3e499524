#!/usr/bin/env python3
"""ipxe.py - iPXE (QEMU's boot ROM; a TCP of its own with SACK, timestamps and scaling) boots a machine from the image's web server: a script that DHCP
names, files over a bad network, and in the end qure itself, whose page is then compared. Capture judged. Needs root.

SPDX-License-Identifier: MIT
"""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../peer'))
from machine import done, test
from peers import GUEST, judge, need
from firmware import FILES, NETWORKS, PAGE, Boots, Firmware, told

SCRIPT = told('`/www/boot.ipxe`')
STEPS = [line for name in FILES for line in ('prompt next', f'imgfetch http://{GUEST}/{name}', 'prompt next', 'imgfree')]
SCRIPT = '\n'.join((SCRIPT[0], *STEPS, 'prompt next', *SCRIPT[1:], ''))

def fetches(w, data, **how):
    w.wan(clear=1, seed=2, **how)
    said = w.peer.step()
    w.wan(clear=1)
    need(' ok' in said, said)
    w.peer.holds(data)
    w.peer.step()                           # forgets it

w = Boots('ipxe.pcap', {'boot.ipxe': SCRIPT}, *told('dnsmasq so:'))
w.peer = Firmware(w, '-machine', 'pc,graphics=off', '-boot', 'n')
if test('DHCP names a script, and iPXE runs it', w.peer.expect, 'next', 60):
    for (name, how), data in zip(NETWORKS.items(), FILES.values()): test(f'{name}: a file is in its memory', fetches, w, data, **how)
    test('the script boots another qure, which serves the same page', w.peer.serves, PAGE)
w.close()
test('the capture', judge, w)
done()
