#!/usr/bin/env python3
"""net.py - the layers below TCP against real peers: Linux's ARP and IP, ping, traceroute, dnsmasq's DHCP, and frames made by hand.

SPDX-License-Identifier: MIT
"""
import os, re, socket, struct, subprocess, time
from machine import GUEST, HOST, PLEN, Net, Scratch, done, end, test
from web import FIXED, Tap, volume

BCAST = b'\xff' * 6
def ip4(s): return socket.inet_aton(s)
def mac(s): return bytes.fromhex(s.replace(':', ''))


def echo(f, kind, ident=None):
    """An ICMP echo (kind 8) or reply (0), not a later fragment, in an untagged frame."""
    return f[12:14] == b'\x08\x00' and f[23] == 1 and not f[20] & 0x1f and not f[21] and f[34] == kind and (ident is None or f[38:40] == ident)


class Raw:
    """Frames on the TAP of a namespace."""
    def __init__(self, net):
        self.s = net.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.s.bind((net.tap, 3))
        self.s.setsockopt(263, 8, 1)   # SOL_PACKET, PACKET_AUXDATA: Linux takes 802.1Q tags out of the frame
        self.mac = mac(re.search(r'link/ether (\S+)', net.sh('ip', 'link', 'show', net.tap))[1])
    def send(self, frame): self.s.send(frame)
    def drain(self):
        """Forgets what came so far: a full queue would lose what comes next."""
        self.s.setblocking(False)
        try:
            while True: self.s.recv(65536)
        except BlockingIOError: pass
    def wait(self, match, timeout=5):
        """The first frame that matches, or None."""
        stop = time.monotonic() + timeout
        while (left := stop - time.monotonic()) > 0:
            self.s.settimeout(left)
            try: f, aux, _, _ = self.s.recvmsg(65536, 64)
            except TimeoutError: break
            status, tci, tpid = struct.unpack('I12xHH', aux[0][2]) if aux else (0, 0, 0)
            if status & 0x10: f = f[:12] + struct.pack('>HH', tpid, tci) + f[12:]
            if match(f): return f
        return None

def arp(to, op, sha, spa, tha, tpa):
    return to + sha + b'\x08\x06' + struct.pack('>HHBBH', 1, 0x800, 6, 4, op) + sha + ip4(spa) + tha + ip4(tpa)

def is_arp(f, op, spa=None, tpa=None):
    return f[12:14] == b'\x08\x06' and f[20:22] == struct.pack('>H', op) and (spa is None or f[28:32] == ip4(spa)) and (tpa is None or f[38:42] == ip4(tpa))

def csum(b):
    s = sum(struct.unpack(f'>{(len(b) + 1) // 2}H', b + b'\0' * (len(b) % 2)))
    while s >> 16: s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff

def ipv4(proto, payload, src=HOST, dst=GUEST, frag=0, ident=1, ttl=64):
    h = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), ident, frag, ttl, proto, 0, ip4(src), ip4(dst))
    return h[:10] + struct.pack('>H', csum(h)) + h[12:] + payload

def icmp(kind, code, rest):
    m = struct.pack('>BBH', kind, code, 0) + rest
    return m[:2] + struct.pack('>H', csum(m)) + m[4:]


def fixed():
    """A static address."""
    net = Net()
    raw = Raw(net)
    tap = Tap(net, volume({'qure.conf': FIXED, 'www/index.html': b'page'}))
    us = lambda: mac(re.search(r'lladdr (\S+)', net.sh('ip', 'neigh', 'show', GUEST))[1])
    drops = lambda: tap.command('netstat -s')

    def announces():
        # both were sent when the process started: the raw socket was there first
        assert raw.wait(lambda f: is_arp(f, 1, GUEST, GUEST)), 'no announcement'
        assert raw.wait(lambda f: is_arp(f, 1, '0.0.0.0', GUEST)), 'no probe beside service'

    def pings():
        for size in (0, 1, 56, 1472, 1473, 4000, 20000, 65507):
            out = net.sh('ping', '-c', '1', '-W', '5', '-s', str(size), GUEST, check=False)
            assert ' 0% packet loss' in out, out
        out = net.sh('ping', '-f', '-c', '500', '-s', '3000', GUEST, check=False)
        assert ' 0% packet loss' in out, out

    def broadcast_ping_is_not_answered():
        assert '100% packet loss' in net.sh('ping', '-b', '-c', '1', '-W', '1', '10.9.0.255', check=False)

    def fragments_in_any_order():
        raw.drain()
        m = icmp(8, 0, struct.pack('>HH', 77, 1) + os.urandom(3000))
        parts = [(o, m[o:o + 1000]) for o in range(0, len(m), 1000)]
        for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
            for i in order:
                o, p = parts[i]
                raw.send(us() + raw.mac + b'\x08\x00' + ipv4(1, p, frag=o // 8 | (0x2000 if o + len(p) < len(m) else 0), ident=order[0] + 9))
            assert raw.wait(lambda f: echo(f, 0, b'\0M')), order

    def overlap_is_dropped():
        m = icmp(8, 0, struct.pack('>HH', 78, 1) + os.urandom(2000))
        raw.send(us() + raw.mac + b'\x08\x00' + ipv4(1, m[:1000], frag=0x2000, ident=50))
        raw.send(us() + raw.mac + b'\x08\x00' + ipv4(1, m[992:], frag=992 // 8, ident=50))
        assert not raw.wait(lambda f: echo(f, 0, b'\0N'), 1)
        assert 'IP_FRAG_OVERLAP' in drops()

    def closed_udp_port_is_refused():
        s = net.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(3)
        s.connect((GUEST, 33000))
        s.send(b'x')
        try: s.recv(10); raise AssertionError('an answer from a closed port')
        except ConnectionRefusedError: pass

    def unknown_protocol_is_unreachable():
        raw.send(us() + raw.mac + b'\x08\x00' + ipv4(253, b'12345678'))
        assert raw.wait(lambda f: f[12:14] == b'\x08\x00' and f[23] == 1 and f[34:36] == b'\x03\x02')

    def traceroute_reaches_us():
        out = net.sh('traceroute', '-n', '-m', '2', '-w', '2', GUEST)
        assert re.search(rf' 1  {GUEST} ', out), out

    def possible_senders_only():
        for src in ('127.0.0.1', '224.0.0.1', '10.9.0.255', GUEST, '0.0.0.0'):
            raw.send(us() + raw.mac + b'\x08\x00' + ipv4(1, icmp(8, 0, b'\0O\0\1x'), src=src))
        assert not raw.wait(lambda f: echo(f, 0, b'\0O'), 1)
        out = drops()
        for name in ('IP_SOURCE', 'IP_LAND', 'IP_SOURCE_ANY'):
            assert re.search(rf'\b{name}\b', out), out

    def conflict_is_defended_and_told():
        thief = mac('02:00:00:00:00:ee')
        raw.send(arp(BCAST, 1, thief, GUEST, b'\0' * 6, GUEST))
        assert raw.wait(lambda f: is_arp(f, 1, GUEST, GUEST) and f[6:12] != thief), 'no defence'
        tap.expect(f'address {GUEST} is also used by 02:00:00:00:00:ee', 5)
        assert net.curl(f'http://{GUEST}/') == b'page'

    def probe_of_another_is_answered():
        other = mac('02:00:00:00:00:aa')
        raw.send(arp(BCAST, 1, other, '0.0.0.0', b'\0' * 6, GUEST))
        assert raw.wait(lambda f: f[:6] == other and is_arp(f, 2, GUEST))

    def leaving_an_address_says_unarp():
        tap.command('interface eth0 address 10.9.0.40/24')
        assert b'page' == net.curl('http://10.9.0.40/')
        tap.command('no interface eth0 address 10.9.0.40/24')
        assert raw.wait(lambda f: f[12:14] == b'\x08\x06' and f[18] == 0 and f[22:30] == ip4('10.9.0.40') + b'\xff' * 4)

    def vlan():
        tag = lambda f: f[:12] + b'\x81\x00\x00\x07' + f[12:]
        untag = lambda f: f[:12] + f[16:] if f[12:16] == b'\x81\x00\x00\x07' else b'\0' * 60
        ping = us() + raw.mac + b'\x08\x00' + ipv4(1, icmp(8, 0, b'\0P\0\1x'))
        tap.command('interface eth0 vlan 7')
        raw.send(ping)
        raw.send(tag(arp(BCAST, 1, raw.mac, HOST, b'\0' * 6, GUEST)))
        assert raw.wait(lambda f: is_arp(untag(f), 2, GUEST, HOST)), 'no tagged ARP reply'
        raw.send(tag(ping))
        assert raw.wait(lambda f: echo(untag(f), 0, b'\0P')), 'no tagged answer'
        assert not raw.wait(lambda f: echo(f, 0), .5)
        assert re.search(r'\bETH_UNTAGGED\b', drops())
        tap.command('no interface eth0 vlan 7')
        assert ' 0% packet loss' in net.sh('ping', '-c', '1', '-W', '3', GUEST, check=False)

    for f in (announces, pings, broadcast_ping_is_not_answered, fragments_in_any_order, overlap_is_dropped, closed_udp_port_is_refused,
              unknown_protocol_is_unreachable, traceroute_reaches_us, possible_senders_only, probe_of_another_is_answered,
              conflict_is_defended_and_told, leaving_an_address_says_unarp, vlan):
        test('net: ' + f.__name__, f)
    tap.close()


class Dnsmasq:
    def __init__(self, net, first, last):
        self.dir = Scratch()
        self.log = self.dir / 'log'
        self.p = net.start('dnsmasq', '-k', '-C', '/dev/null', '--no-resolv', '--no-hosts', '--port=0', '--interface=' + net.tap, '--bind-interfaces',
                           '--dhcp-authoritative', f'--dhcp-range={first},{last},2m', '--pid-file=', '--no-ping', '--log-dhcp', f'--log-facility={self.log}',
                           '--dhcp-leasefile=' + self.dir / 'leases', stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.seen = 0
    def expect(self, what, timeout=20):
        stop = time.monotonic() + timeout
        while time.monotonic() < stop:
            text = open(self.log, errors='replace').read() if os.path.exists(self.log) else ''
            if m := re.search(what, text[self.seen:]):
                self.seen += m.end()
                return m
            time.sleep(.1)
        raise AssertionError(f'no {what!r} in the log of dnsmasq: {text[-1500:]}')


def leases():
    """The life of a lease with dnsmasq."""
    net = Net()
    raw = Raw(net)
    server = Dnsmasq(net, '10.9.0.50', '10.9.0.59')
    time.sleep(.5)
    tap = Tap(net, volume({'qure.conf': 'hostname alpha\ninterface eth0 dhcp\nsite default /www\nlisten http 80\n', 'www/index.html': b'page'}))
    addr = [None]

    def bound():
        addr[0] = server.expect(r'DHCPACK\(\S+\) (\S+) (\S+) alpha')[1]
        assert net.curl(f'http://{addr[0]}/') == b'page'
        stop = time.monotonic() + 12
        while 'bound' not in (out := tap.command('dhcp')):
            assert time.monotonic() < stop, out
            time.sleep(.5)
        assert re.search(r'0\.0\.0\.0/0 via 10\.9\.0\.1 .*dhcp', tap.command('route')), tap.text[-800:]

    def renewed():
        tap.send('dhcp eth0 renew\r')
        server.expect(rf'DHCPREQUEST\(\S+\) {addr[0]} ')
        server.expect(rf'DHCPACK\(\S+\) {addr[0]} ')

    def declined_on_conflict():
        thief, old = mac('02:00:00:00:00:ee'), addr[0]
        for _ in range(2):
            raw.send(arp(BCAST, 1, thief, old, b'\0' * 6, old))
            time.sleep(.2)
        server.expect(rf'DHCPDECLINE\(\S+\) {old} ')
        addr[0] = server.expect(r'DHCPACK\(\S+\) (\S+) ', 30)[1]
        assert addr[0] != old
        assert net.curl(f'http://{addr[0]}/') == b'page'

    def refused_by_another_range():
        nonlocal server
        end(server.p)
        server = Dnsmasq(net, '10.9.0.150', '10.9.0.159')
        time.sleep(.5)
        tap.send('dhcp eth0 renew\r')
        server.expect(r'DHCPNAK')
        addr[0] = server.expect(r'DHCPACK\(\S+\) (10\.9\.0\.15\d) ', 30)[1]
        assert net.curl(f'http://{addr[0]}/') == b'page'

    def released():
        tap.send('dhcp eth0 release\r')
        server.expect(rf'DHCPRELEASE\(\S+\) {addr[0]} ')

    for f in (bound, renewed, declined_on_conflict, refused_by_another_range, released):
        test('dhcp: ' + f.__name__, f)
    tap.close()


def link_local():
    """No server: an address out of 169.254/16, until one appears."""
    net = Net('169.254.0.9/16')
    tap = Tap(net, volume({'qure.conf': 'interface eth0 dhcp\nsite default /www\nlisten http 80\n', 'www/index.html': b'page'}))
    stop = time.monotonic() + 30
    while not (m := re.search(r'169\.254\.\d+\.\d+', tap.command('dhcp'))):
        assert time.monotonic() < stop, tap.text[-800:]
        time.sleep(.5)
    assert net.curl(f'http://{m[0]}/') == b'page'
    net.sh('ip', 'addr', 'add', f'{HOST}/{PLEN}', 'dev', net.tap)
    server = Dnsmasq(net, '10.9.0.50', '10.9.0.59')
    addr = server.expect(r'DHCPACK\(\S+\) (\S+) ', 40)[1]
    assert net.curl(f'http://{addr}/') == b'page'
    assert '169.254' not in tap.command('ifconfig'), tap.text[-800:]
    tap.close()


def main():
    fixed()
    leases()
    test('link-local until a server appears', link_local)
    done()


if __name__ == '__main__':
    main()
