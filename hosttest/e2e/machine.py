"""machine.py - what every end-to-end test needs: a namespace with a TAP, the image in QEMU or Bochs with its
serial console in hand, QMP, and TAP-format results. Nothing outlives the process that made it.

    net = Net()                              # root: a namespace of its own; net.tap, host 10.9.0.1/24
    vm = Qemu(net=net, nic='e1000')          # boots B/qure.elf with the volume, or img='...' for the floppy
    vm.expect('qure')                        # serial output up to a pattern
    vm.command('ifconfig')                   # types a line, returns what is printed before the next prompt
    test('name', function)                   # runs it, prints ok / not ok; done() exits
"""
import atexit, json, os, pty, re, select, shutil, signal, socket, subprocess, sys, tempfile, threading, time, traceback, tty

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
B = os.environ.get('B', os.path.join(TOP, 'build'))
if not os.path.isabs(B):
    B = os.path.join(TOP, B)
HOST, GUEST, PLEN = '10.9.0.1', '10.9.0.2', 24
MAC = '52:54:00:12:34:56'
PROMPT = re.compile(r'(?:^|\n)[\w.-]+> (?:\x1b\[K)?$')   # the line editor clears to the end of the line

_cleanup = []
def _at_end():
    while _cleanup:
        try: _cleanup.pop()()
        except Exception: pass
atexit.register(_at_end)
for _s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
    signal.signal(_s, lambda *_: sys.exit(1))

def run(*cmd, check=True, **kw):
    p = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    if check and p.returncode: raise AssertionError(f'{" ".join(cmd)}: exit status {p.returncode}, it says: {p.stdout.strip()[-500:]}')
    return p.stdout

class Scratch:
    """A folder that goes away."""
    def __init__(self):
        self.path = tempfile.mkdtemp(prefix='qure-')
        _cleanup.append(lambda: shutil.rmtree(self.path, ignore_errors=True))
    def __truediv__(self, name): return os.path.join(self.path, name)

class Net:
    """A network namespace with one TAP; `sh` runs commands inside."""
    count = 0
    def __init__(self, addr=f'{HOST}/{PLEN}', vnet_hdr=False):
        if os.geteuid(): skip_the_rest('needs root')
        Net.count += 1
        self.name, self.tap = f'q{os.getpid()}n{Net.count}', 'tap0'
        run('ip', 'netns', 'add', self.name)
        _cleanup.append(lambda: run('ip', 'netns', 'del', self.name, check=False))
        self.sh('ip', 'link', 'set', 'lo', 'up')
        self.sh('sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1', check=False)
        self.sh('ip', 'tuntap', 'add', 'dev', self.tap, 'mode', 'tap', *(['vnet_hdr'] if vnet_hdr else []))
        if addr: self.sh('ip', 'addr', 'add', addr, 'dev', self.tap)
        self.sh('ip', 'link', 'set', self.tap, 'up')
    def cmd(self, *c): return ['ip', 'netns', 'exec', self.name, *c]
    def sh(self, *c, **kw): return run(*self.cmd(*c), **kw)
    def start(self, *c, **kw):
        """A process inside, ended (by its pid) with the test."""
        p = subprocess.Popen(self.cmd(*c), stdin=subprocess.DEVNULL, **kw)
        _cleanup.append(lambda: end(p))
        return p
    def curl(self, *args, timeout=20):
        return subprocess.run(self.cmd('curl', '-sS', '--max-time', str(timeout), *args), stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, proto=0):
        """A socket of this process that lives in the namespace."""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        home, there = os.open('/proc/self/ns/net', os.O_RDONLY), os.open('/var/run/netns/' + self.name, os.O_RDONLY)
        try:
            if libc.setns(there, 0x40000000): raise OSError(ctypes.get_errno(), 'setns')
            return socket.socket(family, kind, proto)
        finally:
            libc.setns(home, 0x40000000); os.close(home); os.close(there)

def end(p):
    if p.poll() is None:
        p.terminate()
        try: p.wait(3)
        except subprocess.TimeoutExpired: p.kill(); p.wait()

class Console:
    """The far end of a serial line: expect, send, command."""
    def __init__(self, fd): self.fd, self.text, self.seen = fd, '', 0
    def pump(self, seconds):
        r, _, _ = select.select([self.fd], [], [], max(0, seconds))
        if not r: return False
        try: data = os.read(self.fd, 65536)
        except OSError: return False
        self.text += data.decode(errors='replace').replace('\r', '')
        return bool(data)
    def expect(self, pattern, timeout=30):
        """Waits for a pattern in output not yet consumed; returns the match."""
        rx, stop = re.compile(pattern), time.monotonic() + timeout
        while True:
            m = rx.search(self.text, self.seen)
            if m: self.seen = m.end(); return m
            left = stop - time.monotonic()
            if left <= 0: raise AssertionError(f'no {pattern!r} on the console within {timeout} s; it ends: {self.text[-1500:]!r}')
            self.pump(min(left, .2))
    def send(self, text): os.write(self.fd, text.encode())
    def command(self, line, timeout=30):
        self.seen = len(self.text)
        self.send(line + '\r')
        stop = time.monotonic() + timeout
        self.expect(re.escape(line[-20:]) if line else '', timeout)
        start = self.seen
        while not PROMPT.search(self.text[start:]):
            if time.monotonic() > stop: raise AssertionError(f'{line!r} did not end within {timeout} s: {self.text[start:][-1500:]!r}')
            self.pump(.2)
        self.seen = len(self.text)
        return '\n'.join(self.text[start:].split('\n')[1:-1])

NICS = {'virtio': 'virtio-net-pci', 'virtio-legacy': 'virtio-net-pci,disable-modern=on', 'virtio-modern': 'virtio-net-pci,disable-legacy=on',
        'e1000': 'e1000', 'rtl8139': 'rtl8139', 'ne2k': 'ne2k_pci', 'ne2k_isa': 'ne2k_isa', 'pcnet': 'pcnet'}

class Machine(Console):
    def __init__(self):
        self.dir = Scratch()
        self.master, slave = pty.openpty(); tty.setraw(slave)
        self.pts = os.ttyname(slave); self.slave = slave
        super().__init__(self.master)
    def start(self, cmd, net):
        self.err = open(self.dir / 'stderr', 'wb')
        self.p = subprocess.Popen(net.cmd(*cmd) if net else cmd, stdin=subprocess.DEVNULL, stdout=self.err, stderr=self.err)
        _cleanup.append(self.close)
    def stderr(self): return open(self.dir / 'stderr', errors='replace').read()
    def wait_exit(self, timeout=30):
        stop = time.monotonic() + timeout
        while self.p.poll() is None and time.monotonic() < stop: self.pump(.1)
        while self.pump(.05): pass
        if self.p.poll() is None: raise AssertionError('still running: ' + self.text[-800:])
        return self.p.returncode

class Qemu(Machine):
    """elf (default) with `volume` as module, or img=floppy image, cdrom=, disk=, usb=. net=None: no NIC unless user=True (with port forward `fwd`)."""
    def __init__(self, net=None, nic='virtio', mem=16, img=None, cdrom=None, disk=None, usb=None, elf=None, volume=None, append='', cpu=None, user=None,
                 fwd=None, vga=False, extra=(), mac=MAC, nics=None):
        super().__init__()
        self.qmp_path = self.dir / 'qmp'
        cmd = ['qemu-system-i386', '-nodefaults', '-no-reboot', '-display', 'none', '-accel', 'tcg', '-m', str(mem), '-serial', self.pts, '-monitor', 'none',
               '-qmp', f'unix:{self.qmp_path},server=on,wait=off', '-device', 'isa-debug-exit,iobase=0xf4,iosize=1']
        if vga: cmd += ['-vga', 'std']
        if cpu: cmd += ['-cpu', cpu]
        if img: cmd += ['-drive', f'file={img},format=raw,if=floppy,snapshot=on', '-boot', 'a']
        elif cdrom: cmd += ['-cdrom', cdrom, '-boot', 'd']
        elif disk: cmd += ['-drive', f'file={disk},format=raw,if=ide,snapshot=on', '-boot', 'c']
        elif usb: cmd += ['-drive', f'file={usb},format=raw,if=none,id=u,snapshot=on', '-device', 'usb-ehci', '-device', 'usb-storage,drive=u']
        else:
            cmd += ['-kernel', elf or os.path.join(B, 'qure.elf')]
            if volume: cmd += ['-initrd', volume]
            if append: cmd += ['-append', append]
        for i, (n, t) in enumerate(nics or ([(nic, net)] if net else [])):
            cmd += ['-netdev', f'tap,id=n{i},ifname={t.tap if hasattr(t, "tap") else t},script=no,downscript=no',
                    '-device', f'{NICS.get(n, n)},netdev=n{i},id=nic{i},mac={mac[:-1]}{(int(mac[-1], 16) + i) % 16:x}']
        if user:
            cmd += ['-netdev', 'user,id=n0' + (f',hostfwd=tcp:127.0.0.1:{fwd}-:80' if fwd else ''), '-device', f'{NICS.get(nic, nic)},netdev=n0,id=nic0,mac={mac}']
        self.cmdline = cmd + list(extra)
        self.start(self.cmdline, net)
    def qmp(self, name, /, **args):
        s = socket.socket(socket.AF_UNIX); s.settimeout(10)
        for _ in range(100):
            try: s.connect(self.qmp_path); break
            except OSError: time.sleep(.05)
        f = s.makefile('rw')
        f.readline()
        for c in ({'execute': 'qmp_capabilities'}, {'execute': name, 'arguments': args}):
            f.write(json.dumps(c) + '\n'); f.flush()
            while True:
                r = json.loads(f.readline())
                if 'return' in r or 'error' in r: break
        s.close()
        if 'error' in r: raise AssertionError(f'qmp {name}: {r["error"]}')
        return r['return']
    def set_link(self, up, dev='nic0'): self.qmp('set_link', name=dev, up=up)
    def close(self): end(self.p)

class Bochs(Machine):
    """The floppy (img=), CD (cdrom=) or disk (disk=) in Bochs; nic: a bochsrc line such as 'e1000' or 'ne2k'."""
    def __init__(self, net=None, nic='ne2k', mem=32, img=None, cdrom=None, disk=None, cpu='p3_katmai', ips=20000000, sync='slowdown', extra=()):
        super().__init__()
        rc = [f'megs: {mem}', 'display_library: term', f'com1: enabled=1, mode=term, dev={self.pts}', f'clock: sync={sync}, time0=1000000000',
              f'cpu: model={cpu}, ips={ips}, reset_on_triple_fault=0', f'log: {self.dir / "log"}', 'panic: action=fatal', 'error: action=report', 'magic_break: enabled=0']
        if img: rc += [f'floppya: 1_44={img}, status=inserted', 'boot: floppy']
        if cdrom: rc += ['ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14', f'ata0-master: type=cdrom, path={cdrom}, status=inserted', 'boot: cdrom']
        if disk: rc += ['ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14', f'ata0-master: type=disk, mode=flat, path={disk}', 'boot: disk']
        if net:
            eth = f'mac={MAC}, ethmod=tuntap, ethdev=/dev/net/tun:{net.tap}, script=none'
            if nic == 'ne2k_isa': rc += [f'ne2k: enabled=1, type=isa, ioaddr=0x300, irq=10, {eth}']
            else: rc += [f'pci: enabled=1, chipset=i440fx, slot1={nic}', f'{nic}: enabled=1, {eth}']
        open(self.dir / 'bochsrc', 'w').write('\n'.join(rc + list(extra)) + '\n')
        open(self.dir / 'rc', 'w').write('c\nq\n')
        os.environ.setdefault('TERM', 'dumb')
        self.start(['bochs-bin', '-q', '-unlock', '-f', self.dir / 'bochsrc', '-rc', self.dir / 'rc'], net)
    def close(self):
        if self.p.poll() is None: self.p.kill(); self.p.wait()

def volume_with(files, base=None, mtime=None):
    """A copy of a floppy image (default B/qure.img) with files {path: bytes} put in by mcopy, of this age; returns its path."""
    d = Scratch(); img = d / 'v.img'
    shutil.copy(base or os.path.join(B, 'qure.img'), img)
    for path, data in files.items():
        src = d / 'f'; open(src, 'wb').write(data if isinstance(data, bytes) else data.encode())
        parts = path.strip('/').split('/')
        for i in range(1, len(parts)):
            run('mmd', '-i', img, '-D', 's', '::/' + '/'.join(parts[:i]), check=False, stdin=subprocess.DEVNULL)
        if mtime: os.utime(src, (mtime, mtime))
        run('mcopy', '-om' if mtime else '-o', '-i', img, src, '::/' + '/'.join(parts))
    return img

_n, _printing = [0, 0], threading.Lock()
def test(name, fn, *args, **kw):
    """Runs fn and prints what came of it; from several threads too."""
    try: fn(*args, **kw); why = None
    except Exception as e: why = ''.join(traceback.format_exception(e)).replace('\n', '\n# ')
    with _printing:
        _n[0] += 1
        _n[1] += why is not None
        print(f'{"ok" if why is None else "not ok"} {_n[0]} - {name}' + (f'\n# {why}' if why else ''), flush=True)
    return why is None
def skip_the_rest(why):
    """Ends the program; what was tried before counts."""
    _n[0] += 1
    print(f'ok {_n[0]} - {os.path.basename(sys.argv[0])} from here on # SKIP {why}', flush=True)
    done()
def done():
    print(f'1..{_n[0]}'); sys.stdout.flush(); _at_end()
    sys.exit(1 if _n[1] or not _n[0] else 0)
