#!/usr/bin/env python3
"""conversation.py - conversations in three packets with the image in QEMU: qget on a TAP of its own, bridged to the machine's;
the wire captured and read by tshark; curl and Fast Open on the same port. And qget against qserve, without a machine.

SPDX-License-Identifier: MIT
"""
import os, re, subprocess, time
from machine import B, GUEST, HOST, PLEN, Net, Qemu, Scratch, done, end, test, volume_with

ME = '10.9.0.9'
CONF = f'hostname talk\ninterface eth0 address {GUEST}/{PLEN}\nsite default /www\n' \
       'listen http 80\nlisten http 81 optional-syn on\n'
PAGE = b'<!DOCTYPE html>\n<title>x</title>\n<p>a small page\n'


def bridged(net, *taps):
    """Joins the namespace's TAP and these new ones by a bridge, which takes over the host's address."""
    net.sh('ip', 'link', 'add', 'br0', 'type', 'bridge')
    net.sh('ip', 'addr', 'flush', 'dev', net.tap)
    for t in taps:
        net.sh('ip', 'tuntap', 'add', 'dev', t, 'mode', 'tap')
    for t in (net.tap, *taps):
        net.sh('ip', 'link', 'set', t, 'master', 'br0')
        net.sh('ip', 'link', 'set', t, 'up')
    net.sh('ip', 'addr', 'add', f'{HOST}/{PLEN}', 'dev', 'br0')
    net.sh('ip', 'link', 'set', 'br0', 'up')


def tshark(file, *fields):
    """The values of these fields, packet by packet."""
    args = [a for f in fields for a in ('-e', f)]
    p = subprocess.run(['tshark', '-r', file, '-T', 'fields', *args], check=True,
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return [r.split('\t') for r in p.stdout.decode().splitlines()]


class Capture:
    """tcpdump at the machine's end; `packets` reads it with tshark as (source is ours, flags, payload, expert messages)."""
    def __init__(self, net, name):
        self.file = os.path.join(B, 'captures', f'conversation-{name}.pcap')
        os.makedirs(os.path.dirname(self.file), exist_ok=True)
        self.p = net.start('tcpdump', '-i', net.tap, '-U', '--immediate-mode', '-Z', 'root', '-w', self.file, 'tcp',
                           stderr=subprocess.PIPE)
        while b'listening' not in self.p.stderr.readline():
            assert self.p.poll() is None
    def packets(self):
        time.sleep(.5)
        end(self.p)
        rows = tshark(self.file, 'ip.src', 'tcp.flags', 'tcp.len', '_ws.malformed', 'tcp.stream')
        return [(r[0] == ME, int(r[1], 16), int(r[2]), r[3], int(r[4])) for r in rows]


def qget(net, *args, tap='qget0', url=f'http://{GUEST}/', ok=True):
    p = subprocess.run(net.cmd(os.path.join(B, 'qget'), *args, tap, f'{ME}/{PLEN}', url),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert not ok or p.returncode == 0, p.stderr.decode()
    return p.stdout, p.stderr.decode()

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def machine():
    net = Net()
    bridged(net, 'qget0')
    vm = Qemu(net=net, img=volume_with({'www/index.html': PAGE, 'www/big.bin': bytes(range(256)) * 400, 'qure.conf': CONF}))
    vm.expect('talk> ', 60)

    def three_packets():
        c = Capture(net, 'three')
        out, err = qget(net, '-v', '-n', '3')
        assert out.count(PAGE) == 3, out
        assert re.findall(r'(\d+) packets', err)[-2:] == ['3', '3'], err
        p = c.packets()
        assert not any(x[3] for x in p), p                                   # nothing malformed
        assert [x[:2] for x in p[-3:]] == [(True, SYN | PSH | FIN), (False, SYN | ACK | PSH | FIN), (True, ACK)], p
        assert not any(x[1] & RST for x in p), p

    def discovery():
        c = Capture(net, 'discovery')
        qget(net)
        p = c.packets()
        assert [x[:2] for x in p] == [(True, SYN), (False, SYN | ACK),
                                       (True, ACK | PSH | FIN), (False, ACK | PSH | FIN), (True, ACK)], p

    def late_server():
        c = Capture(net, 'late')
        out, err = qget(net, '-n', '2', url=f'http://{GUEST}:81/')
        p = c.packets()
        assert out.count(PAGE) == 2 and not any(x[3] for x in p), p
        assert [x[:2] for x in p if x[4] == 0][:4] == [
            (True, SYN), (False, ACK), (True, ACK | PSH | FIN), (False, SYN | ACK | PSH | FIN)], p
        assert [x[1] for x in p if x[4] == 1] == [SYN | PSH | FIN, SYN | ACK | PSH | FIN, ACK], p

    def large_reply():
        out, err = qget(net, '-n', '2', url=f'http://{GUEST}/big.bin')
        assert out.count(bytes(range(256)) * 400) == 2

    def plain_clients():
        c = Capture(net, 'plain')
        assert net.curl(f'http://{GUEST}/') == PAGE
        assert net.curl('--tcp-fastopen', f'http://{GUEST}/') == PAGE
        out, err = qget(net, '-p')
        assert PAGE in out
        c.packets()
        assert not any('144' in r[0].split(',') for r in tshark(c.file, 'tcp.option_kind'))

    def counters():
        text = vm.command('conversation')
        assert re.search(r'option 144: [1-9]', text) and re.search(r'requests on a SYN: [1-9]', text), text
        assert 'conversation kind' not in vm.command('show config')

    def closed():
        vm.command('site default /www redirect-when-closed http://192.0.2.7/')
        vm.command('closed all')
        c = Capture(net, 'closed')
        out, err = qget(net)
        p = c.packets()
        assert b'302 Found' in out and b'Location: http://192.0.2.7/' in out, out
        assert (False, SYN | ACK | PSH | FIN) in [x[:2] for x in p], p
        assert not any(x[0] and x[2] for x in p), p  # the request was never sent
        assert b'302' in net.curl('-i', f'http://{GUEST}/')
        vm.command('no closed all')
        assert net.curl(f'http://{GUEST}/') == PAGE

    def another_kind():
        vm.command('conversation kind 253')
        out, err = qget(net, '-n', '2', '-k', '253')
        assert err.splitlines()[-1].endswith('3 packets'), err
        vm.command('no conversation kind')

    for f in (discovery, three_packets, late_server, large_reply, plain_clients, counters, closed, another_kind):
        test('image: ' + f.__name__.replace('_', ' '), f)
    vm.close()


def two_processes():
    """qget and qserve, each with a stack of its own."""
    net, d = Net(), Scratch()
    bridged(net, 'qget0')
    with open(d / 'page', 'wb') as f:
        f.write(PAGE)

    def run_with(*flags):
        s = net.start(os.path.join(B, 'qserve'), *flags, net.tap, f'{GUEST}/{PLEN}', d / 'page', stderr=subprocess.PIPE)
        while b'on port' not in s.stderr.readline():
            assert s.poll() is None
        out, err = qget(net, '-v', '-n', '2')
        curl = net.curl('-i', f'http://{GUEST}/')
        end(s)
        return out, err, curl

    def three():
        out, err, curl = run_with()
        assert out.count(PAGE) == 2 and PAGE in curl and err.splitlines()[-1].endswith('3 packets'), err
    def late():
        out, err, curl = run_with('-l')
        assert out.count(PAGE) == 2 and PAGE in curl and '<----   ACK,opt=QuRe' in err, err
    def refusing():
        out, err, curl = run_with('-r')
        assert out.count(b'503') == 2 and b'503' in curl, (out, err, curl)
    for f in (three, late, refusing):
        test('qget and qserve: ' + f.__name__, f)


def drawn():
    out = subprocess.run([os.path.join(B, 'conversation')], stdout=subprocess.PIPE, timeout=60).stdout.decode()
    assert out.splitlines()[-1] == 'plain: 8 packets, qure: 3 packets', out


if __name__ == '__main__':
    test('make conversation counts eight and three', drawn)
    two_processes()
    machine()
    done()
