#!/usr/bin/env python3
"""gateway.py - a client namespace and a server namespace with nginx, and the appliance as the router between them: forwarding, and the
transparent proxy. nginx knows nothing of it and sees the client's address. First as a process on two TAPs, then as the image in QEMU.

SPDX-License-Identifier: MIT
"""
import hashlib, os, re, subprocess, sys, time
from machine import Net, Qemu, Scratch, done, end, run, test, volume_with
from web import Tap, volume

CLIENT, G0, G1, SERVER = '10.9.0.1', '10.9.0.254', '10.8.0.254', '10.8.0.1'
CONF = f'''hostname gate
interface eth0 address {G0}/24
interface eth1 address {G1}/24
forwarding on
site default /www
listen http 80
intercept tcp 80
rule local host blocked.example
'''
FILES = {'qure.conf': CONF, 'www/index.html': 'gate itself\n', 'www/who.txt': 'blocked by gate\n'}
BIG = bytes(i * 7 & 255 for i in range(8 << 20))


class Port:
    """Both TAPs are in the gateway's namespace, under names of their own."""
    def __init__(self, net): self.net, self.name, self.tap = net, net.name, 'g0,g1'
    def cmd(self, *c): return self.net.cmd(*c)


class Lab:
    def __init__(self, make):
        self.gate, self.client, self.server = Net(addr=None), Net(addr=None), Net(addr=None)
        for i, (n, a, g) in enumerate(((self.client, CLIENT, G0), (self.server, SERVER, G1))):
            sh = self.gate.sh
            sh('ip', 'tuntap', 'add', 'dev', f'g{i}', 'mode', 'tap')
            sh('ip', 'link', 'add', f'br{i}', 'type', 'bridge')
            sh('ip', 'link', 'add', f'v{i}', 'type', 'veth', 'peer', 'name', 'eth', 'netns', n.name)
            for d in (f'g{i}', f'v{i}'):
                sh('ip', 'link', 'set', d, 'master', f'br{i}'); sh('ip', 'link', 'set', d, 'up')
            sh('ip', 'link', 'set', f'br{i}', 'up')
            n.sh('ip', 'addr', 'add', f'{a}/24', 'dev', 'eth'); n.sh('ip', 'link', 'set', 'eth', 'up')
            n.sh('ip', 'route', 'add', 'default', 'via', g)
        self.nginx()
        self.m = make(Port(self.gate))
        for _ in range(100):
            if b'gate itself' in self.client.curl(f'http://{G0}/', timeout=2): break
            time.sleep(.2)
        time.sleep(4)
    def nginx(self):
        d = Scratch()
        os.chmod(d.path, 0o755)
        os.mkdir(d / 'www')
        open(d / 'www/who.txt', 'w').write('nginx answers\n')
        open(d / 'www/big.bin', 'wb').write(BIG)
        self.log = d / 'access.log'
        open(d / 'c', 'w').write(f'''daemon off; error_log {d / 'e'}; pid {d / 'p'}; events {{}}
http {{ log_format a '$remote_addr $request_length'; access_log {self.log} a; client_body_temp_path {d / 'b'}; client_max_body_size 20m; proxy_temp_path {d / 'x'};
fastcgi_temp_path {d / 'f'}; uwsgi_temp_path {d / 'u'}; scgi_temp_path {d / 's'};
server {{ listen 80; listen 8080; root {d / 'www'}; location /up {{ proxy_pass http://127.0.0.1:81; }} }} server {{ listen 81; access_log off; location / {{ return 200 "taken\\n"; }} }} }}
''')
        self.server.start('nginx', '-c', d / 'c', stderr=subprocess.DEVNULL)
    def get(self, path='/who.txt', *a, host=None, port=80, **k):
        return self.client.curl(*(['-H', f'Host: {host}'] if host else []), *a, f'http://{SERVER}:{port}{path}', **k)
    def number(self, pattern, cmd='intercept'):
        text = self.m.command(cmd)
        f = re.search(pattern, text)
        assert f, f'{pattern!r} is not in {text}'
        return int(f[1])
    def capture(self, fn, *fields):
        """fn with tshark on both sides; rows of (interface, ip.src, ip.dst, flags, malformed, status of the checksum, checksum, fields...)."""
        d = Scratch(); out = []
        ps = [self.gate.start('tshark', '-q', '-i', i, '-w', d / i, stderr=subprocess.PIPE, text=True) for i in ('g0', 'g1')]
        for p in ps:
            while 'Capturing' not in (p.stderr.readline() or 'Capturing'): pass
        time.sleep(1.5)
        fn()
        time.sleep(2)
        for p in ps: end(p)
        keys = ('ip.src', 'ip.dst', 'tcp.flags', '_ws.malformed', 'tcp.checksum.status', 'tcp.checksum', *fields)
        for i in ('g0', 'g1'):
            for l in run('tshark', '-r', d / i, '-o', 'tcp.check_checksum:TRUE', '-T', 'fields', *[x for k in keys for x in ('-e', k)]).splitlines():
                r = l.split('\t')
                if len(r) == len(keys) and r[0]: out.append([i] + r)
        return out


class Checks:
    def __init__(self, lab): self.lab = lab

    def routes(self):
        l = self.lab
        assert ' 0% packet loss' in l.client.sh('ping', '-c', '3', '-W', '3', SERVER)
        out = l.client.sh('traceroute', '-n', '-q', '1', '-w', '2', '-m', '4', SERVER, check=False)
        assert G0 in out and SERVER in out, out
        assert l.get(port=8080) == b'nginx answers\n'                 # not intercepted
        assert l.number(r'(\d+) packets passed', 'forwarding') > 10

    def let_through(self):
        l = self.lab
        assert l.get() == b'nginx answers\n'
        assert open(l.log).read().splitlines()[-1].split()[0] == CLIENT   # the target sees the client
        assert l.number(r'let through: (\d+) of') >= 1
        assert l.number(r'let through: \d+ of (\d+) begun') == l.number(r'let through: (\d+) of')

    def blocked(self):
        l = self.lab
        before = open(l.log).read()
        assert l.get(host='blocked.example') == b'blocked by gate\n'
        assert open(l.log).read() == before

    def big(self):
        l = self.lab
        got = l.get('/big.bin', timeout=60)
        assert hashlib.sha256(got).digest() == hashlib.sha256(BIG).digest(), len(got)

    def upload(self):
        l = self.lab
        d = Scratch()
        open(d / 'up', 'wb').write(BIG)
        out = l.get('/up', '-H', 'Expect:', '--data-binary', f'@{d / "up"}', timeout=60)
        assert out == b'taken\n', out
        assert int(open(l.log).read().splitlines()[-1].split()[1]) > len(BIG)

    def wire(self):
        l = self.lab
        for n in (l.client, l.server): n.sh('ethtool', '-K', 'eth', 'tx', 'off')    # else sums are left to devices that are none
        rows = l.capture(lambda: (l.get(), l.get('/big.bin', timeout=60)), 'tcp.seq_raw', 'tcp.len')
        for n in (l.client, l.server): n.sh('ethtool', '-K', 'eth', 'tx', 'on')
        # Linux writes 0xffff where 0 is right, which tshark calls wrong, and which says the same (RFC 1624 3)
        bad = [r for r in rows if r[4] or r[5] == '0' and r[6] != '0xffff']
        assert not bad, bad[:5]
        syn = {i: [r[7] for r in rows if r[0] == i and r[1] == CLIENT and r[3] and int(r[3], 16) & 0x12 == 2] for i in ('g0', 'g1')}
        assert syn['g0'] == syn['g1'] and len(syn['g0']) == 2, syn      # the client's own number on both sides
        assert all({r[1], r[2]} == {CLIENT, SERVER} for r in rows if r[3]), [r for r in rows if r[3]][:3]

    def narrow(self):
        """The server's link takes less: its errors reach the client, whose numbers they quote."""
        l = self.lab
        l.server.sh('ip', 'link', 'set', 'eth', 'mtu', '1200')
        try: self.upload(); self.big()
        finally: l.server.sh('ip', 'link', 'set', 'eth', 'mtu', '1500')

    def refused(self):
        l = self.lab
        out = l.client.curl('http://10.8.0.2/', timeout=20)             # nobody is there
        assert b'reset' in out or b'route' in out or b'Recv failure' in out, out
        l.m.command('no intercept tcp 80'); l.m.command('intercept tcp 80 net 10.8.0.0/24')
        assert l.get() == b'nginx answers\n'

    def many(self):
        l = self.lab
        for extra in ((), ('-H', 'Connection: close')):
            out = l.client.sh('wrk', '-t1', '-c16', '-d4s', *extra, f'http://{SERVER}/who.txt')
            print('# ' + re.search(r'Requests/sec.*', out)[0])
            bad = re.search(r'Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)', out)
            assert not bad or (bad[1], bad[3], bad[4]) == ('0', '0', '0'), out
            assert 'Non-2xx' not in out, out

    def run(self, what):
        for n, f in (('routes, errors, other ports', self.routes), ('let through', self.let_through), ('a rule blocks a host', self.blocked), ('8 MiB down', self.big),
                     ('8 MiB up', self.upload), ('both sides of the wire', self.wire), ('a narrow link behind', self.narrow), ('many connections', self.many),
                     ('a target that is not there', self.refused)):
            test(f'{what}: {n}', f)


def tap_machine(port): return Tap(port, volume(FILES))


def kernel(port):
    vm = Qemu(net=port.net, nics=[('virtio', 'g0'), ('virtio', 'g1')], mem=32, volume=volume_with(FILES))
    vm.expect('Type help')
    return vm


if __name__ == '__main__':
    if 'kernels' not in sys.argv[1:]:
        Checks(Lab(tap_machine)).run('process')
    if 'processes' not in sys.argv[1:]:
        Checks(Lab(kernel)).run('kernel')
    done()
