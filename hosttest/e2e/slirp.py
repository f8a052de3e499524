#!/usr/bin/env python3
"""slirp.py - the image against a TCP that is not Linux's: QEMU's user networking (libslirp, which came of 4.4BSD) ends every connection and opens
every one. It has no SACK, no timestamps and no window scale. Transfers by SHA-256, every order of closing, capture judged.

SPDX-License-Identifier: MIT
"""
import os, socket, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../peer'))
from machine import done, test
from peers import *
from relays import Here, a_slow_reader, fetch, forty_at_once, give, orders_of_closing

FORWARDED = (7, 9, 80, 5000, 5001, 5002)

def free_ports(n):
    held = [socket.create_server(('127.0.0.1', 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in held]
    for s in held: s.close()
    return ports

class Slirp:
    def __init__(self, here, mtu=1500):
        self.dir = Scratch()
        self.pcap, self.to = self.dir / 'slirp.pcap', dict(zip(FORWARDED, free_ports(len(FORWARDED))))
        self.data_ports = here.ports.values()
        forward = ''.join(f',hostfwd=tcp:127.0.0.1:{near}-{GUEST}:{far}' for far, near in self.to.items())
        self.qure = Qemu(mem=64, volume=volume_with({'qure.conf': CONF + here.conf()}, base=site()), extra=(
            '-netdev', f'user,id=n0,net={HOST}/{PLEN},host={HOST},dhcpstart={GUEST}{forward}', '-device', f'{PLAIN},netdev=n0,id=nic0,host_mtu={mtu}',
            '-object', f'filter-dump,id=dump,netdev=n0,file={self.pcap}'))
        self.qure.expect(r'peer> ', 60)
    def connect(self, port, timeout=60):
        return socket.create_connection(('127.0.0.1', self.to[port]), timeout)
    def close(self):
        self.qure.qmp('quit')
        self.qure.wait_exit()

here = Here()
for name, mtu in (('', 1500), ('MTU 576: ', 576)):
    w = Slirp(here, mtu)
    test(f'{name}slirp opens: download, echo and upload', lambda: (get(w, 4 * MIB), echo(w, MIB), put(w, 4 * MIB)))
    test(f'{name}the image opens: download and upload', lambda: (fetch(w, 4 * MIB), give(w, 4 * MIB)))
    test(f'{name}forty connections at once', forty_at_once, w)
    test(f'{name}a slow reader', a_slow_reader, w)
    test(f'{name}orders of closing, and nothing is left', orders_of_closing, w)
    w.close()
    test(f'{name}the capture', judge, w)
done()
