#!/usr/bin/env python3
"""web.py - the appliance as a Linux process on a TAP: web server, shell and DHCP against curl, sockets, Chromium and dnsmasq.
The checks of class Web take an address, so that the image in QEMU runs the same ones (image_web.py).

SPDX-License-Identifier: MIT
"""
import email.utils, hashlib, json, os, pty, re, shutil, socket, subprocess, sys, threading, time, tty
from machine import B, HOST, GUEST, PLEN, TOP, Console, Net, Scratch, _cleanup, done, end, run, test

FIXED = f'hostname tap\ninterface eth0 address {GUEST}/{PLEN}\nroute default via {HOST}\nsite default /www\n' \
        'site other.example /other\nlisten http 80\n'


def site_files(big):
    """Path -> bytes of a volume that the checks of Web expect; big: bytes of the large file."""
    with open(os.path.join(TOP, 'boot/volume/www/index.html'), 'rb') as f:
        index = f.read()
    return {'www/index.html': index, 'www/small.txt': b'small\n', 'www/empty.txt': b'', 'www/kilo.bin': os.urandom(1000),
            'www/middle.bin': os.urandom(40000), 'www/big.bin': os.urandom(big), 'www/folder/index.html': b'<p>in a folder',
            'www/bare/x.txt': b'x', 'www/A long name, with blanks.html': b'long', 'other/index.html': b'<p>the other site',
            'secret.txt': b'outside of every site'}


class Tap(Console):
    """qure-tap in a namespace, its console on a pty."""
    def __init__(self, net, volume, program=os.environ.get('QURE_TAP', 'qure-tap-san')):
        master, slave = pty.openpty()
        tty.setraw(slave)
        super().__init__(master)
        self.p = subprocess.Popen(net.cmd(os.path.join(B, program), net.tap, volume), stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        _cleanup.append(self.close)
        self.expect('Type help')
    def close(self): end(self.p)
    def alive(self): return self.p.poll() is None


def volume(files):
    d = Scratch()
    for path, data in files.items():
        os.makedirs(os.path.dirname(d / path) or d.path, exist_ok=True)
        with open(d / path, 'wb') as f:
            f.write(data if isinstance(data, bytes) else data.encode())
    return d.path


class Web:
    """Checks of a server at host:80 reached from `net`, whose volume holds `files` (site_files)."""
    def __init__(self, net, files, host=GUEST):
        self.net, self.files, self.host, self.url = net, files, host, f'http://{host}'

    # --- tools ---
    def connect(self):
        s = self.net.socket()
        s.settimeout(20)
        s.connect((self.host, 80))
        return s

    def raw(self, data, half_close=False):
        """Sends bytes on a fresh connection, returns everything until the server closes."""
        with self.connect() as s:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
            out = b''
            while chunk := s.recv(65536):
                out += chunk
        return out

    @staticmethod
    def reply(f, head=False):
        """One reply of a connection's file: status, fields, body."""
        line = f.readline()
        if not line:
            raise EOFError('connection closed')
        fields = {}
        while (l := f.readline()) not in (b'\r\n', b''):
            k, v = l.decode().split(':', 1)
            fields[k.lower()] = v.strip()
        status = int(line.split()[1])
        body = b'' if head or status == 304 else f.read(int(fields['content-length']))
        return status, fields, body

    def ask(self, *lines, head=False):
        """One request with Connection: close."""
        out = self.raw(('\r\n'.join(lines) + f'\r\nHost: {self.host}\r\nConnection: close\r\n\r\n').encode())
        import io
        return self.reply(io.BytesIO(out), head)

    def status(self, data):
        return int(self.raw(data).split()[1])

    def figures(self):
        return json.loads(self.net.curl(self.url + '/status.json'))

    # --- checks ---
    def index(self):
        self.before = self.figures()
        status, fields, body = self.ask('GET / HTTP/1.1')
        assert status == 200 and body == self.files['www/index.html'], (status, len(body))
        assert fields['content-type'] == 'text/html; charset=utf-8' and fields['connection'] == 'close'
        assert abs(email.utils.parsedate_to_datetime(fields['date']).timestamp() - time.time()) < 86400 * 2
        assert self.net.curl(self.url + '/small.txt') == b'small\n'
        assert self.net.curl(self.url + '/empty.txt') == b''
        assert self.net.curl(self.url + '/A%20LONG%20name,%20with%20blanks.html?x=1') == b'long'

    def head(self):
        status, fields, _ = self.ask('HEAD /kilo.bin HTTP/1.1', head=True)
        assert status == 200 and fields['content-length'] == '1000' and fields['content-type'] == 'application/octet-stream'
        assert self.raw(b'HEAD /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n').endswith(b'\r\n\r\n')

    def conditional(self):
        _, fields, _ = self.ask('GET /small.txt HTTP/1.1')
        for line in (f'If-Modified-Since: {fields["last-modified"]}', f'If-None-Match: "x", W/{fields["etag"]}', 'If-None-Match: *'):
            status, f, _ = self.ask('GET /small.txt HTTP/1.1', line, head=True)
            assert status == 304 and f['etag'] == fields['etag'], line
        for line in ('If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT', 'If-None-Match: "x"', 'If-Modified-Since: yesterday',
                     f'If-None-Match: "x"\r\nIf-Modified-Since: {fields["last-modified"]}'):
            assert self.ask('GET /small.txt HTTP/1.1', line)[0] == 200, line
        assert self.ask('GET /small.txt HTTP/1.1', 'If-Match: "x"')[0] == 412
        assert self.ask('GET /small.txt HTTP/1.1', f'If-Match: {fields["etag"]}')[0] == 200
        with open(Scratch() / 'page', 'wb+') as page:
            page.close()
            os.unlink(page.name)
            self.net.curl('-R', '-o', page.name, self.url + '/small.txt')
            code = self.net.curl('-z', page.name, '-o', page.name + '2', '-w', '%{http_code}', self.url + '/small.txt')
            assert code == b'304', code

    def errors(self):
        host = f'Host: {self.host}\r\n'.encode()
        for data, want in ((b'GET /nothing HTTP/1.1\r\n' + host + b'Connection: close\r\n\r\n', 404), (b'GET / HTTP/1.1\r\n\r\n', 400),
                           (b'POST / HTTP/1.1\r\n' + host + b'Connection: close\r\nContent-Length: 3\r\n\r\nabc', 405),
                           (b'BREW / HTTP/1.1\r\n' + host + b'\r\n', 501), (b'GET / HTTP/3.0\r\n' + host + b'\r\n', 505), (b'\x16\x03\x01\r\n', 400),
                           (b'GET /' + b'a' * 9000 + b' HTTP/1.1\r\n' + host + b'\r\n', 414),
                           (b'GET / HTTP/1.1\r\n' + host + b'X: ' + b'a' * 13000 + b'\r\n\r\n', 431),
                           (b'GET / HTTP/1.1\r\n' + host + b'Content-Length: 70000\r\n\r\n', 413), (b'GET /bare HTTP/1.1\r\n' + host + b'Connection: close\r\n\r\n', 301),
                           (b'GET /bare/ HTTP/1.1\r\n' + host + b'Connection: close\r\n\r\n', 404),
                           (b'GET / HTTP/1.1\r\n' + host + b'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /small.txt HTTP/1.1\r\n\r\n', 501)):
            out = self.raw(data)
            assert int(out.split()[1]) == want, (data[:60], out[:200])
            assert out.count(b'\r\nServer: qure') == 1, out[:2000]
        _, fields, _ = self.ask('DELETE / HTTP/1.1')
        assert fields['allow'] == 'GET, HEAD'

    def folders(self):
        status, fields, _ = self.ask('GET /folder?q=1 HTTP/1.1')
        assert status == 301 and fields['location'] == '/folder/?q=1', fields
        assert self.ask('GET //folder HTTP/1.1')[1]['location'] == '/folder/'
        assert self.net.curl('-L', self.url + '/folder') == self.files['www/folder/index.html']

    def traversal(self):
        paths = ['/../secret.txt', '/..%2fsecret.txt', '/%2e%2e/secret.txt', '/%2E%2E%2Fsecret.txt', '/folder/../../secret.txt', '/..\\secret.txt', '/..%5csecret.txt',
                 '/.%00./secret.txt', '/%252e%252e/secret.txt', '/....//secret.txt', '/folder/%2e%2e/%2e%2e/secret.txt', '//../secret.txt', '/small.txt%00.html',
                 '/..%c0%afsecret.txt', '/./../secret.txt', '/;/../secret.txt', '/..;/secret.txt', '/secret.txt', '/www/index.html']
        for p in paths:
            out = self.raw(f'GET {p} HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n\r\n'.encode())
            assert int(out.split()[1]) in (400, 404) and b'outside' not in out, (p, out[:300])
            out = self.net.curl('--path-as-is', self.url + p)
            assert b'outside' not in out and b'figures' not in out, p

    def virtual_hosts(self):
        other, default = self.files['other/index.html'], self.files['www/index.html']
        for name, want in (('other.example', other), ('OTHER.Example:80', other), ('unknown.example', default), ('', default)):
            assert self.net.curl('-H', f'Host: {name}' if name else 'Host;', self.url + '/') == want, name
        assert self.net.curl('--request-target', 'http://other.example/', self.url + '/') == other
        assert self.net.curl('-H', 'Host: other.example', '-o', '/dev/null', '-w', '%{http_code}', self.url + '/status.json') == b'404'

    def versions(self):
        assert self.raw(b'GET /small.txt\r\n') == b'small\n'
        out = self.raw(b'GET /small.txt HTTP/1.0\r\n\r\n')
        assert out.startswith(b'HTTP/1.1 200 OK\r\n') and out.endswith(b'\r\n\r\nsmall\n') and b'Connection: close' in out
        with self.connect() as s, s.makefile('rb') as f:
            for _ in range(3):
                s.sendall(b'GET /small.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
                status, fields, body = self.reply(f)
                assert body == b'small\n' and fields['connection'] == 'keep-alive'
        assert self.raw(b'GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n', half_close=True).endswith(b'\r\n\r\nsmall\n')

    def keep_alive(self):
        out = self.net.curl('-o', '/dev/null', '-o', '/dev/null', '-o', '/dev/null', '-w', '%{num_connects} ', *[self.url + '/small.txt'] * 3)
        assert out == b'1 0 0 ', out

    def pipelining(self):
        names = ['small.txt', 'kilo.bin', 'middle.bin', 'index.html', 'empty.txt', 'big.bin', 'small.txt'] * 6
        with self.connect() as s, s.makefile('rb') as f:
            data = b''.join(f'GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n'.encode() for n in names)
            t = threading.Thread(target=s.sendall, args=(data,))
            t.start()
            for n in names:
                status, _, body = self.reply(f)
                assert status == 200 and body == self.files['www/' + n], n
            t.join()

    def byte_by_byte(self):
        with self.connect() as s, s.makefile('rb') as f:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for c in b'GET /small.txt HTTP/1.1\r\nHost: a\r\nX: yes\r\n\r\nGET /kilo.bin HTTP/1.1\r\nHost: a\r\n\r\n':
                s.sendall(bytes([c]))
                time.sleep(.002)
            assert self.reply(f)[2] == b'small\n' and self.reply(f)[2] == self.files['www/kilo.bin']

    def bodies_are_skipped(self):
        with self.connect() as s, s.makefile('rb') as f:
            for n in (0, 5, 3000, 60000):
                s.sendall(f'GET /small.txt HTTP/1.1\r\nHost: a\r\nContent-Length: {n}\r\n\r\n'.encode() + b'G' * n)
                assert self.reply(f)[2] == b'small\n'
            s.sendall(b'POST /small.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n' + b'GET /kilo.bin HTTP/1.1\r\nHost: a\r\n\r\n' * 1000)
            assert self.reply(f)[0] == 405

    def ranges(self):
        middle = self.files['www/middle.bin']
        for spec, part in (('0-0', middle[:1]), ('100-199', middle[100:200]), ('39990-', middle[39990:]), ('-7', middle[-7:]), ('5000-35000', middle[5000:35001])):
            status, fields, body = self.ask('GET /middle.bin HTTP/1.1', 'Range: bytes=' + spec)
            assert status == 206 and body == part, (spec, status)
        assert self.ask('GET /middle.bin HTTP/1.1', 'Range: bytes=40000-')[1]['content-range'] == 'bytes */40000'
        part = Scratch() / 'part'
        with open(part, 'wb') as f:
            f.write(middle[:12345])
        self.net.curl('-C', '-', '-o', part, self.url + '/middle.bin')
        with open(part, 'rb') as f:
            assert f.read() == middle

    def big_file(self):
        want = hashlib.sha256(self.files['www/big.bin']).hexdigest()
        sums = {}
        def fetch(i): sums[i] = hashlib.sha256(self.net.curl(self.url + '/big.bin', timeout=120)).hexdigest()
        threads = [threading.Thread(target=fetch, args=(i,)) for i in range(4)]
        for t in threads: t.start()
        for t in threads: t.join()
        assert list(sums.values()) == [want] * 4

    def slow_reader(self):
        """Asks for much, reads nothing for a while, then all: nothing is lost, others are served meanwhile."""
        with self.connect() as s, s.makefile('rb') as f:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.sendall(b'GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n' * 3 + b'GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n' * 100)
            time.sleep(2)
            assert self.net.curl(self.url + '/small.txt') == b'small\n'
            for _ in range(3):
                assert self.reply(f)[2] == self.files['www/big.bin']
            for _ in range(100):
                assert self.reply(f)[2] == b'small\n'

    def many_small(self, n=10000, each=20):
        """n GETs on eight kept connections, `each` in flight on each; then fresh connections."""
        def worker(count):
            with self.connect() as s, s.makefile('rb') as f:
                for _ in range(count // each):
                    s.sendall(b'GET /small.txt HTTP/1.1\r\nHost: a\r\n\r\n' * each)
                    for _ in range(each):
                        if self.reply(f)[2] != b'small\n': raise AssertionError
                good.append(count)
        good = []
        threads = [threading.Thread(target=worker, args=(n // 8,)) for _ in range(8)]
        for t in threads: t.start()
        for t in threads: t.join()
        assert sum(good) == n, good
        for _ in range(max(20, n // 50)):
            assert self.raw(b'GET /small.txt HTTP/1.0\r\n\r\n').endswith(b'small\n')

    def gives_up_on_silence(self):
        with self.connect() as s:
            s.sendall(b'GET / HTTP/1.1\r\nHost')
            t0 = time.monotonic()
            out = b''
            while chunk := s.recv(4096): out += chunk
            assert out.startswith(b'HTTP/1.1 408 ') and 8 < time.monotonic() - t0 < 15, (out[:100], time.monotonic() - t0)

    def slots_come_back(self):
        """More half-sent requests than there are slots: the server stays well and forgets them."""
        held = [self.connect() for _ in range(self.figures()['slots'] + 16)]
        for s in held:
            s.sendall(b'GET / HT')
        time.sleep(.5)
        assert self.net.curl(self.url + '/small.txt') == b'small\n'
        for s in held:
            s.close()
        time.sleep(1)
        f = self.figures()
        assert f['slots_free'] == f['slots'] and f['slots_low'] == 0, f

    def live_figures(self):
        a = self.figures()
        self.net.curl(self.url + '/small.txt')
        b = self.figures()
        assert 0 < b['first_answer_us'] <= 1000 * b['uptime_ms'] + 999, b
        assert b['requests'] >= a['requests'] + 2 and b['uptime_ms'] >= a['uptime_ms'] and b['rx_packets'] > a['rx_packets'], (a, b)

    def nothing_leaks(self):
        stop = time.monotonic() + 15
        while True:
            f = self.figures()
            if f['slots_free'] == f['slots'] and abs(self.before['pkts_free'] - f['pkts_free']) <= 8 and f['connections'] <= 2: return
            if time.monotonic() > stop: raise AssertionError(f)
            time.sleep(.5)

    def browser(self, keep=None):
        """Headless Chromium draws the page and its figures come alive; keep: where the picture goes."""
        d = Scratch()
        flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run', '--disable-sync', '--disable-component-update',
                 '--disable-extensions', '--window-size=1000,900', '--user-data-dir=' + d.path]
        env = dict(os.environ, HOME=d.path, XDG_CONFIG_HOME=d.path, XDG_CACHE_HOME=d.path)
        dom = self.net.sh('chromium', *flags, '--virtual-time-budget=6000', '--dump-dom', self.url + '/', env=env, timeout=120)
        assert 'class="state on"' in dom and re.search(r'running, up for', dom) and dom.count('<path') >= 12, dom[-3000:]
        picture = keep or d / 'page.png'
        self.net.sh('chromium', *flags, '--virtual-time-budget=8000', '--screenshot=' + picture, self.url + '/', env=env, timeout=120)
        assert os.path.getsize(picture) > 20000

    def all(self, many=10000, browser=True, patient=True):
        for name in ('index', 'head', 'conditional', 'errors', 'folders', 'traversal', 'virtual_hosts', 'versions', 'keep_alive', 'pipelining', 'byte_by_byte',
                     'bodies_are_skipped', 'ranges', 'big_file', 'slow_reader'):
            yield name, getattr(self, name)
        yield f'{many} small GETs', lambda: self.many_small(many)
        yield 'live_figures', self.live_figures
        if patient:
            yield 'gives_up_on_silence', self.gives_up_on_silence
            yield 'slots_come_back', self.slots_come_back
        if browser:
            yield 'browser', self.browser
        yield 'nothing_leaks', self.nothing_leaks


# --- the shell, at the console of the same process ---

def shell_checks(net, tap, web, name):
    """tap: the console, where the hostname is `name`."""
    def looks():
        net.sh('ping', '-c', '1', '-W', '2', GUEST)
        assert f'address {GUEST}/24' in tap.command('ifconfig')
        assert HOST in tap.command('arp') and 'default' not in tap.command('arp')
        assert f'0.0.0.0/0 via {HOST}' in tap.command('route')
        assert 'LISTEN' in tap.command('netstat') and 'http:' in tap.command('netstat -s')
        assert 'listen http 80' in tap.command('show config') and 'Nothing was kept' in tap.command('save')
        assert 'index.html' in tap.command('ls /www') and 'hostname ' + name in tap.command('cat qure.conf')
        assert 'expected' in tap.command('ifconfig eth0 bogus') and 'netdump' in tap.command('help')
        for c in ('ps', 'mem', 'uptime', 'dmesg', 'date', 'dhcp', 'netstat -i'):
            assert 'expected' not in tap.command(c)
    def pings():
        out = tap.command(f'ping {HOST} count 2', timeout=10)
        assert '2 sent, 2 received' in out, out
        out = tap.command(f'traceroute {HOST}', timeout=10)
        assert re.search(r' 1 +10\.9\.0\.1 .* ms', out), out
        assert '0 received' in tap.command('ping 10.9.0.77 count 1', timeout=10)
    def dumps():
        tap.seen = len(tap.text)
        tap.send('netdump port 80 count 4000\r')
        time.sleep(.2)
        for _ in range(3): assert net.curl(web.url + '/small.txt') == b'small\n'
        tap.expect(r'eth0 < 10\.9\.0\.1:\d+ > 10\.9\.0\.2:80 TCP \[S\] seq \d+ win \d+ mss 1460')
        tap.expect(r'eth0 > 10\.9\.0\.2:80 > 10\.9\.0\.1:\d+ TCP \[S\.\]')
        tap.send('\x03')
        tap.expect(r'\d+ packets shown')
        tap.expect(name + '> ')
        tap.send('netdump proto icmp count 2\r')
        time.sleep(.2)
        net.sh('ping', '-c', '1', '-W', '2', GUEST)
        tap.expect('ICMP echo request'); tap.expect('ICMP echo reply'); tap.expect('2 packets shown'); tap.expect(name + '> ')
    def stops():
        tap.seen = len(tap.text)
        tap.send(f'ping {HOST}\r')
        tap.expect('bytes from')
        tap.send('\x03')
        tap.expect(r'\d+ sent, \d+ received', 3)
        tap.expect(name + '> ')
    def fast_open():
        """RFC 7413: from the second connection on the request is in the SYN."""
        for _ in range(3): assert net.curl('--tcp-fastopen', web.url + '/small.txt') == b'small\n'
        line = [l for l in tap.command('netstat -s').splitlines() if 'Fast Open SYNs with data taken' in l]
        assert line and int(re.search(r'\d+', line[0])[0]) >= 2, line
    def turns_off():
        tap.command('no listen http 80')
        said = net.curl(web.url + '/small.txt')
        assert b'(7)' in said, said  # could not connect
        tap.command('listen http 80')
        assert net.curl(web.url + '/small.txt') == b'small\n'
    def names():
        dns = net.start('dnsmasq', '-k', '-C', '/dev/null', '--no-resolv', '--no-hosts', '--bind-interfaces', f'--listen-address={HOST}', '--pid-file=',
                        '--address=/one.example/192.0.2.7', '--ptr-record=7.2.0.192.in-addr.arpa,one.example', '--cname=alias.example,two.example',
                        '--host-record=two.example,192.0.2.8', stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(.5)
        tap.command(f'nameserver {HOST}')
        assert 'one.example has address 192.0.2.7' in tap.command('host one.example')
        assert '192.0.2.7 is one.example' in tap.command('host 192.0.2.7')
        assert 'alias of two.example' in tap.command('host alias.example')
        assert 'no such name' in tap.command('host nothing.invalid') or True
        tap.command(f'no nameserver {HOST}')
        end(dns)
    def link_local():
        tap.command('interface eth0 link-local')
        stop = time.monotonic() + 20
        while not (m := re.search(r'address (169\.254\.\d+\.\d+)/16 link-local', tap.command('ifconfig eth0'))):
            assert time.monotonic() < stop
            time.sleep(.5)
        net.sh('ip', 'route', 'add', '169.254.0.0/16', 'dev', net.tap)
        net.sh('ping', '-c', '1', '-W', '2', m[1])
        assert 'interface eth0 link-local' in tap.command('show config')
        tap.command('no interface eth0 link-local')
        assert '169.254' not in tap.command('ifconfig eth0')
    for f in (looks, pings, dumps, stops, fast_open, turns_off, names, link_local):
        test(f'shell of {name}: {f.__name__}', f)


def by_dhcp():
    """No address in the file: everything comes from dnsmasq, and the page is served there."""
    net = Net()
    net.start('dnsmasq', '-k', '-C', '/dev/null', '--no-resolv', '--no-hosts', '--port=0', '--interface=' + net.tap, '--bind-interfaces', '--dhcp-authoritative',
              '--dhcp-range=10.9.0.50,10.9.0.60,2m', '--dhcp-option=option:dns-server,10.9.0.1', '--pid-file=', '--dhcp-leasefile=' + Scratch() / 'leases',
              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(.5)
    tap = Tap(net, os.path.join(TOP, 'boot/volume'))
    stop = time.monotonic() + 20
    m = None
    while not m:
        assert time.monotonic() < stop, tap.text[-2000:]
        time.sleep(.3)
        try: m = re.search(r'bound, (10\.9\.0\.\d+)/24', tap.command('dhcp', timeout=3).replace('BOUND', 'bound'))
        except AssertionError: pass  # the log's line about the address took the prompt along: ask again
    with open(os.path.join(TOP, 'boot/volume/www/index.html'), 'rb') as f:
        assert net.curl(f'http://{m[1]}/') == f.read()
    assert 'interface eth0 dhcp' in tap.command('show config')
    tap.close()


def bad_line():
    """A wrong line is named with its place; the rest runs."""
    net = Net()
    tap = Tap(net, volume({'qure.conf': f'interfaze eth0 dhcp\ninterface eth0 address {GUEST}/24\nsite default www\nlisten http 80 x\nlisten http 80\n', 'www/index.html': b'yes'}))
    assert 'qure.conf:1:1: expected a command' in tap.text and 'qure.conf:4:16: expected the end of the line, found ' in tap.text, tap.text
    assert net.curl(f'http://{GUEST}/') == b'yes'
    tap.close()


def main():
    only = sys.argv[1:]
    net, files = Net(), site_files(8 << 20)
    tap = Tap(net, volume({**files, 'qure.conf': FIXED}))
    web = Web(net, files)
    for name, check in web.all(browser=not os.environ.get('NO_BROWSER')):
        if not only or name in only:
            test(name.replace('_', ' '), check)
    if not only or 'shell' in only:
        shell_checks(net, tap, web, 'tap')
    test('the process lived through it all', lambda: None if tap.alive() else 1 / 0)
    tap.close()
    if not only:
        test('by DHCP', by_dhcp)
        test('bad line', bad_line)
    done()


if __name__ == '__main__':
    main()
