#!/usr/bin/env python3
"""lwip.py - the image against lwIP's TCP (Debian's liblwip: neither SACK nor timestamps, a window scale of 1), over a bad network. lwIP opens to the
image and the image to it. Transfers by SHA-256, every order of closing, capture judged. Needs root.

SPDX-License-Identifier: MIT
"""
import os, socket, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../peer'))
from machine import done, test
from peers import *
from peers import _cleanup
from relays import RELAYS, Here, fetch, give, orders_of_closing

class Lwip:
    """lwIP on tap0, qure on q0, wan.c between the two."""
    def __init__(self, **how):
        with making: self.net, self.dir = Net(addr=None), Scratch()
        self.pcap, self.here = self.dir / 'lwip.pcap', Here(self.net.socket)
        self.data_ports = self.here.ports.values()
        self.net.sh('ip', 'tuntap', 'add', 'dev', 'q0', 'mode', 'tap')
        self.net.sh('ip', 'link', 'set', 'q0', 'up', 'txqueuelen', '1000')
        tap, ends = open_tap(self.net, self.net.tap), [self.end(name) for name in (self.net.tap, 'q0')]
        running(self.net)
        self.p = subprocess.Popen([os.path.join(B, 'qure-wan'), *map(str, ends), self.pcap], pass_fds=ends, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        _cleanup.append(lambda: end(self.p))
        ways = [f'L{20000 + port}:{port}' for port in (7, 9, 80, *RELAYS)] + [f'R{n}:{n}' for name, n in self.here.ports.items() if name != 'closed']
        self.lwip = self.net.start(os.path.join(B, 'qure-lwip'), str(tap), HOST, GUEST, *ways, stdout=subprocess.PIPE, pass_fds=[tap])
        for fd in (tap, *ends): os.close(fd)
        need(self.lwip.stdout.readline() == b'ready\n', 'lwIP does not begin')
        self.qure = Qemu(net=Near(self.net, 'q0'), nic=PLAIN, mem=64, volume=volume_with({'qure.conf': CONF + self.here.conf()}, base=site()))
        self.qure.expect(r'peer> ', 60)
        self.wan(seed=1, **how)
    wan = World.wan
    def end(self, name):
        """The kernel's side of a TAP: frames that its owner sends, and only those."""
        self.net.sh('sysctl', '-qw', f'net.ipv4.conf.{name}.arp_ignore=8')
        s = self.net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.setsockopt(263, 23, 1)                    # PACKET_IGNORE_OUTGOING
        s.setsockopt(socket.SOL_SOCKET, 33, 8 * MIB)
        s.bind((name, 3)); s.setblocking(False)
        return s.detach()
    def connect(self, port, timeout=60):
        s = self.net.socket()
        s.settimeout(timeout)
        s.connect(('127.0.0.1', 20000 + port))
        return s
    def close(self):
        need(self.lwip.poll() is None, 'lwIP ended')
        World.close(self)

for name, how, n in (('clean', {}, 2 * MIB), ('loss 2 %', dict(loss=2), MIB // 4), ('reorder 20 %, delay 5 ms', dict(reorder=20, delay=5), MIB // 4),
                     ('duplicate 5 %, corrupt 1 %', dict(dup=5, corrupt=1), MIB // 4), ('rate 2 Mbit/s', dict(rate=2e6, queue=40), MIB // 4)):
    w = Lwip(**how)
    test(f'{name}: lwIP opens: download, echo and upload', lambda: (get(w, n), echo(w, n), put(w, n)))
    test(f'{name}: the image opens: download and upload', lambda: (fetch(w, n), give(w, n)))
    if not how: test(f'{name}: orders of closing, and nothing is left', orders_of_closing, w)
    w.close()
    test(f'{name}: the capture', judge, w)
done()
