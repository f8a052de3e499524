"""between.py - another Linux kernel between Linux and qure, whose `tc netem` makes the network bad: a guest in QEMU that joins two TAPs. peers.World has
our own bad network (wan.c), which needs no guest and writes the capture itself; this one is not ours.

    w = Netem(mtu=576)                       # Linux at w.net, qure as a process behind the guest
    w.tc('loss 5%', 'delay 20ms')            # towards qure, towards Linux; w.tc(both)
    get(w, 1 << 20); w.close(); judge(w)

SPDX-License-Identifier: MIT
"""
import os, re, subprocess
from initramfs import build
from peers import PLAIN, Near, PROGRAM, Scratch, World, making, need, running, site, time
from machine import B, GUEST, PLEN, Machine, Net, Qemu, end
from web import Tap

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(B, 'netem')

def made():
    if not os.path.exists(OUT + '/net.img'):
        def fill(root): root.put(HERE + '/between.init', '/init'); root.program('/sbin/tc')
        build(OUT, 'net.img', ['virtio_pci', 'virtio_net', 'sch_netem', 'bridge'], 'sh mount insmod ip usleep stty'.split(), [], fill)

class Between(Machine):
    """The guest. Its first card is on the TAP of `net`, its second on q1."""
    def __init__(self, net):
        super().__init__()
        card = lambda i, tap: ['-netdev', f'tap,id=n{i},ifname={tap},script=no,downscript=no', '-device', f'{PLAIN},netdev=n{i},mac=52:54:00:12:35:0{i},romfile=']
        self.start(['qemu-system-x86_64', '-nodefaults', '-no-reboot', '-display', 'none', '-accel', 'tcg', '-smp', '1', '-m', '160', '-serial', self.pts, '-kernel',
                    OUT + '/vmlinuz', '-initrd', OUT + '/net.img', '-append', 'console=ttyS0 quiet loglevel=0 mitigations=off nokaslr no_timer_check '
                    'lpj=4000000 random.trust_cpu=on i8042.noaux i8042.nokbd panic=-1 rdinit=/init'] + card(0, net.tap) + card(1, 'q1'), net)
        self.expect('net ready', 60)
    def say(self, line):
        self.send(line + '\n')
        at = self.seen
        need(self.expect(r'net said (\d+)', 20)[1] == '0', f'{line}: {self.text[-400:]}')
        return self.text[at:self.seen]
    def close(self): end(self.p)

class Netem:
    """kind: 'tap' qure-tap, 'qemu' the image."""
    def __init__(self, kind='tap', mtu=1500, sysctl=()):
        with making:
            made()
            self.net, self.dir = Net(), Scratch()
        self.pcap = self.dir / 'netem.pcap'
        sh = self.net.sh
        for s in sysctl: sh('sysctl', '-qw', s)
        sh('ip', 'link', 'set', self.net.tap, 'mtu', str(mtu))
        for tap in ('q0', 'q1'):
            sh('ip', 'tuntap', 'add', 'dev', tap, 'mode', 'tap')
        sh('ip', 'link', 'add', 'join', 'type', 'bridge')
        for dev in ('q0', 'q1', 'join'):
            if dev != 'join': sh('ip', 'link', 'set', dev, 'master', 'join')
            sh('sysctl', '-qw', f'net.ipv4.conf.{dev}.arp_ignore=8')
            sh('ip', 'link', 'set', dev, 'up')
        self.between = Between(self.net)
        running(self.net)
        self.capture = self.net.start('tcpdump', '-i', 'q0', '-B', '65536', '-s', '0', '-U', '-w', self.pcap, stderr=subprocess.DEVNULL)
        stop = time.monotonic() + 10
        while not (os.path.exists(self.pcap) and os.path.getsize(self.pcap)):
            need(time.monotonic() < stop, 'tcpdump does not begin')
            time.sleep(.02)
        near = Near(self.net, 'q0')
        if kind == 'tap': self.qure = Tap(near, site(), PROGRAM)
        else:
            self.qure = Qemu(net=near, nic=PLAIN, mem=64, volume=site())
            self.qure.expect(r'peer> ', 60)
        ping = sh('ping', '-c', '3', '-i', '.2', '-W', '2', GUEST, check=False)
        need(' 0% packet loss' in ping, ping)
    connect = World.connect
    def tc(self, towards_qure, towards_linux=None):
        """What netem does with what leaves by each card; '' nothing."""
        for card, how in (('eth1', towards_qure), ('eth0', towards_qure if towards_linux is None else towards_linux)):
            self.between.say(f'/sbin/tc qdisc replace dev {card} root netem limit 1000 {how}'.strip())
    def dropped(self):
        """Frames that netem lost so far: towards qure, towards Linux."""
        return [int(re.search(r'dropped (\d+)', self.between.say(f'/sbin/tc -s qdisc show dev {card}'))[1]) for card in ('eth1', 'eth0')]
    def close(self):
        self.qure.close()
        time.sleep(.1)
        end(self.capture)
        self.between.close()
