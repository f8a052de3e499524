#!/usr/bin/env python3
"""passt.py - the image behind passt's TCP (as `pasta`; the network of rootless containers and of many virtual machines). It opens to the image and the
image to it. Transfers by SHA-256, shut windows, many at once, capture judged. Neither loss nor every order of closing: it is made for links that lose
nothing, sums up nothing that it receives, and forgets to pass on some ends and resets. Needs root.

SPDX-License-Identifier: MIT
"""
import os, socket, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../peer'))
from machine import done, test
from peers import *
from foreign import Foreign
from relays import RELAYS, Here, a_slow_reader, all_over, fetch, forty_at_once

US, PORTS = '10.9.0.9', (7, 9, 80, *RELAYS)      # not loopback: that would be carried past TCP

class Passt(Foreign):
    """pasta between a namespace whose kernel has the connections and another where p0, its TAP, is."""
    def __init__(self, **how):
        super().__init__('passt.pcap')
        self.far = Net(addr=f'{US}/{PLEN}')
        self.far.sh('ip', 'route', 'add', 'default', 'via', HOST)
        self.here = Here(self.far.socket)
        self.data_ports = self.here.ports.values()
        ways = f'{US}/' + ','.join(f'{20000 + port}:{port}' for port in PORTS)
        self.pasta = self.far.start('pasta', '-fq', '--runas', '0', '-4', '-a', GUEST, '-n', str(PLEN), '-g', HOST, '-t', ways, '-u', 'none', '-T', 'none', '-U', 'none', '-I', 'p0',
                                    '-m', '1500', '--netns-only', '--netns', '/var/run/netns/' + self.net.name, stderr=subprocess.DEVNULL)
        stop = time.monotonic() + 10
        while ' p0: ' not in self.net.sh('ip', 'link'):
            need(time.monotonic() < stop, 'pasta makes no TAP')
            time.sleep(.05)
        self.net.sh('ip', 'link', 'set', 'p0', 'up')
        self.begin(self.kernel_end('p0'))
        self.image(self.here.conf())
        self.wan(seed=1, **how)
    def connect(self, port, timeout=60):
        s = self.far.socket()
        s.settimeout(timeout)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)   # else this kernel takes all, and passt's window never shuts
        s.connect((US, 20000 + port))
        return s
    def close(self):
        need(self.pasta.poll() is None, 'pasta ended')
        super().close()
        end(self.pasta)

for name, how, n in (('clean', {}, 4 * MIB), ('rate 8 Mbit/s, delay 5 ms', dict(rate=8e6, queue=200, delay=5), MIB // 2)):
    w = Passt(**how)
    test(f'{name}: passt opens: download, echo and upload', lambda: (get(w, n), echo(w, n), put(w, n)))
    test(f'{name}: the image opens: download', fetch, w, n)
    if not how:
        test(f'{name}: a slow reader', a_slow_reader, w)
        test(f'{name}: forty connections at once', forty_at_once, w)
        test(f'{name}: nothing is left', all_over, w)
    w.close()
    test(f'{name}: the capture', judge, w)
done()
