#!/usr/bin/env python3
"""attack.py - what a hostile network does to TCP: scans, floods from spoofed sources, blind segments inside the window, tiny segments,
overlapping fragments, readers that do not read, more connections than there are. Nothing hangs, and who is served stays served.
ONLY=name,... chooses. Needs root.

SPDX-License-Identifier: MIT
"""
import os, re, resource, select, socket, struct, sys, threading, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../peer'))
from peers import *
from machine import done, skip_the_rest, test

SYN, RST, ACK, FIN = 2, 4, 16, 1

def free_buffers(d): return int(re.search(r'packet buffers: (\d+) of (\d+) free', d.qure.command('mem'))[1])

def still_well(d, n=MIB):
    for fn in (get, echo, put): fn(d, n, 20)
    d.qure.pump(.1)
    need(d.qure.p.poll() is None and 'panic' not in d.qure.text, 'qure is gone: ' + d.qure.text[-1000:])

def scans(d):
    def os_guess():
        out = d.net.sh('nmap', '-n', '-Pn', '-O', '--osscan-guess', '--max-os-tries', '1', '-p', '7,9,22,80,443,1000', GUEST, timeout=90)
        need(re.search(r'80/tcp +open', out) and re.search(r'22/tcp +closed', out), out)
        guess = re.search(r'(?:Aggressive OS guesses|OS details|Running[^:]*|No exact OS matches|Too many)[^\n]*', out)
        print(f'# nmap -O: {guess and guess[0]}', flush=True)
        still_well(d)
    test('nmap -O', os_guess)
    for how in ('-sS', '-sF', '-sX', '-sN', '-sA', '-sM'):
        def scan():
            out = d.net.sh('nmap', '-n', '-Pn', '-T4', how, '-p', '1-1000', GUEST, timeout=90)
            if how == '-sS': need(len(re.findall(r'\d+/tcp +open', out)) == 3, out)
            get(d, MIB)
        test(f'nmap {how} of 1,000 ports', scan)

def served(d, stop, good, bad):
    while not stop.is_set():
        t = time.monotonic()
        try:
            get(d, 65536, 4)
            good.append(time.monotonic() - t)
        except (OSError, AssertionError) as e: bad.append(e)

def floods(d, kinds=('syn', 'ack', 'rst', 'fin', 'xmas')):
    """Transfers, one after the other on four threads, before and during the flood; and one long echo that began before it."""
    def measure(seconds_):
        stop, good, bad = threading.Event(), [], []
        threads = [threading.Thread(target=served, args=(d, stop, good, bad)) for _ in range(4)]
        for t in threads: t.start()
        time.sleep(seconds_)
        stop.set()
        for t in threads: t.join()
        return len(good), len(bad), sorted(good)[len(good) // 2] if good else 99
    def flooded(kind, rate):
        quiet = measure(1.5)
        p = d.flood(kind, rate, 5)
        time.sleep(.5)
        long_, result = time.monotonic(), []
        e = threading.Thread(target=lambda: result.append(echo(d, 2 * MIB, idle=20))); e.start()
        during = measure(3)
        sent, lost = map(int, p.communicate()[0].split())
        e.join(20)
        print(f'# {kind} flood: {sent / 5:.0f} per second arrived; transfers before: {quiet[0] / 1.5:.0f}/s, during: {during[0] / 3:.0f}/s, failed: {during[1]}, '
              f'median {quiet[2] * 1e3:.1f} ms before, {during[2] * 1e3:.1f} ms during', flush=True)
        need(during[0] >= during[1], f'{during[1]} of {sum(during[:2])} transfers failed')
        need(result == [None], 'the transfer that went on did not end well')
        still_well(d)
    for kind in kinds: test(f'{d.kind}: {kind} flood, 50,000 a second', flooded, kind, 50000)
    if d.kind != 'tap': return
    def hping():
        p = d.net.start('timeout', '3', 'hping3', '-q', '-S', '-p', '80', '--flood', '--rand-source', GUEST, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(.5)
        n = measure(2)
        p.wait()
        need(n[0] >= n[1], n)
        still_well(d)
    test('hping3 --flood --rand-source', hping)

class Victim:
    """A connection to echo whose numbers are known from the wire."""
    def __init__(self, d):
        d.drain()
        self.d, self.s = d, d.connect(7)
        self.port = self.s.getsockname()[1]
        self.talk(b'hello')
    def talk(self, text):
        self.d.drain()
        self.s.sendall(text)
        got = b''
        while len(got) < len(text): got += self.s.recv(100) or need(False, 'closed')
        need(got == text)
        time.sleep(.2)
        dp, seq, ack, flags, win, n = [x for x in self.d.drain() if x[0] == self.port][-1]
        self.theirs, self.ours = ack, (seq + n) % 2**32     # what qure expects next; what it will send next
    def answers(self): return [x for x in self.d.drain() if x[0] == self.port]

def blind(d):
    def inside_window(flags, what):
        v = Victim(d)
        for i in range(2000): d.send(v.port, 7, v.theirs + 1 + i * 7, v.ours, flags)
        time.sleep(.3)
        a = v.answers()
        print(f'# 2,000 blind {what} inside the window: {len(a)} challenge acknowledgements', flush=True)
        need(1 <= len(a) <= 1100 and all(x[3] == ACK for x in a), f'{len(a)} answers: {a[:5]}')
        v.talk(b'still here')
    test('blind RST inside the window: challenged, limited, survived (RFC 5961 3)', inside_window, RST, 'RST')
    test('blind SYN inside the window: challenged, limited, survived (RFC 5961 4)', inside_window, SYN, 'SYN')
    def outside():
        v = Victim(d)
        for i in range(200): d.send(v.port, 7, v.theirs + 2**30 + i, v.ours, RST); d.send(v.port, 7, v.theirs - 100000 - i, v.ours, RST | ACK)
        time.sleep(.2)
        need(not v.answers(), 'answers to RST outside the window')
        v.talk(b'still here')
    test('RST outside the window is nothing', outside)
    def injected():
        v = Victim(d)
        for ack in (v.ours + 1000, v.ours - 2**30, v.ours + 2**31):
            for i in range(50): d.send(v.port, 7, v.theirs, ack, ACK, b'evil' + bytes([i]))
        time.sleep(.2)
        v.answers()
        v.talk(b'no evil')
    test('blind data with impossible acknowledgements is not taken (RFC 5961 5)', injected)
    def exact():
        v = Victim(d)
        d.send(v.port, 7, v.theirs, v.ours, RST)
        time.sleep(.3)
        v.answers(); v.s.sendall(b'x')
        try: need(not v.s.recv(1), 'still served')
        except ConnectionError: pass
    test('RST with the exact number ends the connection', exact)
    def storm():
        v = Victim(d)
        for i in range(5000): d.send(v.port, 7, v.theirs - 1000, v.ours, ACK)    # outside the window: challenged, limited
        for i in range(5000): d.send(v.port, 7, v.theirs, v.ours, ACK)           # nothing new
        time.sleep(.3)
        n = len(v.answers())
        for i in range(1000): d.send(v.port, 7, v.theirs - 1, v.ours, ACK)       # keep-alive probes: at most one answer each
        time.sleep(.3)
        probes = len(v.answers())
        print(f'# storm of 10,000 acknowledgements: {n} answers; of 1,000 keep-alive probes: {probes}', flush=True)
        need(n < 50 and probes <= 1000, f'{n} and {probes} answers')
        v.talk(b'still here')
    test('storm of acknowledgements', storm)

def small(d):
    def tiny():
        with d.connect(7, 30) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            data, got = FILE[:20000], bytearray()
            s.setblocking(False)
            i = 0
            while len(got) < len(data):
                if i < len(data):
                    try: i += s.send(data[i:i + 1])
                    except BlockingIOError: pass
                if select.select([s], [], [], 0 if i < len(data) else 10)[0]: got += s.recv(65536)
            need(bytes(got) == data)
    test('20,000 segments of one byte', tiny)
    def tiny_out_of_order():
        """Every second byte first: as many holes as there can be; memory is not eaten, all arrives in the end."""
        before, port, isn = free_buffers(d), 61000, 77
        src = '10.9.0.77'                # Linux knows nothing of this address
        d.drain()
        answer_arp(d, src)
        d.send(port, 7, isn, 0, SYN, options=b'\x02\x04\x05\xb4', src=src)
        time.sleep(.3)
        synack = [x for x in d.drain() if x[0] == port and x[3] == SYN | ACK]
        need(synack, 'no SYN,ACK')
        una = synack[-1][1] + 1
        d.send(port, 7, isn + 1, una, ACK, src=src)
        for i in range(1, 40000, 2): d.send(port, 7, isn + 1 + i, una, ACK, b'b', src=src)
        low = free_buffers(d)
        get(d, MIB)
        for i in range(0, 40000, 50): d.send(port, 7, isn + 1 + i, una, ACK, b'ab' * 25, src=src)
        time.sleep(.5)
        acked = max((x[2] - isn - 1) % 2**32 for x in d.drain() if x[0] == port)
        print(f'# a byte in every second place: {before - low} buffers held; then {acked} of 40000 bytes acknowledged', flush=True)
        need(acked >= 40000, f'{acked} of 40000')
        d.send(port, 7, isn + 1 + acked, una, RST, src=src)
        still_well(d)
    test('a hole behind every byte', tiny_out_of_order)
    def fragments():
        """A SYN in fragments that overlap: dropped whole (RFC 5722, 1858)."""
        v = Victim(d)
        seg = struct.pack('!HHIIBBHHH', v.port, 7, v.theirs, v.ours, 0x50, ACK, 1000, 0, 0) + b'A' * 44
        for step in (8, 16):
            d.ip(6, seg[:24], frag=0x2000, ident=step); d.ip(6, seg[24 - step:], frag=(24 - step) // 8, ident=step)
        d.ip(6, seg[:8], frag=0x2000, ident=99)        # flags in the second fragment
        d.ip(6, seg[8:], frag=1, ident=99)
        d.ip(6, seg[:24], frag=0x3fff, ident=98)       # ends beyond 65,535
        time.sleep(.3)
        need('IP_FRAG_OVERLAP' in d.qure.command('netstat -s'), 'not counted')
        v.talk(b'still here')
    test('overlapping, tiny and endless fragments', fragments)

def answer_arp(d, src):
    """ARP reply for an address that nobody has, so that qure can answer it."""
    m = lambda text: bytes.fromhex(text.replace(':', ''))
    d.raw.send(m(d.mac) + m(d.our_mac) + b'\x08\x06' + struct.pack('!HHBBH', 1, 0x800, 6, 4, 1) + m(d.our_mac) + socket.inet_aton(src) + bytes(6) + socket.inet_aton(GUEST))

def greedy(d):
    def no_readers():
        before, held = free_buffers(d), []
        for _ in range(150):
            s = d.connect(80, rcvbuf=4096)
            s.sendall(request(8 * MIB) * 2)
            held.append(s)
        time.sleep(1)
        need(d.net.curl(f'http://{GUEST}/small.txt') == b'small\n', 'nobody else is served')
        for s in held: s.close()
        echo(d, MIB)
        recovered(d, before)
    test('150 readers of 8 MiB who do not read', no_readers)
    def full_of_data():
        """100 writers of echo who do not read: all that was acknowledged comes back once they read."""
        before, held = free_buffers(d), []
        for i in range(100):
            s = d.connect(7); s.setblocking(False)
            held.append([s, i, 0, hashlib.sha256()])
        for _ in range(6):
            for h in held:
                try:
                    while True: h[2] += h[0].send(FILE[h[1] * 1000 + h[2]:][:65536])
                except BlockingIOError: pass
            time.sleep(.3)
        low = free_buffers(d)
        sent = sum(h[2] for h in held)
        for h in held: h[0].shutdown(socket.SHUT_WR)
        open_, got = {h[0]: h for h in held}, {h[0]: 0 for h in held}
        while open_:
            ready = select.select(list(open_), [], [], 30)[0]
            need(ready, f'nothing comes any more: {sum(got.values())} of {sent}, {len(open_)} left; ' + d.qure.command('netstat -s')[-1500:])
            for s in ready:
                data = s.recv(65536)
                got[s] += len(data); open_[s][3].update(data)
                if not data: s.close(); del open_[s]
        for s, i, n, h in held: need(h.digest() == hashlib.sha256(FILE[i * 1000:i * 1000 + n]).digest(), f'{got[s]} of {n} bytes, or others')
        print(f'# 100 writers who do not read: {sent >> 20} MiB, {low} of {before} buffers left; nothing was lost', flush=True)
        recovered(d, before)
    test('memory full of data that nobody reads: none of it is lost', full_of_data)

def recovered(d, before):
    stop = time.monotonic() + 30
    while free_buffers(d) < before - 8:
        need(time.monotonic() < stop, f'{before} buffers free before, {free_buffers(d)} after')
        time.sleep(.5)

def open_many(d, n, timeout=5):
    held = []
    try:
        while len(held) < n: held.append(d.connect(7, timeout))
    except OSError: pass
    return held

def exhausted(d):
    """More connections than there are slots; afterwards new ones are served."""
    held = open_many(d, 1400, 1)
    print(f'# of 1,400 connections {len(held)} opened', flush=True)
    need(len(held) >= 900, f'only {len(held)}')
    works = 0
    for s in held:
        try:
            s.settimeout(1); s.sendall(b'x'); works += s.recv(1) == b'x'
        except OSError: pass
        if works >= 200: break
    for s in held: s.close()
    need(works >= 200, f'{works} connections work')
    time.sleep(1)
    for _ in range(50): get(d, 1000)
    still_well(d)

def idle():
    """10,000 idle connections to the image, in a machine whose pool has that many."""
    d = Direct('qemu', mem=384)
    def go():
        start = time.monotonic()
        held = open_many(d, 10000)
        took = time.monotonic() - start
        print(f'# {len(held)} connections opened in {took:.1f} s', flush=True)
        print('# ' + d.qure.command('mem').replace('\n', '\n# '), flush=True)
        need(len(held) == 10000, f'only {len(held)}')
        for s in held[::100]:
            s.sendall(b'still?'); need(s.recv(100) == b'still?')
        still_well(d)
        for s in held: s.close()
        time.sleep(1)
        still_well(d)
    test('10,000 idle connections are held while others are served', go)
    d.close()

def image_flooded():
    d = Direct('qemu')
    try: floods(d, ('syn',))
    finally: d.close()

def on_tap(fn):
    def go():
        d = Direct()
        try: fn(d)
        finally: d.close()
    return go

GROUPS = {'scans': on_tap(scans), 'floods': on_tap(floods), 'blind': on_tap(blind), 'small': on_tap(small), 'greedy': on_tap(greedy),
          'exhausted': on_tap(lambda d: test('all connections taken, then given back', exhausted, d)), 'idle': idle, 'image': image_flooded}

if __name__ == '__main__':
    if os.geteuid(): skip_the_rest('needs root') # here, not in a thread
    resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
    only = os.environ.get('ONLY', '').split(',')
    for name, fn in GROUPS.items():
        if only != [''] and name not in only: continue
        start = time.monotonic()
        try: fn()
        except Exception as e: test(f'{name}: its machine', lambda: (_ for _ in ()).throw(e))
        print(f'# group {name}: {time.monotonic() - start:.0f} s', flush=True)
    done()
