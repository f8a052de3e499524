#!/usr/bin/env python3
"""emulator.py [ROW...] - qure's image beside a Debian guest with nginx: the same emulator (QEMU TCG, 1 processor, virtio-net), the same run.

Rows: size boot memory web (default: all). Prints `name: value unit`; rates and times are medians, taken in turns (qure, Debian, qure, ...),
so that a busy machine slows both; only the `ratio` lines mean anything beyond this machine. Needs root (namespace, TAP).
"""
import collections, json, os, re, select, socket, statistics, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'e2e'))
from machine import B, GUEST, HOST, MAC, TOP, Net, Scratch, end, run

RUNS, SECONDS, BIG = int(os.environ.get('RUNS', 3)), int(os.environ.get('SECONDS', 5)), 64
PEER = os.path.join(B, 'peer')
KERNEL = 192 << 10   # bytes that code, constants and data were to fit into
CONF = f'interface eth0 address {GUEST}/24\nlisten http 80\nsite default /www\n'

def say(name, value, unit): print(f'{name}: {value:.2f} {unit}' if isinstance(value, float) else f'{name}: {value} {unit}', flush=True)

def volume(big):
    """A FAT volume with the configuration, /www/1k and, when wanted, /www/big."""
    d = Scratch(); img = d / 'volume.img'
    open(d / '1k', 'wb').write(b'x' * 1023 + b'\n'); open(d / 'conf', 'w').write(CONF)
    subprocess.run(['truncate', '-s', f'{(BIG + 4) if big else 1}M', img], check=True)
    run('mformat', '-i', img, *(['-T', str((BIG + 4) * 2048), '-h', '16', '-s', '63', '-c', '16'] if big else ['-T', '2048', '-h', '2', '-s', '18']), '::')
    run('mmd', '-i', img, '::/www'); run('mcopy', '-i', img, d / 'conf', '::/qure.conf'); run('mcopy', '-i', img, d / '1k', '::/www/1k')
    if big:
        subprocess.run(['truncate', '-s', f'{BIG}M', d / 'big'], check=True); run('mcopy', '-i', img, d / 'big', '::/www/big')
    return img

class Guest:
    def __init__(self, net, who, mem, big=False, vol=None, wait=60):
        self.net, dir = net, Scratch()
        common = ['-accel', 'tcg', '-smp', '1', '-m', str(mem), '-display', 'none', '-nodefaults', '-no-reboot', '-serial', f'file:{dir / "serial"}',
                  '-netdev', 'tap,id=n0,ifname=tap0,script=no,downscript=no', '-device', f'virtio-net-pci,netdev=n0,mac={MAC},romfile=']
        if who == 'qure': cmd = ['qemu-system-i386', '-kernel', os.path.join(B, 'qure.elf'), '-initrd', vol] + common
        else:
            cmd = ['qemu-system-x86_64', '-kernel', PEER + '/vmlinuz', '-initrd', PEER + '/web.img', '-append',
                   'console=ttyS0 quiet loglevel=0 mitigations=off nokaslr tsc=reliable clocksource=tsc no_timer_check lpj=4000000 nowatchdog audit=0 ipv6.disable=1 '
                   f'random.trust_cpu=on cryptomgr.notests rcupdate.rcu_expedited=1 i8042.noaux i8042.nokbd panic=-1 big={BIG if big else 0}'] + common
        net.sh('ip', 'link', 'set', 'tap0', 'txqueuelen', '8') # SYNs from before the guest listens must not pile up
        self.t0 = time.monotonic()
        self.p = subprocess.Popen(net.cmd(*cmd), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(dir / 'err', 'wb'))
        self.ms = self.first_answer(wait); self.serial = dir / 'serial'; self.errors = dir / 'err'
        net.sh('ip', 'link', 'set', 'tap0', 'txqueuelen', '1000')
    def first_answer(self, limit):
        """A new connection every 2 ms; milliseconds from exec to the first status line 200."""
        live, nxt = {}, 0.0
        ep = select.epoll()
        def drop(fd): ep.unregister(fd); live.pop(fd)[0].close()
        try:
            while time.monotonic() - self.t0 < limit and self.p.poll() is None:
                now = time.monotonic()
                if now >= nxt:
                    nxt = now + .002
                    for fd in [f for f, v in live.items() if now - v[1] > .25]: drop(fd)
                    s = self.net.socket(); s.setblocking(False); s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
                    s.connect_ex((GUEST, 80)); live[s.fileno()] = [s, now, False]; ep.register(s, select.EPOLLOUT)
                for fd, _ in ep.poll(max(0, nxt - time.monotonic())):
                    v = live.get(fd)
                    if not v: continue
                    try:
                        if not v[2]: v[0].send(b'GET /1k HTTP/1.0\r\nHost: g\r\n\r\n'); v[1:] = [time.monotonic() + 2, True]; ep.modify(fd, select.EPOLLIN)
                        elif re.match(rb'HTTP/1\.[01] 200', v[0].recv(64)): return (time.monotonic() - self.t0) * 1e3
                        else: drop(fd)
                    except BlockingIOError: pass
                    except OSError: drop(fd)
        finally:
            for fd in list(live): drop(fd)
            ep.close()
        return None
    def stop(self): end(self.p)
    def __enter__(self):
        if self.ms is None: sys.exit('the guest did not answer: ' + open(self.serial, errors='replace').read()[-800:] + open(self.errors, errors='replace').read()[-400:])
        return self
    def __exit__(self, *_): self.stop()

UNIT = {'us': .001, 'ms': 1.0, 's': 1000.0, 'm': 60000.0}
def wrk(net, path, conns, close=False, secs=SECONDS, first=()):
    o = subprocess.run(net.cmd(*first, 'wrk', '-t1', f'-c{conns}', f'-d{secs}s', '--timeout', '2s', '--latency', *(['-H', 'Connection: close'] if close else []), f'http://{GUEST}{path}'),
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    rps = re.search(r'Requests/sec:\s+([\d.]+)', o)
    if not rps: sys.exit(f'emulator.py: wrk has no figures for {path} with {conns} connections, it says: {o.strip()!r}')
    r = {'rps': float(rps[1]), 'errors': sum(map(int, re.findall(r'(?:connect|read|write|timeout|responses:) (\d+)', o)))}
    for p in ('50', '99'):
        m = re.search(rf'{p}%\s+([\d.]+)(us|ms|s|m)', o); r['p' + p] = float(m[1]) * UNIT[m[2]] if m else 0.0
    return r

def kernel_by_folder():
    """Bytes of code, constants and data in the linked kernel, by the folder that they come from (the linker's map)."""
    folders = collections.Counter()
    with open(os.path.join(B, 'qure.map')) as f:
        text = f.read()
    text = text[text.index('Linker script and memory map'):]
    text = text[:re.search(r'^\.bss ', text, re.M).start()]
    for name, size, source in re.findall(r'^ (\.\S+)\s+0x0*1[0-9a-f]{5}\s+0x([0-9a-f]+) (\S+)$', text, re.M):
        folder = os.path.dirname(os.path.relpath(source, os.path.join(B, 'k')))
        folders['names_for_backtraces' if name == '.ksym' else 'libgcc' if folder.startswith('..') else folder.replace('/', '_')] += int(size, 16)
    return folders

def latency(net, g):
    """One client. Guest and client go before whatever else this machine does, or its other work would be most of the 99th percentile."""
    run('chrt', '-a', '-f', '-p', '1', str(g.p.pid), check=False)
    r = wrk(net, '/1k', 1, first=('chrt', '-f', '1'))
    run('chrt', '-a', '-o', '-p', '0', str(g.p.pid), check=False)
    return r

def row_size():
    """The floppy image by part; what a Debian guest that serves the same page needs, if it was built."""
    of = lambda *names: os.path.getsize(os.path.join(*names))
    files = sum(of(d, f) for d, _, fs in os.walk(os.path.join(TOP, 'boot/volume')) for f in fs)
    parts = {'boot_sector': of(B, 'boot.bin'), 'stage_2': of(B, 'stage2.bin'), 'kernel': of(B, 'qure.bin'), 'site_and_configuration': files}
    for name, n in parts.items(): say('size.image.' + name, n, 'bytes')
    kernel = kernel_by_folder(); total = sum(kernel.values())
    say('size.kernel', total, f'bytes (target {KERNEL})')
    for name, n in kernel.most_common(): say('size.kernel.' + name, n, f'bytes, {100 * n / total:.0f} %')
    say('size.image.free_and_tables', of(B, 'qure.img') - sum(parts.values()), 'bytes')
    for f in ('qure.img', 'qure.elf', 'qure.iso'):
        if os.path.exists(os.path.join(B, f)): say('size.' + f, of(B, f), 'bytes')
    if os.path.exists(PEER + '/web.img'): say('size.debian', of(PEER, 'vmlinuz') + of(PEER, 'web.img'), 'bytes')

def guest_clock(net, g):
    """Milliseconds from kernel entry, by the guest's own clock: to being able to answer, and to the first answer."""
    first = json.loads(net.curl(f'http://{GUEST}/status.json'))['first_answer_us']
    return int(re.search(r'ready in (\d+) us', open(g.serial, errors='replace').read())[1]) / 1e3, first / 1e3

def row_boot(net):
    ms = {'qure': [], 'debian': []}; vol = volume(False)
    clock = []
    for _ in range(max(RUNS, 3)):
        for who in ms:
            with Guest(net, who, 16 if who == 'qure' else 256, vol=vol) as g:
                ms[who].append(g.ms)
                if who == 'qure': clock.append(guest_clock(net, g))
    for i, name in enumerate(('ready', 'first_answer')): say(f'boot.qure.kernel_entry_to_{name}.guest_clock', statistics.median(c[i] for c in clock), 'ms')
    for who in ms: say(f'boot.{who}.exec_to_first_200', statistics.median(ms[who]), 'ms')
    say('boot.ratio', statistics.median(ms['debian']) / statistics.median(ms['qure']), 'times')

def serves(net, who, mem, vol):
    g = Guest(net, who, mem, vol=vol, wait=12)
    try: return g.ms is not None and (r := wrk(net, '/1k', 64, secs=2))['rps'] > 0 and not r['errors'] and g.p.poll() is None
    finally: g.stop()

def row_memory(net):
    vol = volume(False)
    for who, lo, hi in (('qure', 1, 16), ('debian', 32, 128)):
        while hi - lo > 1:
            mid = (lo + hi) // 2
            if serves(net, who, mid, vol): hi = mid
            else: lo = mid
        say(f'memory.{who}.least_that_serves', hi, 'MiB')

def row_web(net):
    vol = volume(True); got = {'qure': {}, 'debian': {}}
    for _ in range(RUNS):
        for who in got:
            with Guest(net, who, 160 if who == 'qure' else 320, big=True, vol=vol) as g:
                wrk(net, '/1k', 64, secs=1)
                rows = {'keepalive': wrk(net, '/1k', 64), 'close': wrk(net, '/1k', 64, close=True), 'one_client': latency(net, g)}
                for name, r in rows.items():
                    for k, v in r.items(): got[who].setdefault(f'{name}.{k}', []).append(v)
                o = net.sh('curl', '-s', '-o', '/dev/null', '-m', '120', '-w', '%{size_download} %{time_total} %{http_code}', f'http://{GUEST}/big', check=False).split()
                if len(o) == 3 and o[2] == '200' and int(o[0]) == BIG << 20: got[who].setdefault('file_64MiB', []).append(int(o[0]) / float(o[1]) / 1e6)
    units = {'rps': 'req/s', 'errors': 'count', 'p50': 'ms', 'p99': 'ms', 'file_64MiB': 'MB/s'}
    for key in got['debian']:
        for who in got: say(f'web.{who}.{key}', float(statistics.median(got[who].get(key, [0]))), units[key.split('.')[-1]])
        if not key.endswith('errors') and statistics.median(got['debian'][key]): say(f'web.ratio.{key}', statistics.median(got['qure'].get(key, [0])) / statistics.median(got['debian'][key]), 'times')

def main():
    if sys.argv[1:] == ['size']: return row_size()
    if os.geteuid(): sys.exit('emulator.py: needs root (it makes a network namespace and a TAP)')
    if not os.path.exists(PEER + '/web.img'): run(sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'peer', 'build.py'), PEER)
    net = Net(vnet_hdr=True)
    net.sh('ip', 'neigh', 'replace', GUEST, 'lladdr', MAC, 'dev', 'tap0', 'nud', 'permanent') # so that an ARP retry (1 s) is no part of the boot figure
    net.sh('sysctl', '-qw', 'net.ipv4.ip_local_port_range=1024 65535', 'net.ipv4.tcp_tw_reuse=1', check=False)
    for row in sys.argv[1:] or ['size', 'boot', 'memory', 'web']:
        globals()['row_' + row](*([] if row == 'size' else [net]))

main()
