#!/usr/bin/env python3
"""ipip.py - a node behind a Linux router: front and client on one LAN, the node on another; the client's packets go to it in IP in IP, its
replies straight back by its own route. First as processes on TAPs, then as kernels in QEMU.

SPDX-License-Identifier: MIT
"""
import re, socket, struct, subprocess, sys, time
from machine import HOST, PLEN, Net, Qemu, Scratch, done, end, run, test, volume_with
from handoff import BIG, SECRET

FRONT, V, R0, R1, ALPHA = '10.9.0.2', '10.9.0.80', '10.9.0.254', '10.9.1.254', '10.9.1.3'


def conf(name, addr):
    front = addr == FRONT
    lines = [f'hostname {name}', f'interface eth0 address {addr}/{PLEN}', f'route default via {R0 if front else R1}', 'site default /www']
    lines += [f'interface eth0 address {V}/{PLEN}'] if front else []
    lines += ['listen http 80', 'cluster name lab', f'cluster secret {SECRET}', f'service address {V}']
    lines += [f'backend far handoff {ALPHA}', 'rule far path /far'] if front else [f'cluster node {FRONT}']
    return '\n'.join(lines) + '\n'


def files(name, addr):
    return {'qure.conf': conf(name, addr), 'www/index.html': f'{name} itself\n', 'www/far/who.txt': f'{name} answers\n', 'www/far/big.bin': BIG}


def tap_machine(port, i, name, addr):
    from web import Tap, volume
    return Tap(port, volume(files(name, addr)))


def kernel(port, i, name, addr):
    vm = Qemu(net=port, nic='virtio', mem=32, volume=volume_with(files(name, addr)), mac=f'52:54:00:12:34:7{i}')
    vm.expect('Type help')
    return vm


class Lab:
    def __init__(self, make):
        self.net, self.router = Net(addr=None), Net(addr=f'{R1}/{PLEN}')
        sh, rsh = self.net.sh, self.router.sh
        sh('ip', 'link', 'add', 'br0', 'type', 'bridge')
        sh('ip', 'addr', 'add', f'{HOST}/{PLEN}', 'dev', 'br0')
        sh('ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1', 'netns', self.router.name)
        for i in ('tap0', 'v0'):
            sh('ip', 'link', 'set', i, 'master', 'br0'); sh('ip', 'link', 'set', i, 'up')
        sh('ip', 'link', 'set', 'br0', 'up')
        rsh('ip', 'addr', 'add', f'{R0}/{PLEN}', 'dev', 'v1'); rsh('ip', 'link', 'set', 'v1', 'up')
        rsh('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.tap0.rp_filter=0', 'net.ipv4.conf.v1.rp_filter=0',
            'net.ipv4.conf.all.send_redirects=0')
        sh('ip', 'route', 'add', f'10.9.1.0/{PLEN}', 'via', R0)
        self.front = make(self.net, 0, 'front', FRONT)
        self.alpha = make(self.router, 1, 'alpha', ALPHA)
        for _ in range(100):
            if b'itself' in self.net.curl(f'http://{FRONT}/', timeout=2) and b'itself' in self.net.curl(f'http://{ALPHA}/', timeout=2): break
            time.sleep(.2)
        time.sleep(4)   # the addresses are probed for beside service

    def get(self, path, *a, **k): return self.net.curl(*a, f'http://{V}{path}', **k)
    def number(self, m, pattern):
        text = m.command('flows')
        f = re.search(pattern, text)
        assert f, f'{pattern!r} is not in {text}'
        return int(f[1])
    def forget(self):
        """Linux keeps what it learnt of a path's MTU."""
        for n in (self.net, self.router): n.sh('ip', 'route', 'flush', 'cache')
    def upload(self):
        """1 MiB in requests with a body, on one connection; the number of bytes that were answered for."""
        body, sent = bytes(60000), 0
        with self.net.socket() as s:
            s.settimeout(20)
            s.connect((V, 80))
            f = s.makefile('rb')
            while sent < 1 << 20:
                s.sendall(b'GET /far/who.txt HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
                n = None
                assert b' 200 ' in f.readline()
                while (l := f.readline()) != b'\r\n':
                    assert l, 'the connection ended'
                    if l.lower().startswith(b'content-length:'): n = int(l.split(b':')[1])
                assert f.read(n) == b'alpha answers\n'
                sent += len(body)
        return sent
    def capture(self, fn):
        """fn with tshark on the router's side of the node and on the client's bridge: (interface, length, outer and inner sources, MSS, flags,
        fragment bits, ICMP type, expert messages)."""
        d = Scratch(); out = []
        ps = [(self.router, 'tap0', d / 'r.pcapng'), (self.net, 'br0', d / 'b.pcapng')]
        started = []
        for net, i, f in ps:
            p = net.start('tshark', '-q', '-i', i, '-w', f, stderr=subprocess.PIPE, text=True)
            while 'Capturing' not in (p.stderr.readline() or 'Capturing'): pass
            started.append(p)
        time.sleep(1.5)
        fn()
        time.sleep(2)
        for p in started: end(p)
        fields = ['ip.len', 'ip.src', 'ip.proto', 'tcp.options.mss_val', 'tcp.flags', 'ip.flags.mf', 'ip.frag_offset', 'icmp.type', '_ws.malformed', 'ip.flags.df']
        for net, i, f in ps:
            for l in run('tshark', '-r', f, '-o', 'tcp.desegment_tcp_streams:FALSE', '-T', 'fields', '-E', 'occurrence=a', *[x for k in fields for x in ('-e', k)]).splitlines():
                r = l.split('\t')
                if len(r) == len(fields) and r[0]: out.append([i] + r)
        return out


class Checks:
    def __init__(self, lab): self.lab = lab

    def far_node_answers(self):
        l = self.lab
        assert l.get('/') == b'front itself\n'
        assert l.get('/far/who.txt') == b'alpha answers\n'
        assert l.number(l.front, r'IP in IP: (\d+) packets sent') >= 2
        assert l.number(l.alpha, r'sent, (\d+) taken') >= 2
        assert 'IP in IP' in l.front.command('front')

    def both_ways(self):
        l = self.lab
        assert l.get('/far/big.bin', *[f'http://{V}/far/big.bin'] * 2) == BIG * 3
        assert l.upload() >= 1 << 20

    def wire_is_clean(self):
        l = self.lab
        rows = l.capture(lambda: (l.get('/far/big.bin'), l.upload()))
        tunnel = [r for r in rows if r[0] == 'tap0' and r[3].startswith('4,')]
        assert len(tunnel) > 500, len(tunnel)
        others = [r for r in tunnel if r[2] != f'{FRONT},{HOST}']
        assert not others, others[:3]
        assert max(int(r[1].split(',')[0]) for r in tunnel) <= 1500
        assert not [r for r in rows if r[9]], [r for r in rows if r[9]][:5]                                  # malformed
        assert not [r for r in rows if re.search('1|True', r[6]) or re.search('[1-9]', r[7])]                # fragments
        assert not [r for r in rows if r[8] == '3']                                                          # nobody had to complain
        mss = {r[4] for r in rows if r[0] == 'br0' and r[2] == V and int(r[5] or '0', 16) & 0x12 == 0x12}
        assert mss == {'1440'}, mss

    def narrow_tunnel(self):
        """The router's link to the node takes less than the clamp allows for: the front learns, the client hears, later clients get a smaller MSS."""
        l = self.lab
        l.router.sh('ip', 'link', 'set', 'tap0', 'mtu', '1300')
        try:
            assert l.upload() >= 1 << 20
            assert l.number(l.front, r'passed on, (\d+) about the way') >= 1
            rows = l.capture(lambda: l.upload())
            mss = {r[4] for r in rows if r[0] == 'br0' and r[2] == V and int(r[5] or '0', 16) & 0x12 == 0x12}
            assert mss == {'1240'}, mss
            assert not [r for r in rows if re.search('1|True', r[6]) or re.search('[1-9]', r[7])]
        finally:
            l.router.sh('ip', 'link', 'set', 'tap0', 'mtu', '1500')
            l.forget()

    def narrow_reply(self):
        """The way from node to client takes less: the router tells V, which the front passes on to the node."""
        l = self.lab
        l.router.sh('ip', 'link', 'set', 'v1', 'mtu', '1200')
        try:
            before = l.number(l.front, r'ICMP: (\d+) passed on')
            assert l.get('/far/big.bin') == BIG
            assert l.number(l.front, r'ICMP: (\d+) passed on') > before
        finally:
            l.router.sh('ip', 'link', 'set', 'v1', 'mtu', '1500')

    def nobody_else_tunnels(self):
        """The client sends IP in IP to the node himself."""
        l = self.lab
        inner = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20, 1, 0x4000, 64, 6, 0, socket.inet_aton('10.9.0.77'), socket.inet_aton(V))
        with l.net.socket(kind=socket.SOCK_RAW, proto=4) as s: s.sendto(inner, (ALPHA, 0))
        time.sleep(1)
        assert 'no node of the cluster' in l.alpha.command('netstat -s'), l.alpha.command('netstat -s')

    def run(self, what):
        for n, f in (('the far node answers', self.far_node_answers), ('1.2 MB down and 1 MiB up', self.both_ways),
                     ('nothing malformed, no fragments, MSS 1440', self.wire_is_clean), ('a narrow tunnel', self.narrow_tunnel),
                     ('a narrow way back', self.narrow_reply), ('a stranger\'s tunnel', self.nobody_else_tunnels)):
            test(f'{what}: {n}', f)


if __name__ == '__main__':
    if 'kernels' not in sys.argv[1:]:
        Checks(Lab(tap_machine)).run('processes')
    if 'processes' not in sys.argv[1:]:
        Checks(Lab(kernel)).run('kernels')
    done()
