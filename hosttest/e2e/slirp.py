#!/usr/bin/env python3
"""slirp.py - the image against a TCP that is not Linux's: QEMU's user networking (libslirp, which came of 4.4BSD) ends every connection and opens
every one. It has no SACK, no timestamps and no window scale. Transfers by SHA-256, every order of closing, capture judged.

SPDX-License-Identifier: MIT
"""
import hashlib, os, socket, struct, sys, threading, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../peer'))
from machine import done, test
from peers import *

FORWARDED = (7, 9, 80, 5000, 5001, 5002)
RELAYS = {5000: 'source', 5001: 'sink', 5002: 'closed'}       # ports of the image that open a connection to this machine

def free_ports(n):
    held = [socket.create_server(('127.0.0.1', 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in held]
    for s in held: s.close()
    return ports

class Here:
    """What the image's relays open: `source` sends as much of FILE as four bytes say and closes, `sink` reads to the end and says its SHA-256; nobody is at `closed`."""
    def __init__(self):
        self.s = {name: socket.create_server(('127.0.0.1', 0)) for name in ('source', 'sink')}
        self.ports = {name: s.getsockname()[1] for name, s in self.s.items()} | {'closed': free_ports(1)[0]}
        for name, s in self.s.items(): threading.Thread(target=self.loop, args=(s, getattr(self, name)), daemon=True).start()
    def loop(self, s, fn):
        while True: threading.Thread(target=fn, args=(s.accept()[0],), daemon=True).start()
    def source(self, c):
        with c: c.sendall(FILE[:struct.unpack('!I', c.recv(4, socket.MSG_WAITALL))[0]])
    def sink(self, c):
        with c:
            h = hashlib.sha256()
            while data := c.recv(1 << 16): h.update(data)
            c.sendall(h.digest())

class Slirp:
    def __init__(self, here, mtu=1500):
        self.dir = Scratch()
        self.pcap, self.to = self.dir / 'slirp.pcap', dict(zip(FORWARDED, free_ports(len(FORWARDED))))
        conf = CONF + ''.join(f'backend {name} relay {HOST}:{here.ports[name]}\nlisten tcp {port} backend {name}\n' for port, name in RELAYS.items())
        forward = ''.join(f',hostfwd=tcp:127.0.0.1:{near}-{GUEST}:{far}' for far, near in self.to.items())
        self.qure = Qemu(mem=64, volume=volume_with({'qure.conf': conf}, base=site()), extra=(
            '-netdev', f'user,id=n0,net={HOST}/{PLEN},host={HOST},dhcpstart={GUEST}{forward}', '-device', f'{PLAIN},netdev=n0,id=nic0,host_mtu={mtu}',
            '-object', f'filter-dump,id=dump,netdev=n0,file={self.pcap}'))
        self.qure.expect(r'peer> ', 60)
    def connect(self, port, timeout=60):
        return socket.create_connection(('127.0.0.1', self.to[port]), timeout)
    def close(self):
        self.qure.qmp('quit')
        self.qure.wait_exit()

def fetch(w, n):
    """The image opens, this machine sends and closes."""
    with w.connect(5000) as s:
        s.sendall(struct.pack('!I', n))
        h, left = hashlib.sha256(), n
        while data := s.recv(1 << 16): h.update(data); left -= len(data)
    need(left == 0 and h.digest() == hashlib.sha256(FILE[:n]).digest(), f'{left} bytes are missing, or others came')

def give(w, n):
    """The image opens and sends, this machine answers when it has all."""
    with w.connect(5001) as s:
        s.sendall(FILE[:n]); s.shutdown(socket.SHUT_WR)
        got = b''
        while data := s.recv(64): got += data
    need(got == hashlib.sha256(FILE[:n]).digest(), 'SHA-256 differs')

def connections(w):
    text = w.qure.command('netstat')
    return [line for line in text.split('\n') if 'tcp' in line and 'LISTEN' not in line and 'TIME_WAIT' not in line]

def all_over(w):
    stop = time.monotonic() + 30
    while left := connections(w):
        need(time.monotonic() < stop, 'still there: ' + '\n'.join(left))
        time.sleep(.5)

def reset(s): s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); s.close()

def orders_of_closing(w):
    for _ in range(5):
        with w.connect(80) as s: pass                                    # at once
        with w.connect(7) as s:                                          # with data that was not read
            s.sendall(FILE[:50000])
        s = w.connect(80); s.sendall(request(MIB)); s.recv(1000); reset(s)   # reset in the middle
        with w.connect(80) as s: s.sendall(b'GET / HTTP/1.0\r\n\r\n'); need(b'page' in b''.join(iter(lambda: s.recv(9999), b'')))   # the image closes first
        with w.connect(9) as s: s.shutdown(socket.SHUT_WR); need(s.recv(1) == b'')   # half, with nothing said
        s = w.connect(5001); s.sendall(FILE[:300000]); reset(s)          # through the image
        with w.connect(5002) as s:                                       # nobody is there
            try: need(s.recv(1) == b'', 'an answer from nobody')
            except ConnectionResetError: pass
    all_over(w)

def many_at_once(w):
    """All are open before the first is read to its end. QEMU listens with room for one at a time."""
    N, wrong, opened = 200000, [], threading.Barrier(40)
    opening = threading.Lock()
    def one(i):
        try:
            with opening:
                s = w.connect(80 if i % 2 else 5000)
                s.sendall(request(N) if i % 2 else struct.pack('!I', N))
                s.recv(1, socket.MSG_PEEK)
            opened.wait(60)
            with s, s.makefile('rb') as f:
                if i % 2: body(f, N)
                else: need(f.read() == FILE[:N], 'other bytes')
        except Exception as e: wrong.append(f'{i}: {e!r}')
    threads = [threading.Thread(target=one, args=(i,)) for i in range(40)]
    for t in threads: t.start()
    for t in threads: t.join()
    need(not wrong, wrong[:3])

def a_slow_reader(w):
    """The window shuts on both sides of slirp and opens again."""
    with w.connect(80) as s, s.makefile('rb') as f:
        s.sendall(request(4 * MIB))
        time.sleep(2)
        body(f, 4 * MIB)

here = Here()
for name, mtu in (('', 1500), ('MTU 576: ', 576)):
    w = Slirp(here, mtu)
    test(f'{name}slirp opens: download, echo and upload', lambda: (get(w, 4 * MIB), echo(w, MIB), put(w, 4 * MIB)))
    test(f'{name}the image opens: download and upload', lambda: (fetch(w, 4 * MIB), give(w, 4 * MIB)))
    test(f'{name}forty connections at once', many_at_once, w)
    test(f'{name}a slow reader', a_slow_reader, w)
    test(f'{name}orders of closing, and nothing is left', orders_of_closing, w)
    w.close()
    test(f'{name}the capture', judge, w)
done()
