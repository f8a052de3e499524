#!/usr/bin/env python3
"""nic.py - every network card that has a driver, with real traffic over a TAP: bytes both ways through the echo service and a file
through the web server, checked by SHA-256; a flood of small, oversized and broken frames; the cable pulled and put back; the
multicast filter; all buffers taken. QEMU for all cards, Bochs (with less data) for NE2000 and e1000. SOAK=1 moves 64 MiB instead of 4. NIC=name,...
chooses cards. Needs root."""
import hashlib, os, random, re, select, socket, struct, sys, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import *

MIB = 1 << 20
SOAK = os.environ.get('SOAK') == '1'
BYTES = (64 if SOAK else 4) * MIB
CONF = f'interface eth0 address {GUEST}/{PLEN}\nlisten http 80\nlisten echo 7\nlisten discard 9\nsite default /www\n'
FILE = random.Random(7).randbytes(700 * 1024)
# every variant of virtio that a host may offer, beside the cards proper
CARDS = {'virtio': 'virtio', 'virtio-legacy': 'virtio-legacy', 'virtio-modern': 'virtio-modern',
         'virtio-plain': 'virtio-net-pci,disable-modern=on,any_layout=off,mrg_rxbuf=off,event_idx=off,ctrl_vq=off,csum=off,guest_csum=off,guest_tso4=off,'
                         'guest_tso6=off,guest_ecn=off,guest_ufo=off,host_tso4=off,host_tso6=off,host_ecn=off,host_ufo=off',
         'e1000': 'e1000', 'rtl8139': 'rtl8139', 'ne2k': 'ne2k', 'ne2k_isa': 'ne2k_isa', 'pcnet': 'pcnet'}
NO_CARRIER = ('ne2k', 'ne2k_isa')       # these cards cannot tell whether a cable is in
SMALL = ('virtio', 'e1000', 'rtl8139', 'ne2k', 'pcnet')
GROUP_ALL = bytes.fromhex('01005e000001')

def need(ok, text='no answer'):
    if not ok: raise AssertionError(text)

def connect(net, port, timeout=20):
    stop = time.monotonic() + timeout
    while True:
        s = net.socket()
        s.settimeout(10)
        try:
            s.connect((GUEST, port))
            return s
        except OSError:
            s.close()
            if time.monotonic() > stop: raise
            time.sleep(.1)

def echo(net, n, seed=1, idle=30):
    """n bytes out and back over one connection, both directions at once; the SHA-256 of both ways must agree."""
    s, rnd = connect(net, 7), random.Random(seed)
    sent, got, left, back, buf = hashlib.sha256(), hashlib.sha256(), n, 0, b''
    block = rnd.randbytes(1 << 16)
    s.setblocking(False)
    while back < n:
        r, w, _ = select.select([s], [s] if left or buf else [], [], idle)
        if not r and not w: raise AssertionError(f'echo stands still at {back} of {n} bytes, {left + len(buf)} still to be sent')
        if w:
            if not buf:
                at = rnd.randrange(len(block)) if n > len(block) else 0
                buf = (block[at:] + block[:at])[:left]
                left -= len(buf); sent.update(buf)
            try: buf = buf[s.send(buf):]
            except BlockingIOError: pass
            if not left and not buf: s.shutdown(socket.SHUT_WR)
        if r:
            data = s.recv(1 << 16)
            if not data: raise AssertionError(f'echo ended at {back} of {n} bytes')
            back += len(data); got.update(data)
    s.close()
    assert sent.digest() == got.digest(), 'SHA-256 of what came back differs'

def get(net, n):
    """The file again and again, n bytes in all."""
    want = hashlib.sha256(FILE).digest()
    for _ in range(max(1, n // len(FILE))):
        data = net.curl(f'http://{GUEST}/blob.bin', timeout=60)
        assert hashlib.sha256(data).digest() == want, f'{len(data)} bytes of {len(FILE)}: {data[:200]!r}'

def discard(net, n):
    s = connect(net, 9)
    s.settimeout(30)
    data = bytes(1 << 16)
    for _ in range(n >> 16): s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    assert s.recv(1) == b''
    s.close()

def timed(what, n, fn, *args):
    t = time.monotonic()
    fn(*args)
    print(f'# {what}: {n / (time.monotonic() - t) / 1e6:.1f} MB/s', flush=True)

def ping(net, count=3, size=56, within=20):
    """True once `count` pings in a row are answered."""
    stop = time.monotonic() + within
    while time.monotonic() < stop:
        if ' 0% packet loss' in net.sh('ping', '-n', '-c', str(count), '-i', '0.2', '-W', '1', '-s', str(size), GUEST, check=False): return True
    return False

def counters(vm):
    text = vm.command('ifconfig eth0')
    rx = re.search(r'received (\d+) packets, (\d+) bytes, (\d+) errors, (\d+) dropped', text)
    tx = re.search(r'sent (\d+) packets, (\d+) bytes, (\d+) errors, (\d+) dropped', text)
    return list(map(int, rx.groups())), list(map(int, tx.groups())), text

def free_buffers(vm):
    m = re.search(r'packet buffers: (\d+) of (\d+) free', vm.command('mem'))
    return int(m[1])

def raw(net):
    s = net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((net.tap, 0))
    return s

def send(s, frame):
    while True:
        try: return s.send(frame)
        except OSError as e:
            if e.errno != 105: raise        # ENOBUFS: the TAP's queue is full, let the guest drain it
            time.sleep(.002)

def broken_frame(rnd, mac, host):
    """One of: too short, too long, random, or IP and ARP with one thing wrong."""
    dst = rnd.choice([mac, mac, mac, b'\xff' * 6, GROUP_ALL, rnd.randbytes(6)])
    kind = rnd.randrange(8)
    head = dst + host
    if kind == 0: return head + rnd.choice([b'\x08\x00', b'\x08\x06', rnd.randbytes(2)]) + rnd.randbytes(rnd.randrange(0, 46))
    if kind == 1: return head + b'\x08\x00' + rnd.randbytes(rnd.choice([1501, 1505, 1600, 2034, 2048, 4000, 4082, 4096, 8000, 8986]))
    if kind == 2: return head + rnd.choice([b'\x08\x00', b'\x08\x06', b'\x81\x00', b'\x86\xdd', rnd.randbytes(2)]) + rnd.randbytes(rnd.randrange(46, 1500))
    if kind == 3: return head + b'\x08\x06' + bytes.fromhex('0001080006040001') + rnd.randbytes(20)
    if kind == 4: return rnd.randbytes(14) + rnd.randbytes(rnd.randrange(1500))
    if kind == 5: return head + b'\x81\x00' + rnd.randbytes(2) + b'\x08\x00' + rnd.randbytes(rnd.randrange(60))
    n = rnd.randrange(0, 1480)
    ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + n, 1, 0, 64, rnd.choice([1, 6, 17, rnd.randrange(256)]), 0, bytes([10, 9, 0, 1]), bytes([10, 9, 0, 2]))
    c = sum(struct.unpack('!10H', ip)); c = (c & 0xffff) + (c >> 16); c = ~((c & 0xffff) + (c >> 16)) & 0xffff
    ip = bytearray(ip[:10] + struct.pack('!H', c) + ip[12:])
    if kind == 7: ip[rnd.randrange(20)] ^= 1 << rnd.randrange(8)
    return head + b'\x08\x00' + bytes(ip) + rnd.randbytes(n)

def flood(net, vm, mac, frames, after):
    """Thousands of such frames; then everything still works, nothing crashed and no buffer was lost."""
    before = free_buffers(vm)
    net.sh('ip', 'link', 'set', net.tap, 'mtu', '9000')
    rnd, s = random.Random(int(os.environ.get('SEED', '42'))), raw(net)
    host = bytes.fromhex(net.sh('cat', f'/sys/class/net/{net.tap}/address').strip().replace(':', ''))
    for i in range(frames):
        send(s, broken_frame(rnd, mac, host))
        if i % 64 == 63: time.sleep(.003)       # so that most of them get as far as the driver
    s.close()
    net.sh('ip', 'link', 'set', net.tap, 'mtu', '1500')
    assert ping(net), 'no answer to ping after the flood; the console ends: ' + vm.text[-500:]
    echo(net, after, seed=3)
    vm.pump(.1)
    assert 'panic' not in vm.text, vm.text[-1500:]
    stop = time.monotonic() + 90             # fragments of the flood wait for their timeout (RFC 791: 15 to 60 s)
    while free_buffers(vm) < before - 4:
        if time.monotonic() > stop: raise AssertionError(f'{before} buffers free before the flood, {free_buffers(vm)} after')
        time.sleep(.5)

def cable(net, vm, carrier):
    vm.set_link(False)
    if carrier: vm.expect(r'eth0: link down', 10)
    assert 'received' not in net.sh('ping', '-n', '-c', '1', '-W', '1', GUEST, check=False).replace('0 received', ''), 'ping answered with the cable out'
    vm.set_link(True)
    if carrier: vm.expect(r'eth0: link up', 10)
    assert ping(net), 'no answer after the cable was put back'
    echo(net, 1 << 16, seed=5)

def exhausted(net, vm, n=24):
    """More data in connections that nobody reads than there are buffers; then everything comes out, and every buffer back."""
    before, socks, sent, got = free_buffers(vm), [], 0, 0
    def push(s):
        total = 0
        try:
            while True: total += s.send(bytes(1 << 16))
        except BlockingIOError: return total
    for _ in range(n):
        s = connect(net, 7); s.setblocking(False); socks.append(s)
        sent += push(s)
    for _ in range(4):
        time.sleep(.5)
        sent += sum(push(s) for s in socks)
    low = re.search(r'(\d+) at the least', vm.command('mem'))[1]
    need(int(low) < before // 4, f'only down to {low} of {before} buffers')
    for s in socks: s.shutdown(socket.SHUT_WR)
    while socks:
        ready = select.select(socks, [], [], 30)[0]
        need(ready, f'nothing comes any more: {got} of {sent} bytes, {len(socks)} connections left; ' + vm.command('netstat -s')[-600:])
        for s in ready:
            data = s.recv(1 << 16)
            got += len(data)
            if not data: s.close(); socks.remove(s)
    need(got == sent, f'{got} of {sent} bytes came back')
    need(ping(net))
    stop = time.monotonic() + 20
    while free_buffers(vm) < before - 8:
        need(time.monotonic() < stop, f'{before} buffers free before, {free_buffers(vm)} after')
        time.sleep(.5)

def filtered(net, vm):
    """Frames to the all-hosts group (joined by every host, RFC 1112) come in; those to a group that nobody joined stay out."""
    s, host = raw(net), bytes.fromhex('020000000001')
    def sent_to(group):
        time.sleep(.3)
        before = counters(vm)[0][0]
        for i in range(200):
            send(s, group + host + b'\x88\xb5' + bytes(46))
            if i % 20 == 19: time.sleep(.02)  # no more than the smallest ring holds
        time.sleep(.3)
        return counters(vm)[0][0] - before
    inside, outside = sent_to(GROUP_ALL), sent_to(bytes.fromhex('01005e7b2d43'))
    s.close()
    assert inside >= 200, f'{inside} of 200 frames to the joined group came in'
    assert outside < 100, f'{outside} of 200 frames to a group that nobody joined came in'

def qemu(card, dev):
    net = Net()
    vm = Qemu(net=net, nic=dev, mem=16, volume=volume_with({'qure.conf': CONF, 'www/blob.bin': FILE, 'www/index.html': b'hello'}))
    mac = bytes.fromhex(MAC.replace(':', ''))
    try:
        if not test(f'qemu {card}: boots and answers ping', lambda: (vm.expect(r'qure> ', 30), need(ping(net)))): return
        test(f'qemu {card}: {BYTES // MIB} MiB both ways at once', timed, 'echo', BYTES, echo, net, BYTES)
        test(f'qemu {card}: {BYTES // MIB} MiB of files out', timed, 'out', BYTES, get, net, BYTES)
        test(f'qemu {card}: {BYTES // MIB} MiB in', timed, 'in', BYTES, discard, net, BYTES)
        test(f'qemu {card}: large pings', lambda: need(ping(net, 3, 1472) and ping(net, 3, 8000)))
        if card != 'virtio-plain': test(f'qemu {card}: multicast filter', filtered, net, vm)
        test(f'qemu {card}: flood of small, oversized and broken frames', flood, net, vm, mac, 20000 if SOAK else 5000, 1 << 18)
        test(f'qemu {card}: cable pulled and put back', cable, net, vm, card not in NO_CARRIER)
    finally:
        vm.close()

def qemu_small(card, dev):
    net = Net()
    vm = Qemu(net=net, nic=dev, mem=4, volume=volume_with({'qure.conf': CONF, 'www/index.html': b'hello'}))
    try:
        if test(f'qemu {card}: boots with 4 MB', lambda: (vm.expect(r'qure> ', 30), need(ping(net)))):
            test(f'qemu {card}: all buffers taken, and given back', exhausted, net, vm)
    finally:
        vm.close()

def together():
    """Five cards and the random number device in one machine of 4 MB: named in PCI order, each with its own network."""
    net, kinds = Net(), ['virtio', 'e1000', 'rtl8139', 'ne2k', 'pcnet']
    taps = [net.tap] + [f'tap{i}' for i in range(1, len(kinds))]
    for i, tap in enumerate(taps[1:], 1):
        net.sh('ip', 'tuntap', 'add', 'dev', tap, 'mode', 'tap')
        net.sh('ip', 'addr', 'add', f'10.9.{i}.1/24', 'dev', tap)
        net.sh('ip', 'link', 'set', tap, 'up')
    conf = ''.join(f'interface eth{i} address 10.9.{i}.2/24\n' for i in range(len(kinds)))
    vm = Qemu(net=net, nics=list(zip(kinds, taps)), mem=4, volume=volume_with({'qure.conf': conf, 'www/index.html': b'hello'}),
              extra=['-device', 'virtio-rng-pci', '-device', 'virtio-rng-pci,disable-modern=on'])
    def check():
        vm.expect(r'qure> ', 30)
        for i, name in enumerate(['virtio-net', 'e1000', 'rtl8139', 'rtl8029', 'pcnet']):
            need(re.search(rf'eth{i}: {name} ', vm.text), f'eth{i} is not the {name}: {vm.text[-1500:]}')
            for _ in range(20):
                if ' 0% packet loss' in net.sh('ping', '-n', '-c', '2', '-i', '0.2', '-W', '1', f'10.9.{i}.2', check=False): break
            else: raise AssertionError(f'no answer through {name}')
        need(vm.text.count('virtio-rng: ') == 2, 'virtio-rng was not found twice')
    try: test('qemu: five cards at once in 4 MB, and two random number devices', check)
    finally: vm.close()

def isa_only():
    """A machine without PCI, and a card on a line that another device has: polled."""
    for name, dev, extra in (('no PCI at all', 'ne2k_isa', ['-M', 'isapc']), ('its line is the keyboard\'s: polled', 'ne2k_isa,irq=1', [])):
        net = Net()
        vm = Qemu(net=net, nic=dev, cpu='pentium', volume=volume_with({'qure.conf': CONF, 'www/index.html': b'hello'}), extra=extra)
        try: test(f'qemu ne2k_isa: {name}', lambda: (vm.expect(r'qure> ', 30), need(ping(net)), echo(net, 1 << 18)))
        finally: vm.close()

def bochs(card):
    net = Net()
    vm = Bochs(net=net, nic=card, img=volume_with({'qure.conf': CONF, 'www/blob.bin': FILE[:65536], 'www/index.html': b'hello'}))
    mac = bytes.fromhex(MAC.replace(':', ''))
    try:
        if not test(f'bochs {card}: boots and answers ping', lambda: (vm.expect(r'qure> ', 90), need(ping(net)))): return
        n = MIB if SOAK else 1 << 16
        test(f'bochs {card}: {n >> 10} KiB both ways at once', echo, net, n)
        test(f'bochs {card}: 64 KiB of a file out', lambda: need(net.curl(f'http://{GUEST}/blob.bin', timeout=60) == FILE[:65536], 'it differs'))
        test(f'bochs {card}: flood of small, oversized and broken frames', flood, net, vm, mac, 500, 1 << 14)
    finally:
        vm.close()

if __name__ == '__main__':
    if os.geteuid(): skip_the_rest('needs root') # here, not in a thread
    only = os.environ.get('NIC')
    for card, dev in CARDS.items():
        if not only or card in only.split(','):
            qemu(card, dev)
            if card in SMALL: qemu_small(card, dev)
    if not only: together(); isa_only()
    for card in ('ne2k_isa', 'ne2k', 'e1000'):
        if not only or 'bochs-' + card in only.split(','): bochs(card)
    done()
