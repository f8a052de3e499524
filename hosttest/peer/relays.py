"""relays.py - what a foreign peer's test needs beside peers.py: connections that the image opens (its relays to servers on this machine), and every
order of closing. w.connect(port) opens to the image, w.qure is its console; the ports of RELAYS lead back here.

SPDX-License-Identifier: MIT
"""
import hashlib, socket, struct, threading, time
from peers import FILE, HOST, MIB, body, need, request

RELAYS = {5000: 'source', 5001: 'sink', 5002: 'closed'}       # ports of the image that open a connection to this machine

def relays_conf(ports):
    """Lines for qure.conf."""
    return ''.join(f'backend {name} relay {HOST}:{ports[name]}\nlisten tcp {port} backend {name}\n' for port, name in RELAYS.items())

class Here:
    """What the image's relays open: `source` sends as much of FILE as four bytes say and closes, `sink` reads to the end and says its SHA-256; nobody is at `closed`."""
    def __init__(self, make=socket.socket, at='127.0.0.1'):
        s = {name: make() for name in RELAYS.values()}
        for x in s.values(): x.bind((at, 0))
        self.ports = {name: x.getsockname()[1] for name, x in s.items()}
        s.pop('closed').close()
        for name, x in s.items():
            x.listen(64)
            threading.Thread(target=self.loop, args=(x, getattr(self, name)), daemon=True).start()
    def conf(self): return relays_conf(self.ports)
    def loop(self, s, fn):
        while True: threading.Thread(target=self.one, args=(fn, s.accept()[0]), daemon=True).start()
    def one(self, fn, c):
        try: fn(c)
        except OSError: pass                    # some are reset on purpose
    def source(self, c):
        with c: c.sendall(FILE[:struct.unpack('!I', c.recv(4, socket.MSG_WAITALL))[0]])
    def sink(self, c):
        with c:
            h = hashlib.sha256()
            while data := c.recv(1 << 16): h.update(data)
            c.sendall(h.digest())

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

def forty_at_once(w):
    """All are open before the first is read to its end. They open one by one: QEMU listens with room for one."""
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

def a_slow_reader(w, seconds=2):
    """The peer's window shuts, and opens again."""
    with w.connect(80) as s, s.makefile('rb') as f:
        s.sendall(request(4 * MIB))
        time.sleep(seconds)
        body(f, 4 * MIB)

def an_echo_unread(w, seconds=2):
    """Both windows shut: what comes back is not read, so what goes out is not taken; then it is."""
    with w.connect(7) as s:
        s.settimeout(seconds)
        sent = 0
        try:
            while sent < len(FILE): sent += s.send(FILE[sent:sent + 65536])
        except TimeoutError: pass
        need(sent < len(FILE), 'it took everything')
        s.settimeout(60)
        left = sent
        s.shutdown(socket.SHUT_WR)
        h = hashlib.sha256()
        while data := s.recv(1 << 16): h.update(data); left -= len(data)
    need(left == 0 and h.digest() == hashlib.sha256(FILE[:sent]).digest(), f'{left} bytes are missing, or others came')

def closings(w):
    for _ in range(5):
        with w.connect(80) as s: pass                                    # at once
        with w.connect(7) as s:                                          # with data that was not read
            s.sendall(FILE[:50000])
        s = w.connect(80); s.sendall(request(MIB)); s.recv(1000); reset(s)   # reset in the middle
        with w.connect(80) as s: s.sendall(b'GET / HTTP/1.0\r\n\r\n'); need(b'page' in b''.join(iter(lambda: s.recv(9999), b'')))   # the image closes first
        with w.connect(9) as s: s.shutdown(socket.SHUT_WR); need(s.recv(1) == b'')   # half, with nothing said
        s = w.connect(5001); s.sendall(FILE[:300000]); reset(s)          # through the image
        try:                                                             # nobody is there; the reset may overtake the caller
            with w.connect(5002) as s: need(s.recv(1) == b'', 'an answer from nobody')
        except ConnectionResetError: pass

def orders_of_closing(w):
    closings(w)
    all_over(w)
