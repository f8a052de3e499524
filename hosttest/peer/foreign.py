"""foreign.py - where a TCP that is not this machine's kernel's meets the image: a namespace with tap0 for the peer and q0 for qure, and wan.c between.

    f = Foreign('lwip.pcap'); tap = open_tap(f.net, f.net.tap)
    f.begin(f.kernel_end(f.net.tap))         # whoever owns the peer's TAP; or begin(tap), for a peer with a packet socket on it
    f.image(conf); f.wan(seed=1, loss=2); ...; f.close(); judge(f)

SPDX-License-Identifier: MIT
"""
import os, socket, subprocess
from peers import B, CONF, MIB, PLAIN, Near, Net, Qemu, Scratch, World, _cleanup, end, making, site, volume_with

class Foreign:
    def __init__(self, pcap, addr=None):
        with making: self.net, self.dir = Net(addr=addr), Scratch()
        self.pcap = self.dir / pcap
        self.net.sh('ip', 'tuntap', 'add', 'dev', 'q0', 'mode', 'tap')
        self.net.sh('ip', 'link', 'set', 'q0', 'up', 'txqueuelen', '1000')
    def kernel_end(self, name):
        """The kernel's side of a TAP: frames that its owner sends, and only those."""
        self.net.sh('sysctl', '-qw', f'net.ipv4.conf.{name}.arp_ignore=8')
        s = self.net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.setsockopt(263, 23, 1)                    # PACKET_IGNORE_OUTGOING
        s.setsockopt(socket.SOL_SOCKET, 33, 8 * MIB)
        s.bind((name, 3)); s.setblocking(False)
        return s.detach()
    def begin(self, peer_end):
        """The network between, from now on."""
        ends = [peer_end, self.kernel_end('q0')]
        self.p = subprocess.Popen([os.path.join(B, 'qure-wan'), *map(str, ends), self.pcap], pass_fds=ends, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        _cleanup.append(lambda: end(self.p))
        for fd in ends: os.close(fd)
    wan = World.wan
    def image(self, conf='', volume=None):
        """The image at q0, with these lines in its qure.conf beside the usual ones."""
        self.qure = Qemu(net=Near(self.net, 'q0'), nic=PLAIN, mem=64, volume=volume or volume_with({'qure.conf': CONF + conf}, base=site()))
        self.qure.expect(r'peer> ', 60)
    close = World.close
