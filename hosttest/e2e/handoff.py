#!/usr/bin/env python3
"""handoff.py - three appliances on one bridge and Linux as the client: the front reads a request and hands the connection over, the node
answers the client itself from the service address. First as processes on TAPs, then as kernels in QEMU. `handoff.py demo` shows one
conversation with three kernels, packet by packet.

SPDX-License-Identifier: MIT
"""
import hashlib, os, re, socket, subprocess, sys, time
from machine import B, HOST, PLEN, Net, Qemu, Scratch, _cleanup, done, end, run, test, volume_with

SYN, ACK, PSH, FIN = 2, 16, 8, 1
QGET, QGET_TAP = '10.9.0.9', 'qget0'
FRONT, ALPHA, BETA, V = '10.9.0.2', '10.9.0.3', '10.9.0.4', '10.9.0.80'
SECRET = '8f31c0de4b7a5920d3e6f1a2b4c5d6e7'
HUGE = bytes(range(251)) * 66847
DAY = 1780000000    # age of all files: a node goes on with another's reply when both have the same file
BIG = bytes(i * 7 & 255 for i in range(400000))


def conf(name, addr):
    lines = [f'hostname {name}', f'interface eth0 address {addr}/{PLEN}']
    if addr == FRONT:
        lines.append(f'interface eth0 address {V}/{PLEN}')
    lines += ['site default /www', 'listen http 80', 'cluster name lab', f'cluster secret {SECRET}', f'service address {V}']
    lines += [f'cluster node {a}' for a in (FRONT, ALPHA, BETA) if a != addr]
    if addr == FRONT:
        lines += [f'backend api handoff {ALPHA} {BETA}', f'backend one handoff {ALPHA}', f'backend two handoff {BETA}', 'backend none handoff 10.9.0.99',
                  'rule api path /api', 'rule one path /one', 'rule two path /two', 'rule none path /none']
    return '\n'.join(lines) + '\n'


def files(name, addr, big=False):
    huge = {'www/one/huge.bin': HUGE} if big else {}
    return huge | {'qure.conf': conf(name, addr), 'www/index.html': f'{name} itself\n', 'www/api/who.txt': f'{name} answers\n', 'www/one/who.txt': f'{name} answers\n', 'www/two/who.txt': f'{name} answers\n',
            'www/one/big.bin': BIG, 'www/api/big.bin': BIG, 'www/none/who.txt': f'{name} answers\n'}


class Port:
    """A TAP of the bridge, for those who take a Net."""
    def __init__(self, net, tap): self.net, self.tap, self.name = net, tap, net.name
    def cmd(self, *c): return self.net.cmd(*c)


class Lab:
    """The bridge, the client on it, and three machines."""
    def __init__(self, make):
        self.net, self.make = Net(addr=None), make
        sh = self.net.sh
        sh('ip', 'link', 'add', 'br0', 'type', 'bridge')
        sh('ip', 'addr', 'add', f'{HOST}/{PLEN}', 'dev', 'br0')
        self.ports = []
        for i in range(3):
            tap = f'tap{i}'
            if i: sh('ip', 'tuntap', 'add', 'dev', tap, 'mode', 'tap')
            sh('ip', 'link', 'set', tap, 'master', 'br0')
            sh('ip', 'link', 'set', tap, 'up')
            self.ports.append(Port(self.net, tap))
        sh('ip', 'tuntap', 'add', 'dev', QGET_TAP, 'mode', 'tap')
        sh('ip', 'link', 'set', QGET_TAP, 'master', 'br0')
        sh('ip', 'link', 'set', QGET_TAP, 'up')
        self.born = time.time()
        sh('ip', 'link', 'set', 'br0', 'up')
        self.front, self.alpha, self.beta = (make(p, i, n, a) for i, (p, n, a) in
                                             enumerate(zip(self.ports, ('front', 'alpha', 'beta'), (FRONT, ALPHA, BETA))))
        for _ in range(100):
            if b'itself' in self.net.curl(f'http://{FRONT}/', timeout=2) and all(b'itself' in self.net.curl(f'http://{a}/', timeout=2) for a in (ALPHA, BETA)):
                break
            time.sleep(.2)
        time.sleep(4)   # the addresses are probed for beside service
        self.mac = {a: self.net.sh('ip', 'neigh', 'show', a, 'dev', 'br0').split('lladdr ')[1].split()[0] for a in (FRONT, ALPHA, BETA)}
        assert len(set(self.mac.values())) == 3, self.mac
    def get(self, path, *a, **k): return self.net.curl(*a, f'http://{V}{path}', **k)
    def qget(self, path, n=1, **kw):
        p = subprocess.run(self.net.cmd(os.path.join(B, 'qget'), '-n', str(n), QGET_TAP, f'{QGET}/{PLEN}', f'http://{V}{path}'),
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **kw)
        return p.stdout, p.stderr.decode()
    def settle(self):
        """In the front's first minute data on SYNs waits for the handshake."""
        time.sleep(max(0, self.born + 75 - time.time()))
    def flows(self, m): return m.command('flows')
    def capture(self, fn):
        """Runs fn with tshark on every port; a list of (interface, eth.src, eth.dst, ip.src, ip.dst, sport, dport, flags, seq, ack, len, options)."""
        d = Scratch(); f = d / 'x.pcapng'
        p = self.net.start('tshark', '-q', '-i', 'br0', '-i', QGET_TAP, '-i', 'tap0', '-i', 'tap1', '-i', 'tap2', '-f', 'tcp', '-w', f, stderr=subprocess.PIPE, text=True)
        while 'Capturing' not in (p.stderr.readline() or 'Capturing'): pass
        time.sleep(1.5)
        fn()
        time.sleep(2)
        end(p)
        fields = ['frame.interface_name', 'eth.src', 'eth.dst', 'ip.src', 'ip.dst', 'tcp.srcport', 'tcp.dstport', 'tcp.flags', 'tcp.seq_raw', 'tcp.ack_raw', 'tcp.len',
                  'tcp.option_kind', 'frame.time_epoch', '_ws.expert.message']
        out = run('tshark', '-r', f, '-T', 'fields', *[x for k in fields for x in ('-e', k)])
        rows = [l.split('\t') for l in out.splitlines() if l.count('\t') >= len(fields) - 1]
        if os.environ.get('KEEP'):
            run('cp', f, os.environ['KEEP'], check=False)
        return sorted((r for r in rows if r[3]), key=lambda r: float(r[12]))


class Checks:
    def __init__(self, lab): self.lab = lab
    def number(self, m, pattern):
        text = self.lab.flows(m)
        f = re.search(pattern, text)
        assert f, f'{pattern!r} is not in {text}'
        return int(f[1])

    def local_and_handed(self):
        l = self.lab
        assert l.get('/') == b'front itself\n'
        assert l.get('/one/who.txt') == b'alpha answers\n'
        assert sorted(l.get('/api/who.txt') for _ in range(4)) == [b'alpha answers\n'] * 2 + [b'beta answers\n'] * 2
        assert self.number(l.front, r'handed: (\d+)') >= 5

    def node_answers_directly(self):
        l = self.lab
        rows = l.capture(lambda: l.get('/one/who.txt'))
        c = [r for r in rows if r[0] == 'br0']
        reply = [r for r in c if r[3] == V and r[4] == HOST and int(r[10]) > 0]
        assert reply and all(r[1] == l.mac[ALPHA] for r in reply), reply
        assert all(r[1] == l.mac[FRONT] for r in c if r[3] == V and int(r[7], 16) & 2), c    # SYN,ACK: the front's
        assert all(r[2] == l.mac[FRONT] for r in c if r[3] == HOST and r[1] != l.mac[FRONT]), c  # the client knows but the front
        control = [r for r in rows if r[0] == 'tap0' and {r[3], r[4]} == {FRONT, ALPHA} and '144' in r[11] and '144' != r[5]]
        assert [int(r[7], 16) & 0x17 for r in control] == [2, 16, 16], control               # 51, 52, 53
        assert not any(r[1] == l.mac[FRONT] and int(r[10]) > 0 and r[3] == V for r in c)

    def silent_address(self):
        l = self.lab
        l.net.sh('ip', 'neigh', 'flush', 'dev', 'br0')
        out = l.net.sh('arping', '-c', '3', '-w', '4', '-I', 'br0', V, check=False)
        macs = set(m.lower() for m in re.findall(r'[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}', out))
        assert macs <= {l.mac[FRONT], 'ff:ff:ff:ff:ff:ff'} and l.mac[FRONT] in macs, out

    def large_reply(self):
        assert self.lab.get('/one/big.bin') == BIG
        assert self.number(self.lab.front, r'forwarded: (\d+)') > 20

    def kept(self, *paths):
        """Who answered, one connection for all."""
        out = self.lab.net.curl('-w', '%{num_connects}\n', *(f'http://{V}{p}' for p in paths)).decode().split('\n')
        assert out[1::2] == ['1'] + ['0'] * (len(paths) - 1), out
        return [l.split()[0] for l in out[0:-1:2]]

    def keep_alive_stays_on_the_node(self):
        l = self.lab
        given = lambda: sum(self.number(m, r'given back: (\d+)') for m in (l.alpha, l.beta))
        before = given()
        who = self.kept('/api/who.txt', '/api/who.txt', '/api/who.txt')
        assert who in (['alpha'] * 3, ['beta'] * 3), who
        assert given() == before    # the first rule: its node knows what it covers

    def next_request_elsewhere(self):
        l = self.lab
        before = self.number(l.front, r'given back: \d+ from here, (\d+)')
        assert self.kept('/one/who.txt', '/two/who.txt', '/', '/two/who.txt', '/one/who.txt', '/one/who.txt') == ['alpha', 'beta', 'front', 'beta', 'alpha', 'alpha']
        assert self.number(l.front, r'given back: \d+ from here, (\d+)') == before + 3     # not the last: /api cannot be /one
        rows = l.capture(lambda: self.kept('/two/who.txt', '/one/who.txt'))
        assert not any(int(r[7], 16) & 4 for r in rows if HOST in (r[3], r[4])), rows
        control = [(r[3], r[4], int(r[7], 16) & 0x17) for r in rows if r[0] == 'br0' and '144' in r[11] and '144' != r[5]]
        print(f'# {len(control)} control packets')

    def download(self, path, midway=None):
        """Slowly, over a small window; midway() is called when half of it is here. Body, and the socket for more."""
        s = self.lab.net.socket()
        s.settimeout(20)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        s.connect((V, 80))
        return self.more(s, path, midway), s

    def more(self, s, path, midway=None):
        s.sendall(f'GET {path} HTTP/1.1\r\nHost: {V}\r\n\r\n'.encode())
        got = b''
        while b'\r\n\r\n' not in got: got += s.recv(1000)
        head, body = got.split(b'\r\n\r\n', 1)
        body, size = [body], int(re.search(rb'Content-Length: (\d+)', head)[1])
        n = len(body[0])
        while n < size:
            b = s.recv(65536)
            assert b, f'{n} of {size} bytes'
            body.append(b)
            n += len(b)
            if midway and n > size // 2: midway = midway()
        return b''.join(body)

    def live_move(self):
        l = self.lab
        path = '/one/huge.bin' if l.make is tap_machine else '/one/big.bin'
        right = hashlib.sha256(HUGE if 'huge' in path else BIG).hexdigest()
        said, got = [], []
        def move():
            said.append(l.alpha.command(f'migrate all to {BETA}'))
            said.append(self.beta_has())
        rows = l.capture(lambda: got.append(self.download(path, move)))
        body, s = got[0]
        assert '1 on their way' in said[0] and ' 0 stay' in said[0], said
        assert hashlib.sha256(body).hexdigest() == right, (len(body), said)
        c = [r for r in rows if r[0] == 'br0' and HOST in (r[3], r[4]) and V in (r[3], r[4])]
        assert not any(int(r[7], 16) & 4 for r in c), 'RST'
        data = [(float(r[12]), r[1]) for r in c if r[3] == V and int(r[10]) > 0]
        who = [m for i, (_, m) in enumerate(data) if not i or data[i - 1][1] != m]
        assert who == [l.mac[ALPHA], l.mac[BETA]], who
        gap = max(b[0] - a[0] for a, b in zip(data, data[1:]))
        print(f'# {len(body)} bytes from two machines; the longest pause {gap * 1000:.0f} ms')
        assert self.more(s, '/two/who.txt') == b'beta answers\n'

    def processes_of_like_numbers(self):
        """Two processes whose numbers end alike are two machines on the bridge."""
        l = self.lab
        def like_alpha():
            if (os.getpid() - l.alpha.p.pid) % 256: os._exit(1)
        for _ in range(2000):
            out, err = l.qget('/one/who.txt', preexec_fn=like_alpha)
            if err: break
        assert out.endswith(b'alpha answers\n'), (out, err)

    def beta_has(self): return self.number(self.lab.beta, r'(\d+) now')

    def drained(self):
        l = self.lab
        said = []
        body, s = self.download('/api/big.bin', lambda: said.append([m.command('drain') for m in (l.alpha,)]))
        assert body == BIG
        for _ in range(4): assert l.get('/api/who.txt') == b'beta answers\n'
        text = l.alpha.command('drain')
        assert ' 0 stay, 0 left' in text, text
        assert self.more(s, '/api/who.txt') == b'beta answers\n'
        assert "this machine's own" in l.front.command('drain')
        l.alpha.command('no drain')
        time.sleep(6)   # a node that refused rests for five seconds
        assert {l.get('/api/who.txt') for _ in range(4)} == {b'alpha answers\n', b'beta answers\n'}

    def nobody_answers(self):
        code = self.lab.get('/none/who.txt', '-o', '/dev/null', '-w', '%{http_code}')
        assert code in (b'504', b'502'), code

    def many(self):
        out = self.lab.net.sh('wrk', '-t1', '-c16', '-d4s', '-H', 'Connection: close', f'http://{V}/one/who.txt')
        print('# ' + re.search(r'Requests/sec.*', out)[0])
        bad = re.search(r'Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)', out)
        assert not bad or (bad[1], bad[3], bad[4]) == ('0', '0', '0'), out
        assert 'Non-2xx' not in out, out

    def qure_client(self):
        """Three packets: the second is the node's, with V as its source."""
        l = self.lab
        l.settle()
        before, got = self.number(l.front, r'handed: (\d+)'), []
        rows = l.capture(lambda: got.append(l.qget('/one/who.txt', 3)))
        out, err = got[0]
        assert out.count(b'alpha answers') == 3 and re.findall(r'(\d+) packets', err)[1:] == ['3', '3'], (out, err)
        assert self.number(l.front, r'handed: (\d+)') == before + 3
        c = [r for r in rows if r[0] == QGET_TAP and V in (r[3], r[4])]
        last = [(r[3], int(r[7], 16) & 0x17, int(r[10]) > 0, r[1 if r[3] == V else 2]) for r in c if {r[5], r[6]} == {c[-1][5], c[-1][6]}]
        assert last == [(QGET, SYN | FIN, True, l.mac[FRONT]), (V, SYN | ACK | FIN, True, l.mac[ALPHA]), (QGET, ACK, False, l.mac[FRONT])], last
        assert not any('alformed' in r[13] for r in c), c
        inside = [int(r[7], 16) & 0x17 for r in rows if r[0] == 'tap0' and {r[3], r[4]} == {FRONT, ALPHA} and '144' in r[11] and '144' != r[5]]
        assert inside[-3:] == [SYN | FIN, ACK, ACK], inside

    def fast_open_client(self):
        """Linux's Fast Open: SYN,ACK and reply come from the node."""
        l = self.lab
        l.settle()
        assert l.get('/', '--tcp-fastopen') == b'front itself\n'       # brings the cookie
        got = []
        rows = l.capture(lambda: got.append(l.get('/one/who.txt', '--tcp-fastopen')))
        assert got == [b'alpha answers\n'], got
        c = [r for r in rows if r[0] == 'br0' and V in (r[3], r[4])]
        first = c[0]
        assert int(first[7], 16) & 0x17 == SYN and int(first[10]) > 40 and first[2] == l.mac[FRONT], c
        assert [r for r in c if r[3] == V] and all(r[1] == l.mac[ALPHA] for r in c if r[3] == V), c
        assert any(int(r[7], 16) & 0x17 == SYN | ACK and int(r[9]) == int(first[8]) + 1 + int(first[10]) for r in c if r[3] == V), c

    def early_client_and_no_node(self):
        l = self.lab
        l.settle()
        out, err = l.qget('/none/who.txt', 2)
        assert err.count('status 504') + err.count('status 502') == 2, err
        out, err = l.qget('/one/big.bin', 2)
        assert out.count(BIG) == 2, err

    def secret_is_not_shown(self):
        for m in (self.lab.front, self.lab.alpha):
            text = m.command('show config')
            assert SECRET not in text and 'service address ' + V in text, text

    def all_gone(self):
        for _ in range(100):
            if self.number(self.lab.front, r'(\d+) flows now') == 0: return
            time.sleep(1)
        assert False, self.lab.flows(self.lab.front)

    def run(self, what):
        for n, f in (('local and handed requests', self.local_and_handed), ('the node answers the client directly', self.node_answers_directly),
                     ('the address is silent on nodes', self.silent_address), ('large reply', self.large_reply),
                     ('keep-alive stays on the node', self.keep_alive_stays_on_the_node),
                     ('the next request elsewhere', self.next_request_elsewhere), ('a download moves from node to node', self.live_move),
                     ('a node is drained', self.drained), ('no node answers: the front says so', self.nobody_answers),
                     ('many connections', self.many), ('processes of like numbers', self.processes_of_like_numbers),
                     ('a QuRe client sees three packets, the second from the node', self.qure_client),
                     ('a Fast Open client is answered by the node', self.fast_open_client),
                     ('early clients: nobody answers, a long reply', self.early_client_and_no_node), ('the secret is not shown', self.secret_is_not_shown), ('flows end with their connections', self.all_gone)):
            if f != self.processes_of_like_numbers or self.lab.make is tap_machine:
                test(f'{what}: {n}', f)


def tap_machine(port, i, name, addr):
    from web import Tap, volume
    folder = volume(files(name, addr, True))
    for d, _, names in os.walk(folder):
        for n in names: os.utime(os.path.join(d, n), (DAY, DAY))
    return Tap(port, folder)


def kernel(port, i, name, addr):
    vm = Qemu(net=port, nic='virtio', mem=32, volume=volume_with(files(name, addr), mtime=DAY), mac=f'52:54:00:12:34:7{i}')
    vm.expect('Type help')
    return vm


def demo():
    print('three kernels start: front (owns the service address), alpha and beta (hold it silently)')
    lab = Lab(kernel)
    name = {lab.mac[FRONT]: 'front', lab.mac[ALPHA]: 'alpha', lab.mac[BETA]: 'beta'}
    who = {FRONT: 'front', ALPHA: 'alpha', BETA: 'beta', V: 'V', HOST: 'client'}
    answers = []
    rows = lab.capture(lambda: answers.append(lab.get('/two/who.txt', f'http://{V}/one/who.txt').decode().split('\n')))
    print(f'\ncurl http://{V}/one/who.txt http://{V}/two/who.txt, one connection -> "{answers[0][0]}", "{answers[0][1]}"\n')
    seen, t0 = set(), float(rows[0][12])
    for r in rows:
        key = tuple(r[1:11])
        if key in seen or r[3] not in who or r[4] not in who: continue
        seen.add(key)
        f = int(r[7], 16)
        flags = ','.join(n for b, n in ((2, 'SYN'), (1, 'FIN'), (4, 'RST'), (16, 'ACK'), (8, 'PSH')) if f & b)
        src, dst = name.get(r[1], 'client'), name.get(r[2], 'client')
        print(f'{(float(r[12]) - t0) * 1000:8.2f} ms  {src:>6} -> {dst:<6}  {who[r[3]]:>6} > {who[r[4]]:<6}  {flags:<12} {int(r[10]):5} bytes' +
              ('  option 144' if '144' in r[11] else ''))
    print('\nfront:', lab.flows(lab.front).strip())


if __name__ == '__main__':
    if sys.argv[1:] == ['demo']:
        demo()
        sys.exit()
    if 'kernels' not in sys.argv[1:]:
        Checks(Lab(tap_machine)).run('processes')
    if 'processes' not in sys.argv[1:]:
        Checks(Lab(kernel)).run('kernels')
    done()
