#!/usr/bin/env python3
"""lwip.py - the image against lwIP's TCP (Debian's liblwip: neither SACK nor timestamps, a window scale of 1), over a bad network. lwIP opens to the
image and the image to it. Transfers by SHA-256, every order of closing, capture judged. Needs root.

SPDX-License-Identifier: MIT
"""
import os, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../peer'))
from machine import done, test
from peers import *
from foreign import Foreign
from relays import RELAYS, Here, fetch, give, orders_of_closing

class Lwip(Foreign):
    """lwIP on tap0."""
    def __init__(self, **how):
        super().__init__('lwip.pcap')
        self.here = Here(self.net.socket)
        self.data_ports = self.here.ports.values()
        tap = open_tap(self.net, self.net.tap)
        running(self.net)
        self.begin(self.kernel_end(self.net.tap))
        ways = [f'L{20000 + port}:{port}' for port in (7, 9, 80, *RELAYS)] + [f'R{n}:{n}' for name, n in self.here.ports.items() if name != 'closed']
        self.lwip = self.net.start(os.path.join(B, 'qure-lwip'), str(tap), HOST, GUEST, *ways, stdout=subprocess.PIPE, pass_fds=[tap])
        os.close(tap)
        need(self.lwip.stdout.readline() == b'ready\n', 'lwIP does not begin')
        self.image(self.here.conf())
        self.wan(seed=1, **how)
    def connect(self, port, timeout=60):
        s = self.net.socket()
        s.settimeout(timeout)
        s.connect(('127.0.0.1', 20000 + port))
        return s
    def close(self):
        need(self.lwip.poll() is None, 'lwIP ended')
        super().close()

for name, how, n in (('clean', {}, 2 * MIB), ('loss 2 %', dict(loss=2), MIB // 4), ('reorder 20 %, delay 5 ms', dict(reorder=20, delay=5), MIB // 4),
                     ('duplicate 5 %, corrupt 1 %', dict(dup=5, corrupt=1), MIB // 4), ('rate 2 Mbit/s', dict(rate=2e6, queue=40), MIB // 4)):
    w = Lwip(**how)
    test(f'{name}: lwIP opens: download, echo and upload', lambda: (get(w, n), echo(w, n), put(w, n)))
    test(f'{name}: the image opens: download and upload', lambda: (fetch(w, n), give(w, n)))
    if not how: test(f'{name}: orders of closing, and nothing is left', orders_of_closing, w)
    w.close()
    test(f'{name}: the capture', judge, w)
done()
