#!/usr/bin/env python3
"""front.py - a client namespace, the appliance as front, and behind it nginx twice and Python: rules, relays, failures, caps.
The checks of class Front take the console of either kind of machine: the process on a TAP, then the image in QEMU.

SPDX-License-Identifier: MIT
"""
import hashlib, http.server, os, re, signal, socket, subprocess, sys, threading, time
from machine import B, GUEST, PLEN, Net, Qemu, Scratch, done, run, test, volume_with
from web import Tap, volume

CLIENT, ALPHA, BETA, SNAKE, NOBODY = '10.9.0.3', '10.9.0.11', '10.9.0.12', '10.9.0.13', '10.9.0.99'
CONF = f'''hostname front
interface eth0 address {GUEST}/{PLEN}
site default /www
listen http 80
backend alpha relay {ALPHA}:8000
backend beta relay {BETA}:8000
backend snake relay {SNAKE}:8000
backend both relay {ALPHA}:8000 {BETA}:8000
backend down relay {SNAKE}:1 {ALPHA}:8000
backend silent relay {NOBODY}:8000 {BETA}:8000
backend gone relay {SNAKE}:1 {SNAKE}:2
backend lost relay {NOBODY}:8000
backend raw relay {SNAKE}:7000
rule local path /alpha/not
rule alpha path /alpha
rule beta path /beta
rule snake path /snake
rule both path /both
rule down path /down
rule silent path /silent
rule gone path /gone
rule lost path /lost
rule beta host beta.example
rule alpha cookie node=a*
rule beta etag b-
listen tcp 7 backend raw
'''


class Snake(http.server.BaseHTTPRequestHandler):
    """Run as `front.py snake`: /sum tells the SHA-256 of what it was sent, /drip sends slowly, /upgrade echoes."""
    protocol_version = 'HTTP/1.1'
    def log_message(self, *_): pass
    def body(self):
        if self.headers.get('Transfer-Encoding') != 'chunked':
            left = int(self.headers.get('Content-Length', 0))
            while left:
                piece = self.rfile.read(min(left, 1 << 16))
                left -= len(piece)
                yield piece
            return
        while n := int(self.rfile.readline().split(b';')[0], 16):
            yield self.rfile.read(n)
            self.rfile.readline()
        while self.rfile.readline() != b'\r\n': pass
    def answer(self, text):
        self.send_response(200)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def do_POST(self):
        h, n = hashlib.sha256(), 0
        for piece in self.body(): h.update(piece); n += len(piece)
        self.answer(f'{h.hexdigest()} {n}\n'.encode())
    do_PUT = do_POST
    def do_GET(self):
        if self.path == '/snake/drip':
            self.send_response(200)
            self.send_header('Content-Length', '1000000')
            self.end_headers()
            for _ in range(1000): self.wfile.write(b'x' * 1000); time.sleep(.01)
        elif self.path == '/snake/chunks':
            self.send_response(200)
            self.send_header('Transfer-Encoding', 'chunked')
            self.end_headers()
            for i in range(200): self.wfile.write(b'%x\r\n%b\r\n' % (i + 1, b'c' * (i + 1)))
            self.wfile.write(b'0\r\n\r\n')
        elif self.headers.get('Upgrade') == 'echo':
            self.send_response(101)
            self.end_headers()
            self.wfile.flush()
            while data := self.connection.recv(65536): self.connection.sendall(data)
            self.close_connection = True
        else:
            self.answer(b'snake\n')


def snake():
    """Accepts what comes on 7000 too, and sends it back reversed once the client has shut its side down."""
    def reverse(s):
        data = b''
        while piece := s.recv(65536): data += piece
        s.sendall(data[::-1])
        s.close()
    def accept():
        l = socket.create_server((SNAKE, 7000))
        while True: threading.Thread(target=reverse, args=(l.accept()[0],), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    http.server.ThreadingHTTPServer.request_queue_size = 128
    http.server.ThreadingHTTPServer((SNAKE, 8000), Snake).serve_forever()


class Site:
    """Machines behind and in front: a bridge with the TAP and the targets on one side, a namespace with the client on the other."""
    def __init__(self):
        self.net, self.client = Net(addr=None), Net(addr=None)
        n, c, veth = self.net, self.client, f'v{os.getpid() % 100000}'
        n.sh('ip', 'link', 'add', 'br0', 'type', 'bridge')
        n.sh('ip', 'link', 'set', n.tap, 'master', 'br0')
        n.sh('ip', 'link', 'add', 'toclient', 'type', 'veth', 'peer', 'name', veth, 'netns', c.name)
        n.sh('ip', 'link', 'set', 'toclient', 'master', 'br0')
        for a in (ALPHA, BETA, SNAKE): n.sh('ip', 'addr', 'add', a + '/24', 'dev', 'br0')
        for i in ('br0', 'toclient'): n.sh('ip', 'link', 'set', i, 'up')
        c.sh('ip', 'addr', 'add', CLIENT + '/24', 'dev', veth)
        c.sh('ip', 'link', 'set', veth, 'up')
        self.files = Scratch()
        self.big = os.urandom(1 << 20) * 64
        with open(self.files / 'big', 'wb') as f: f.write(self.big)
        self.procs = {}
        for name in ('alpha', 'beta', 'snake'): self.start(name)
    def start(self, name):
        if name == 'snake':
            p = self.net.start(sys.executable, os.path.abspath(__file__), 'snake', stderr=subprocess.DEVNULL)
        else:
            conf = self.files / name + '.conf'
            with open(conf, 'w') as f:
                f.write(f'''daemon off; master_process off; pid {self.files / name}.pid; error_log /dev/null;
events {{ worker_connections 1024; }}
http {{ access_log off; client_body_temp_path {self.files / name}.tmp; keepalive_requests 100000; default_type text/plain;
  server {{ listen {ALPHA if name == "alpha" else BETA}:8000 backlog=1024;
    location / {{ return 200 "{name} $request_uri $http_x_forwarded_for\\n"; }}
    location = /{name}/big {{ alias {self.files / "big"}; }}
    location = /{name}/tag {{ add_header ETag '"b-1"'; return 200 "{name} tag\\n"; }} }} }}''')
            p = self.net.start('nginx', '-c', conf, stderr=subprocess.DEVNULL)
        self.procs[name] = p
        addr = {'alpha': ALPHA, 'beta': BETA, 'snake': SNAKE}[name]
        for _ in range(100):
            with self.net.socket() as s:
                if s.connect_ex((addr, 8000)) == 0: return
            time.sleep(.05)
        raise AssertionError(f'{name} does not listen')
    def kill(self, name):
        p = self.procs.pop(name)
        p.kill()
        p.wait()


class Front:
    def __init__(self, site, machine):
        self.site, self.machine, self.url = site, machine, f'http://{GUEST}'
        self.in_use = self.buffers()
    def curl(self, *a, **k): return self.site.client.curl(*a, **k)
    def get(self, path, *a): return self.curl(*a, self.url + path)
    def connect(self, port=80, timeout=20):
        s = self.site.client.socket()
        s.settimeout(timeout)
        s.connect((GUEST, port))
        return s
    def figures(self):
        return self.machine.command('front')
    def buffers(self):
        m = re.search(r'packet buffers: (\d+) of (\d+) free', self.machine.command('netstat -s'))
        return int(m[2]) - int(m[1])
    def number(self, pattern):
        text = self.figures()
        m = re.search(pattern, text)
        if not m: raise AssertionError(f'{pattern!r} is not in {text}')
        return int(m[1])

    def by_rule(self):
        assert self.get('/alpha/x?y') == f'alpha /alpha/x?y {CLIENT}\n'.encode()
        assert self.get('/beta') == f'beta /beta {CLIENT}\n'.encode()
        assert self.get('/') == b'<p>the local site'
        assert self.get('/alpha/not', '-o', '/dev/null', '-w', '%{http_code}') == b'404'
        assert self.get('/', '-H', 'Host: Beta.Example:80').startswith(b'beta / ')
        assert self.get('/', '-b', 'x=1; node=a17').startswith(b'alpha / ')
        assert self.get('/', '-b', 'node=b17') == b'<p>the local site'
        assert self.get('/', '-H', 'If-None-Match: "z", W/"b-5"').startswith(b'beta / ')
        assert self.get('/snake/x') == b'snake\n'

    def one_connection_many_answers(self):
        paths = ['/alpha/1', '/beta/2', '/', '/alpha/3', '/alpha/4', '/snake/5', '/', '/beta/6']
        out = self.curl('-w', '%{num_connects}\n', *[self.url + p for p in paths]).decode()
        want = [f'{p[1:].split("/")[0]} {p} {CLIENT}\n' if p[1:2] in ('a', 'b') else 'snake\n' if p[1:2] == 's' else '<p>the local site' for p in paths]
        assert out == ''.join(w + ('1\n' if i == 0 else '0\n') for i, w in enumerate(want)), out

    def in_turn(self):
        seen = [self.get('/both').split()[0] for _ in range(6)]
        assert sorted(seen) == [b'alpha'] * 3 + [b'beta'] * 3, seen

    def pipelined(self):
        names = ['alpha', 'beta', 'alpha', 'both', 'beta'] * 8
        with self.connect() as s, s.makefile('rb') as f:
            s.sendall(b''.join(f'GET /{n}/{i} HTTP/1.1\r\nHost: a\r\n\r\n'.encode() for i, n in enumerate(names)))
            for i, n in enumerate(names):
                head = b''
                while not head.endswith(b'\r\n\r\n'): head += f.readline()
                body = f.read(int(re.search(rb'Content-Length: (\d+)', head)[1]))
                assert f'/{n}/{i} '.encode() in body and (n == 'both' or body.startswith(n.encode())), (i, n, body)

    def big_download(self):
        want, sums = hashlib.sha256(self.site.big).hexdigest(), {}
        def fetch(i, name):
            p = subprocess.Popen(self.site.client.cmd('curl', '-sS', '--max-time', '300', f'{self.url}/{name}/big'), stdout=subprocess.PIPE)
            h = hashlib.sha256()
            while piece := p.stdout.read(1 << 18): h.update(piece)
            sums[i] = h.hexdigest()
        threads = [threading.Thread(target=fetch, args=(i, n)) for i, n in enumerate(('alpha', 'beta'))]
        t0 = time.monotonic()
        for t in threads: t.start()
        for t in threads: t.join()
        assert list(sums.values()) == [want] * 2, sums
        print(f'# down: 2 x 64 MiB at {128 / (time.monotonic() - t0):.0f} MiB/s', flush=True)

    def big_upload(self):
        want = f'{hashlib.sha256(self.site.big).hexdigest()} {len(self.site.big)}\n'.encode()
        t0 = time.monotonic()
        assert self.curl('-T', self.site.files / 'big', self.url + '/snake/up', timeout=300) == want
        print(f'# up: 64 MiB at {64 / (time.monotonic() - t0):.0f} MiB/s', flush=True)
        assert self.curl('-T', self.site.files / 'big', '-H', 'Transfer-Encoding: chunked', self.url + '/snake/up', timeout=300) == want
        out = self.curl('--data-binary', 'abc', self.url + '/snake/one', '--next', '--data-binary', 'abc', '-H', 'Transfer-Encoding: chunked',
                        self.url + '/snake/two', '--next', self.url + '/alpha')
        assert out == (hashlib.sha256(b'abc').hexdigest() + ' 3\n').encode() * 2 + f'alpha /alpha {CLIENT}\n'.encode(), out

    def chunked_reply(self):
        out = self.curl(self.url + '/snake/chunks', self.url + '/alpha')
        assert out == b'c' * 20100 + f'alpha /alpha {CLIENT}\n'.encode(), out[-100:]

    def upgrade(self):
        with self.connect() as s:
            s.sendall(b'GET /snake/up HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n')
            head = b''
            while b'\r\n\r\n' not in head: head += s.recv(4096)
            assert head.startswith(b'HTTP/1.1 101 '), head
            data, out = os.urandom(300000), b''
            threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR))).start()
            while piece := s.recv(65536): out += piece
            assert out == data, (len(out), len(data))

    def plain_tcp(self):
        """Both halves: the answer only begins when ours is shut down."""
        data, out = os.urandom(3 << 20), b''
        with self.connect(7) as s:
            threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR))).start()
            while piece := s.recv(65536): out += piece
        assert out == data[::-1], (len(out), len(data))

    def a_target_down(self):
        for _ in range(4): assert self.get('/down').startswith(b'alpha /down ')
        t0 = time.monotonic()
        assert self.get('/silent').startswith(b'beta /silent ') and time.monotonic() - t0 < 6
        assert self.get('/gone', '-o', '/dev/null', '-w', '%{http_code}') == b'502'
        t0 = time.monotonic()
        assert self.get('/lost', '-o', '/dev/null', '-w', '%{http_code}') == b'504' and 2.5 < time.monotonic() - t0 < 6
        assert re.search(rf'lost +{NOBODY}:8000 +down', self.figures()), self.figures()

    def a_target_killed(self):
        """In the middle of a reply: the client sees a reset, never an end that looks whole. Then the other one answers."""
        with self.connect() as s:
            s.sendall(b'GET /snake/drip HTTP/1.1\r\nHost: a\r\n\r\n')
            got = s.recv(4096)
            time.sleep(.5)
            self.site.kill('snake')
            try:
                while piece := s.recv(65536): got += piece
                raise AssertionError('an end like any other')
            except ConnectionResetError: pass
            assert got.startswith(b'HTTP/1.1 200') and len(got) < 1000000
        assert self.get('/snake', '-o', '/dev/null', '-w', '%{http_code}') == b'502'
        self.site.start('snake')
        time.sleep(.2)
        assert self.get('/snake') == b'snake\n'
        self.site.kill('beta')
        for _ in range(4): assert self.get('/both').startswith(b'alpha ')
        self.site.start('beta')
        deadline = time.monotonic() + 12
        while not self.get('/both').startswith(b'beta '): assert time.monotonic() < deadline; time.sleep(.2)

    def a_client_gone(self):
        before = self.number(r'broken off: (\d+)')
        s = self.connect()
        s.sendall(b'GET /snake/drip HTTP/1.1\r\nHost: a\r\n\r\n')
        s.recv(4096)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        s.close()
        time.sleep(.5)
        assert self.number(r'broken off: (\d+)') == before + 1 and self.number(rf'snake +{SNAKE}:8000 +up +(\d+) active') == 0

    def wrk(self, seconds=3):
        for path, many in (('/alpha', 32), ('/both', 32)):
            out = self.site.client.sh('wrk', '-t2', f'-c{many}', f'-d{seconds}s', self.url + path)
            assert 'Non-2xx' not in out and 'Socket errors' not in out, out
            print(f'# {path}: ' + re.search(r'Requests/sec: +([\d.]+)', out)[1] + ' requests/s', flush=True)

    def slow_heads(self):
        """Forty connections that never finish their head: sixteen are waited for, for ten seconds; others are served meanwhile."""
        held = [self.connect() for _ in range(40)]
        t0 = time.monotonic()
        for s in held: s.sendall(b'GET /alpha HTTP/1.1\r\nHost: a\r\n')
        time.sleep(1)
        assert self.number(r'waited for, (\d+) now') == 16
        assert self.get('/alpha').startswith(b'alpha ') and self.get('/') == b'<p>the local site'
        replies = []
        for i in range(14):
            for s in held[:16]:
                try: s.sendall(b'X: y\r\n')
                except OSError: pass
            time.sleep(.8)
        for s in held:
            s.settimeout(3)
            try: replies.append(s.recv(100)[9:12])
            except OSError: replies.append(b'RST')
            s.close()
        assert replies.count(b'429') == 24 and replies.count(b'408') == 16, replies
        assert self.number(r'waited for, (\d+) now') == 0

    def smuggling(self):
        for bad in (b'POST /alpha HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /beta HTTP/1.1\r\nHost: a\r\n\r\n',
                    b'POST /alpha HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', b'GET /alpha HTTP/1.1\nHost: a\n\n',
                    b'POST /alpha HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde'):
            with self.connect() as s:
                s.sendall(bad)
                out = b''
                while piece := s.recv(65536): out += piece
            assert out.startswith(b'HTTP/1.1 400 ') and b'beta' not in out and out.count(b'HTTP/1.1') == 1, (bad, out)

    def settings(self):
        show = self.machine.command('show config')
        for line in CONF.splitlines(): assert line in show, (line, show)
        self.machine.command('rule local path /both/mine')
        assert '/both/mine' in self.machine.command('show config')
        assert self.get('/both/mine').split()[0] in (b'alpha', b'beta')  # the earlier rule wins
        self.machine.command('no rule local path /both/mine')
        self.machine.command(f'backend both relay {BETA}:8000')
        assert [self.get('/both').split()[0] for _ in range(3)] == [b'beta'] * 3
        self.machine.command(f'backend both relay {ALPHA}:8000 {BETA}:8000')
        assert 'use `backend h relay' in self.machine.command('backend h handoff 10.9.0.9') or front_hands_over(self.machine)
        self.machine.command('front forwarded-for off')
        assert self.get('/alpha') == b'alpha /alpha \n'
        self.machine.command('front forwarded-for on')

    def nothing_leaks(self):
        stop = time.monotonic() + 70
        while True:
            text = self.figures()
            m = re.search(r'(\d+) of (\d+) entries free', text)
            if m[1] == m[2] and self.buffers() <= self.in_use + 16: return
            if time.monotonic() > stop: raise AssertionError(f'{text}\nbuffers in use {self.in_use} -> {self.buffers()}')
            time.sleep(1)

    def all(self, quick=False):
        names = ['by_rule', 'one_connection_many_answers', 'in_turn', 'pipelined', 'chunked_reply', 'upgrade', 'plain_tcp', 'big_download', 'big_upload',
                 'a_target_down', 'a_target_killed', 'a_client_gone', 'smuggling', 'wrk', 'settings']
        if not quick: names.append('slow_heads')
        return names + ['nothing_leaks']


def front_hands_over(machine):
    """Where handing over is built in, the line is taken."""
    machine.command('no backend h')
    return True


def main():
    if sys.argv[1:] == ['snake']:
        snake()
        return
    only, site = sys.argv[1:], Site()
    files = {'qure.conf': CONF, 'www/index.html': b'<p>the local site'}
    tap = Tap(site.net, volume(files), os.environ.get('QURE_TAP', 'qure-tap'))
    front = Front(site, tap)
    for name in front.all():
        if not only or name in only: test('process: ' + name.replace('_', ' '), getattr(front, name))
    test('the process lived through it all', lambda: None if tap.alive() else 1 / 0)
    tap.close()
    if only and 'image' not in only:
        done()
    vm = Qemu(net=site.net, nic='virtio', mem=32, volume=volume_with(files))
    vm.expect('front> ', 60)
    front = Front(site, vm)
    for name in front.all(quick=True): test('image: ' + name.replace('_', ' '), getattr(front, name))
    vm.close()
    done()


if __name__ == '__main__':
    main()
