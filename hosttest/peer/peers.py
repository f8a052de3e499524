"""peers.py - a Linux peer and qure (as a process, as netcat over the library, or the image in QEMU) with a bad network between
them, and transfers checked by SHA-256. The judge who reads the capture is in judge.py.

    w = World('tap', loss=5, delay=20)       # w.net: the namespace where Linux has 10.9.0.1
    get(w, 1 << 20); echo(w, 1 << 20); put(w, 1 << 20)
    w.wan(clear=1, rate=1e6)                 # another network from now on
    w.close(); judge(w)                      # fails when qure broke a rule that shows in the packets

SPDX-License-Identifier: MIT
"""
import ctypes, fcntl, hashlib, os, random, select, socket, struct, subprocess, sys, threading, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../e2e'))
from machine import B, GUEST, HOST, PLEN, Net, Qemu, Scratch, _cleanup, end, run, volume_with
from web import Tap, volume
from judge import judge, need, options, qure_mac, rules, segments, sum16

MIB = 1 << 20
FILE = random.Random(3).randbytes(8 * MIB)
CONF = f'hostname peer\ninterface eth0 address {GUEST}/{PLEN}\nroute default via {HOST}\nsite default /www\nlisten http 80\nlisten echo 7\nlisten discard 9\n'
SITE = {'qure.conf': CONF, 'www/index.html': b'<p>page', 'www/small.txt': b'small\n', 'www/blob.bin': FILE}

def inside(name, fn):
    """fn() with this thread in the network namespace `name`."""
    libc = ctypes.CDLL(None, use_errno=True)
    home, there = os.open('/proc/thread-self/ns/net', os.O_RDONLY), os.open('/var/run/netns/' + name, os.O_RDONLY)
    try:
        if libc.setns(there, 0x40000000): raise OSError(ctypes.get_errno(), 'setns')
        return fn()
    finally:
        libc.setns(home, 0x40000000); os.close(home); os.close(there)

def open_tap(net, name):
    def go():
        fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(fd, 0x400454ca, struct.pack('16sH22x', name.encode(), 2 | 0x1000))
        return fd
    return inside(net.name, go)

_volume = []
def site():
    with making:
        if not _volume: _volume.append(volume_with(SITE, base=empty_volume()))
    return _volume[0]

def empty_volume():
    """A FAT image with room for SITE."""
    img = Scratch() / 'empty.img'
    with open(img, 'wb') as f: f.truncate(24 * MIB)
    run('mformat', '-i', img, '-T', str(24 * 2048), '-h', '16', '-s', '63', '-c', '8', '::')
    return img

class Near:
    """The namespace as seen by who opens the TAP next to qure."""
    def __init__(self, net, tap): self.net, self.tap = net, tap
    def cmd(self, *c): return self.net.cmd(*c)


# no offloads: what the capture shows is what the guest made
PLAIN = 'virtio-net-pci,csum=off,guest_csum=off,' + ','.join(f'{side}_{what}=off' for side in ('guest', 'host') for what in ('tso4', 'tso6', 'ecn', 'ufo'))
PROGRAM = os.environ.get('QURE_TAP', 'qure-tap')      # qure-tap-san: slower, finds more
making = threading.Lock()

def running(net):
    """The namespace sends by its TAP only when the kernel has noticed that somebody opened it. Before, an answer to ARP is lost, and our first SYN waits
    a second for the next question."""
    stop = time.monotonic() + 10
    while net.sh('cat', f'/sys/class/net/{net.tap}/operstate').strip() != 'up':
        need(time.monotonic() < stop, f'{net.tap} does not come up')
        time.sleep(.01)

class World:
    """kind: 'tap' qure-tap, 'qemu' the image, 'nc' qure-nc (start it with w.nc), 'linux' another namespace."""
    count = 0
    def __init__(self, kind='tap', capture=True, mtu=1500, program=PROGRAM, nic=PLAIN, mem=64, sysctl=(), **how):
        with making:
            World.count += 1
            self.kind, self.net, self.dir = kind, Net(), Scratch()
            if kind == 'linux': self.far = Net(addr=f'{GUEST}/{PLEN}')
        self.pcap = self.dir / 'wan.pcap' if capture else None
        for s in sysctl: self.net.sh('sysctl', '-qw', s)
        if mtu != 1500: self.net.sh('ip', 'link', 'set', self.net.tap, 'mtu', str(mtu))
        fds = [open_tap(self.net, self.net.tap)]
        running(self.net)
        if kind == 'linux':
            fds.append(open_tap(self.far, self.far.tap))
            running(self.far)
        elif kind == 'nc':
            a, self.nc_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            for s in (a, self.nc_end):
                s.setblocking(False); s.setsockopt(socket.SOL_SOCKET, 33, 4 * MIB); s.setsockopt(socket.SOL_SOCKET, 32, 4 * MIB)  # ...BUFFORCE
            fds.append(a.detach())
        else:
            self.net.sh('ip', 'tuntap', 'add', 'dev', 'q0', 'mode', 'tap')
            self.net.sh('sysctl', '-qw', 'net.ipv4.conf.q0.arp_ignore=8')
            self.net.sh('ip', 'link', 'set', 'q0', 'up', 'txqueuelen', '1000')
            s = self.net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            s.setsockopt(263, 23, 1)                    # PACKET_IGNORE_OUTGOING
            s.setsockopt(socket.SOL_SOCKET, 33, 8 * MIB)
            s.bind(('q0', 3)); s.setblocking(False)
            fds.append(s.detach())
        self.p = subprocess.Popen([os.path.join(B, 'qure-wan'), *map(str, fds)] + ([self.pcap] if capture else []), pass_fds=fds,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        _cleanup.append(lambda: end(self.p))
        for fd in fds: os.close(fd)
        self.wan(seed=World.count)
        if kind == 'tap': self.qure = Tap(Near(self.net, 'q0'), site(), program)
        if kind == 'qemu':
            self.qure = Qemu(net=Near(self.net, 'q0'), nic=nic, mem=mem, volume=site())
            self.qure.expect(r'peer> ', 60)
        if kind in ('tap', 'qemu'):
            ping = self.net.sh('ping', '-c', '3', '-i', '.2', '-W', '2', GUEST, check=False)
            need(' 0% packet loss' in ping, ping)
        if how: self.wan(**how)
    def wan(self, **how):
        """up_ and down_ before a name mean one way only. Returns the counters: frames bytes lost doubled corrupted hurried dropped marked refused, up then down."""
        words = []
        for k, v in how.items():
            way, name = k.split('_') if '_' in k else ('', k)
            line = f'{way} {name} {v}\n'
            self.p.stdin.write(line); self.p.stdin.flush()
            words = list(map(int, self.p.stdout.readline().split()))
        if not how:
            self.p.stdin.write('\n'); self.p.stdin.flush()
            words = list(map(int, self.p.stdout.readline().split()))
        return words
    def nc(self, *args, stdin=subprocess.PIPE):
        p = subprocess.Popen([os.path.join(B, 'qure-nc'), str(self.nc_end.fileno()), GUEST, *args], pass_fds=[self.nc_end.fileno()], stdin=stdin,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        _cleanup.append(lambda: end(p))
        return p
    def connect(self, port, timeout=60, rcvbuf=None, before=None):
        s = self.net.socket()
        s.settimeout(timeout)
        if rcvbuf: s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        cubic(s)
        if before: before(s)
        s.connect((GUEST, port))
        return s
    def close(self):
        if hasattr(self, 'qure'): self.qure.close()
        if self.p.poll() is None:
            self.p.stdin.close()
            self.p.wait(10)


class Direct:
    """Linux and qure on one TAP, nothing between: for what needs speed, and for frames made by hand (d.raw)."""
    def __init__(self, kind='tap', program=PROGRAM, mem=64, nic='virtio', files=None):
        with making: self.net, self.dir = Net(), Scratch()
        self.kind = kind
        vol = site()
        if kind == 'tap':
            self.qure = Tap(self.net, vol, program)
        else:
            self.qure = Qemu(net=self.net, nic=nic, mem=mem, volume=vol)
            self.qure.expect(r'peer> ', 60)
        ping = self.net.sh('ping', '-c', '3', '-i', '.2', '-W', '2', GUEST, check=False)
        need(' 0% packet loss' in ping, ping)
        self.mac = self.net.sh('ip', 'neigh', 'show', GUEST).split('lladdr ')[1].split()[0]
        self.our_mac = self.net.sh('cat', f'/sys/class/net/{self.net.tap}/address').strip()
        self.net.sh('ip', 'neigh', 'replace', GUEST, 'lladdr', self.mac, 'dev', self.net.tap)
        self.raw = self.net.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.raw.setsockopt(socket.SOL_SOCKET, 33, 64 * MIB)
        self.raw.bind((self.net.tap, 3))
    connect = World.connect
    def flood(self, kind, rate, seconds_, port=80):
        fd = self.raw.fileno()
        p = subprocess.Popen([os.path.join(B, 'qure-flood'), str(fd), kind, str(rate), str(seconds_), self.mac, self.our_mac, GUEST, str(port)], pass_fds=[fd],
                             stdout=subprocess.PIPE, text=True)
        _cleanup.append(lambda: end(p))
        return p
    def send(self, sport, dport, seq, ack, flags, payload=b'', win=65535, options=b'', src=HOST):
        """One TCP segment made by hand."""
        t = struct.pack('!HHIIBBHHH', sport, dport, seq % 2**32, ack % 2**32, (20 + len(options)) // 4 << 4, flags, win, 0, 0) + options + payload
        a = socket.inet_aton(src) + socket.inet_aton(GUEST)
        c = ~sum16(a + struct.pack('!HH', 6, len(t)) + t) & 0xffff
        self.ip(6, t[:16] + struct.pack('!H', c) + t[18:], src)
    def ip(self, proto, payload, src=HOST, frag=0, ident=1):
        h = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), ident, frag, 64, proto, 0, socket.inet_aton(src), socket.inet_aton(GUEST))
        h = h[:10] + struct.pack('!H', ~sum16(h) & 0xffff) + h[12:]
        mac = lambda text: bytes.fromhex(text.replace(':', ''))
        for _ in range(1000):
            try: return self.raw.send(mac(self.mac) + mac(self.our_mac) + b'\x08\x00' + h + payload)
            except OSError as e:
                if e.errno != 105: raise
                time.sleep(.001)
    def drain(self):
        """What qure sent since the last time: (dport, seq, ack, flags, window, payload length) of its TCP segments."""
        out = []
        self.raw.setblocking(False)
        try:
            while True:
                f = self.raw.recv(65536)
                if f[12:14] != b'\x08\x00' or f[23] != 6 or f[26:30] != socket.inet_aton(GUEST): continue
                total = struct.unpack_from('!H', f, 16)[0]
                _, dp, seq, ack, off, flags, win = struct.unpack_from('!HHIIBBH', f, 34)
                out.append((dp, seq, ack, flags, win, total - 20 - (off >> 4) * 4))
        except BlockingIOError: pass
        self.raw.setblocking(True)
        return out
    def close(self): self.qure.close(); self.raw.close()


# --- transfers ---

def request(n, start=0): return f'GET /blob.bin HTTP/1.1\r\nHost: a\r\nRange: bytes={start}-{start + n - 1}\r\nConnection: close\r\n\r\n'.encode()

def body(f, n):
    """Reads one reply to its end; the SHA-256 of n bytes must be FILE's."""
    line = f.readline()
    need(line.startswith(b'HTTP/1.1 206'), line)
    while f.readline() not in (b'\r\n', b''): pass
    h, left = hashlib.sha256(), n
    while left:
        data = f.read(min(left, 65536))
        need(data, f'ended {left} bytes early')
        h.update(data); left -= len(data)
    need(h.digest() == hashlib.sha256(FILE[:n]).digest(), 'SHA-256 differs')

def get(w, n, timeout=60, **kw):
    with w.connect(80, timeout, **kw) as s, s.makefile('rb') as f:
        s.sendall(request(n))
        body(f, n)

def echo(w, n, seed=1, idle=60, **kw):
    """n bytes out and back, both directions at once; the half close comes back as one."""
    s, rnd = w.connect(7, idle, **kw), random.Random(seed)
    sent, got, left, back, buf = hashlib.sha256(), hashlib.sha256(), n, 0, b''
    block = rnd.randbytes(1 << 16)
    s.setblocking(False)
    poll = select.poll(); poll.register(s)
    while True:
        poll.modify(s, select.POLLIN | (select.POLLOUT if left or buf else 0))
        events = poll.poll(idle * 1000)
        r, ready = (any(e & what for _, e in events) for what in (~select.POLLOUT, select.POLLOUT))
        need(r or ready, f'echo stands still at {back} of {n} bytes, {left + len(buf)} still to be sent')
        if ready:
            if not buf:
                at = rnd.randrange(len(block))
                buf = (block[at:] + block[:at])[:left]
                left -= len(buf); sent.update(buf)
            try: buf = buf[s.send(buf):]
            except BlockingIOError: pass
            if not left and not buf: s.shutdown(socket.SHUT_WR)
        if r:
            data = s.recv(1 << 16)
            if not data: break
            back += len(data); got.update(data)
    s.close()
    need(back == n and sent.digest() == got.digest(), f'{back} of {n} bytes came back, or others')

def put(w, n, timeout=60, **kw):
    """n bytes to the discard service; its half close says it took them all."""
    with w.connect(9, timeout, **kw) as s:
        for i in range(0, n, 65536): s.sendall(FILE[i % len(FILE):][:min(65536, n - i)])
        s.shutdown(socket.SHUT_WR)
        need(s.recv(1) == b'', 'an answer from discard')

def cubic(s):
    """What most Linux peers run (and qure by default), whatever this machine prefers."""
    try: s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b'cubic')
    except OSError: pass

def seconds(fn, *args, **kw):
    t = time.monotonic()
    fn(*args, **kw)
    return time.monotonic() - t

class LinuxServer:
    """The same services by Linux, for comparison: HTTP enough for get, discard."""
    def __init__(self, world):
        self.s = [self.listen(world.far, port) for port in (80, 9)]
        for s, fn in zip(self.s, (self.http, self.discard)): threading.Thread(target=self.loop, args=(s, fn), daemon=True).start()
    @staticmethod
    def listen(net, port):
        s = net.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); cubic(s); s.bind(('0.0.0.0', port)); s.listen(16)
        return s
    @staticmethod
    def loop(s, fn):
        while True:
            try: c = s.accept()[0]
            except OSError: return
            threading.Thread(target=fn, args=(c,), daemon=True).start()
    @staticmethod
    def http(c):
        try:
            q = c.recv(4096).decode()
            n = int(q.split('bytes=0-')[1].split()[0]) + 1
            c.sendall(b'HTTP/1.1 206 Partial\r\n\r\n' + FILE[:n]); c.close()
        except OSError: pass
    @staticmethod
    def discard(c):
        try:
            while c.recv(65536): pass
            c.close()
        except OSError: pass
