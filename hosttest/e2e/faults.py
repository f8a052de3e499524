#!/usr/bin/env python3
"""faults.py - what a machine does whose surroundings are wrong: no card, no DHCP server, a bad configuration, a stranger with its
address, a lease that runs out, all connections taken. The image in QEMU; boot.py has damaged media, nic.py cables and buffers.

SPDX-License-Identifier: MIT
"""
import re, socket, struct, threading, time
from machine import GUEST, HOST, PLEN, Net, Qemu, done, test, volume_with

PAGE = b'<p>still here'
FIXED = f'interface eth0 address {GUEST}/{PLEN}\nsite default /www\nlisten http 80\n'


def volume(conf): return volume_with({'qure.conf': conf, 'www/index.html': PAGE})


def need(ok, text=''):
    if not ok: raise AssertionError(text)


def serves(net, addr=GUEST, within=20):
    """Once the page comes; a busy host may take its time."""
    stop = time.monotonic() + within
    while net.curl('-s', f'http://{addr}/', timeout=5) != PAGE:
        need(time.monotonic() < stop, f'no page from {addr}')
        time.sleep(.2)


def until(say, what, within=30):
    """Asks again and again until the answer matches."""
    stop = time.monotonic() + within
    while not (m := re.search(what, text := say())):
        need(time.monotonic() < stop, f'no {what!r}: {text}')
        time.sleep(.3)
    return m


def no_card():
    """Everything can be asked, nothing hangs, and what needs a card says that there is none."""
    vm = Qemu(volume=volume('interface eth0 dhcp\nsite default /www\nlisten http 80\n'))
    vm.expect('qure> ')
    need(re.search(r'qure\.conf:1:11: expected an interface \(there is none\), found .eth0', vm.text), vm.text)
    for line, answer in (('ifconfig', 'no network interface was found'), ('ping 10.9.0.1 count 1', 'no route to host'), ('host a.example', 'no nameserver'),
                         ('traceroute 10.9.0.1', 'no route to host'), ('dhcp', 'DHCP is not used'), ('netstat', 'LISTEN'), ('ls /www', 'index.html')):
        need(answer in (text := vm.command(line, 15)), f'{line}: {text}')
    need(len(vm.command('traceroute 10.9.0.1').splitlines()) == 1, 'traceroute goes on without a route')
    vm.close()


def no_dhcp_answer():
    """Nobody answers: the console is there at once, a link-local address soon, and the page is served at it."""
    net = Net('169.254.0.9/16')
    vm = Qemu(net=net, volume=volume('interface eth0 dhcp\nsite default /www\nlisten http 80\n'))
    vm.expect('qure> ')
    need('asking' in (text := vm.command('dhcp')) or 'selecting' in text, text)
    serves(net, until(lambda: vm.command('dhcp'), r'169\.254\.\d+\.\d+', 40)[0])
    vm.close()


def bad_lines():
    """Each is named with its place; what stands between them works, in 4 MB and from the floppy."""
    net = Net()
    conf = f'interfaze eth0 dhcp\ninterface eth0 address {GUEST}/33\ninterface eth0 address {GUEST}/{PLEN}\nroute default via 1.2.3.4\n"open\nsite default /nowhere\nlisten http 99999\nping {HOST}\nsite default /www\nlisten http 80\n'
    vm = Qemu(net=net, nic='ne2k', mem=4, img=volume(conf))
    vm.expect('qure> ', 60)
    for place in ('1:1: expected a command', '2:24: expected an address with prefix length', '4:1: no interface is in the network of 1.2.3.4', '5:1: this quote is not closed',
                  '6:1: the volume has no folder /nowhere', '7:13: expected a port from 1 to 65535', '8:1: .ping. is for the console only'):
        need(re.search('qure.conf:' + place, vm.text), f'{place}: {vm.text}')
    need('7 lines were not understood' in vm.text, vm.text)
    serves(net)
    vm.close()


def several_addresses_conflict_on_one():
    """A stranger claims one of two addresses: named in the log, answered by one announcement, and both serve on."""
    net = Net()
    vm = Qemu(net=net, volume=volume(f'interface eth0 address 10.9.0.3/{PLEN}\n' + FIXED))
    vm.expect('qure> ')
    serves(net); serves(net, '10.9.0.3')
    thief, raw = bytes.fromhex('0200000000ee'), net.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind((net.tap, 3))
    claim = struct.pack('>6s6sHHHBBH6s4s6s4s', b'\xff' * 6, thief, 0x806, 1, 0x800, 6, 4, 1, thief, socket.inet_aton(GUEST), bytes(6), socket.inet_aton(GUEST))
    raw.send(claim + bytes(18))
    vm.expect(f'address {GUEST} is also used by 02:00:00:00:00:ee', 10)
    stop = time.monotonic() + 10
    while True:
        f = raw.recv(2048)
        if f[12:14] == b'\x08\x06' and f[6:12] != thief and f[28:32] == f[38:42] == socket.inet_aton(GUEST): break
        need(time.monotonic() < stop, 'no announcement in defence')
    serves(net); serves(net, '10.9.0.3')
    need('ARP_CONFLICT' in vm.command('netstat -s'))
    vm.close()


class Leases(threading.Thread):
    """A DHCP server that leases GUEST for so many seconds: the shortest life that a lease can have in a test."""
    def __init__(self, net, seconds):
        super().__init__(daemon=True)
        self.seconds, self.answering, self.heard = seconds, True, []
        self.s = net.socket(kind=socket.SOCK_DGRAM)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, net.tap.encode())
        self.s.bind(('', 67))
        self.start()
    def run(self):
        while True:
            m, peer = self.s.recvfrom(2048)
            kind, at = 0, 240
            while at < len(m) and m[at] != 255:
                if m[at] == 53: kind = m[at + 2]
                at += 1 if m[at] == 0 else 2 + m[at + 1]
            self.heard.append(('broadcast' if peer[0] == '0.0.0.0' else 'unicast', kind, m[12:16] != bytes(4)))
            if not self.answering or kind not in (1, 3): continue
            host, opts = socket.inet_aton(HOST), b''
            for code, data in ((53, bytes([2 if kind == 1 else 5])), (54, host), (51, struct.pack('>I', self.seconds)), (1, b'\xff\xff\xff\0'), (3, host)):
                opts += bytes([code, len(data)]) + data
            reply = struct.pack('>4B4s8s4s4s4s16s', 2, 1, 6, 0, m[4:8], bytes(8), socket.inet_aton(GUEST), host, bytes(4), m[28:44]) + bytes(192) + b'\x63\x82\x53\x63' + opts + b'\xff'
            self.s.sendto(reply.ljust(300, b'\0'), ('255.255.255.255', 68))


def lease_is_renewed_then_runs_out():
    """Renewed half-way while the server answers; when it falls silent: rebinding, then the address is gone; then found again."""
    net = Net()
    server = Leases(net, 12)
    vm = Qemu(net=net, volume=volume('interface eth0 dhcp\nsite default /www\nlisten http 80\n'))
    vm.expect(rf'{GUEST}/24 from {HOST} for 12 s', 60)
    serves(net)
    until(lambda: str(server.heard), r"3, True", 20)                  # a request with its address in ciaddr: renewal
    serves(net)
    server.answering = False
    until(lambda: vm.command('dhcp'), r'rebinding', 30)
    until(lambda: 'gone' if GUEST not in vm.command('ifconfig') else 'there', 'gone', 30)
    server.answering = True
    until(lambda: vm.command('ifconfig'), GUEST + '/24 dhcp', 90)
    serves(net)
    vm.close()


def cable_back_verifies_the_lease():
    """Carrier lost and found: the lease is asked for again (INIT-REBOOT) while it serves."""
    net = Net()
    server = Leases(net, 3600)
    vm = Qemu(net=net, nic='e1000', volume=volume('interface eth0 dhcp\nsite default /www\nlisten http 80\n'))
    vm.expect(rf'{GUEST}/24 from {HOST}', 60)
    serves(net)
    before = len(server.heard)
    vm.set_link(False)
    vm.expect('eth0: link down', 20)
    vm.set_link(True)
    vm.expect('eth0: link up', 20)
    until(lambda: str(server.heard[before:]), r"3, False", 20)
    serves(net)
    vm.close()


def all_connections_taken():
    """4 MB: more idle connections than there are slots. Refusals are counted; when they end, everything serves as before."""
    net = Net()
    vm = Qemu(net=net, mem=4, volume=volume(FIXED))
    vm.expect('qure> ')
    serves(net)
    slots = int(re.search(r'(\d+) connections', vm.text)[1])
    socks = [net.socket() for _ in range(slots + 100)]
    for s in socks: s.setblocking(False); s.connect_ex((GUEST, 80))
    until(lambda: vm.command('netstat -s'), r'TCP_(NO_TCB|BACKLOG\w*|SYN_COOKIE) ', 30)
    need('sent, 1 received' in vm.command(f'ping {HOST} count 1'))
    for s in socks: s.close()
    serves(net, within=60)
    stop = time.monotonic() + 60
    while (left := len(re.findall(r'ESTABLISHED|SYN_RECEIVED|CLOSE_WAIT', vm.command('netstat')))) > 2:
        need(time.monotonic() < stop, f'{left} connections left over')
        time.sleep(.5)
    vm.close()


for check in (no_card, no_dhcp_answer, bad_lines, several_addresses_conflict_on_one, lease_is_renewed_then_runs_out, cable_back_verifies_the_lease, all_connections_taken):
    test(check.__name__.replace('_', ' '), check)
done()
