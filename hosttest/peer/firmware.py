"""firmware.py - a machine whose firmware has a TCP of its own and boots over the network from the image's web server; wan.c between the two.

    w = Boots('ipxe.pcap', {'boot.ipxe': '...'}, 'dhcp-boot=http://10.9.0.2/boot.ipxe')
    w.peer = Firmware(w, '-boot', 'n'); w.peer.expect('next'); w.wan(loss=2); w.peer.step()

The machine gets HOST by DHCP (dnsmasq), this machine is US; both are on tap0. SPDX-License-Identifier: MIT
"""
import mmap, os, re
from foreign import Foreign
from machine import B, TOP, Machine, Qemu, end
from peers import CONF, FILE, GUEST, HOST, MIB, PLEN, need, site, volume_with

# what the machine meets, one after another, each with a file of its own: what was fetched before is still in its memory
NETWORKS = {'clean': {}, 'loss 2 %': dict(loss=2), 'reorder 20 %, delay 5 ms': dict(reorder=20, delay=5), 'duplicate 5 %, corrupt 1 %': dict(dup=5, corrupt=1),
            'rate 2 Mbit/s': dict(rate=2e6, queue=40)}
FILES = {f'{i}.bin': FILE[i * MIB:][:n] for i, n in enumerate((MIB, MIB, MIB // 2, MIB // 2, MIB // 4))}
KERNEL = {}
for name in ('qure.elf', 'qure.img'):
    with open(os.path.join(B, name), 'rb') as f: KERNEL[name] = f.read()
with open(os.path.join(TOP, 'boot/volume/www/index.html'), 'rb') as f: PAGE = f.read()

US, MEM = '10.9.0.3', 256

def told(after):
    """The indented lines that follow these words in doc/boot.md, which says how a machine boots so; the address there is qure's here."""
    with open(os.path.join(TOP, 'doc/boot.md')) as f: text = f.read().replace('192.0.2.10', GUEST)
    return [line.strip() for line in re.search(r'\n\n((?:    .*\n)+)', text[text.index(after):])[1].splitlines()]

class Boots(Foreign):
    """`files`: on its site, beside FILES and KERNEL."""
    def __init__(self, pcap, files, *dhcp):
        super().__init__(pcap, addr=f'{US}/{PLEN}')
        self.begin(self.kernel_end(self.net.tap))
        self.net.sh('sysctl', '-qw', f'net.ipv4.conf.{self.net.tap}.arp_ignore=1')
        self.image(volume=volume_with({'qure.conf': CONF, **{f'www/{name}': data for name, data in {**FILES, **KERNEL, **files}.items()}}, base=site()))
        self.wan(seed=1)
        conf = self.dir / 'dnsmasq.conf'
        with open(conf, 'w') as f: f.write('\n'.join((f'interface={self.net.tap}', 'bind-interfaces', 'port=0', 'no-ping', f'dhcp-range={HOST},{HOST},1h',
                                                      f'dhcp-leasefile={self.dir / "leases"}', *dhcp, '')))
        self.net.start('dnsmasq', '-k', '-C', conf)
    def close(self):
        self.peer.close()
        super().close()

class Firmware(Machine):
    def __init__(self, world, *options, arch='i386', card='virtio-net-pci'):
        super().__init__()
        self.world = world
        self.qmp_path = self.dir / 'qmp'
        self.start([f'qemu-system-{arch}', '-nodefaults', '-no-reboot', '-display', 'none', '-accel', 'tcg', '-m', str(MEM), '-serial', self.pts,
                    '-qmp', f'unix:{self.qmp_path},server=on,wait=off', '-netdev', f'tap,id=n0,ifname={world.net.tap},script=no,downscript=no',
                    '-device', f'{card},netdev=n0,mac=52:54:00:12:34:60', *options], world.net)
    qmp = Qemu.qmp
    def goes_on(self, word, sign):
        """Its script, which has stopped, is told to go on. With a sign that it does, the word is repeated until then: some firmware takes keys away from
        what it has started."""
        for _ in range(30):
            self.send(word + '\r')
            try: return sign and self.expect(sign, 1)
            except AssertionError: pass
        raise AssertionError(f'it does not go on after {word!r}')
    def step(self, word='', sign=None, timeout=100):
        """From one "next" of its script to the following one; what it says there."""
        start = self.seen
        self.goes_on(word, sign)
        self.expect('next', timeout)
        return self.text[start:self.seen]
    def serves(self, page, word='', sign=None):
        """It goes on, and becomes a qure that has this page."""
        self.goes_on(word, sign)
        self.expect('booted from Multiboot', 60)
        self.expect(r'\n[\w.-]+> ')
        self.expect(rf'eth0: {HOST}/', 30)
        got = self.world.net.curl(f'http://{HOST}/')
        need(got == page, got[:200])
    def holds(self, data):
        """The machine's memory has these bytes in one piece."""
        path = self.dir / 'memory'
        self.qmp('pmemsave', val=0, size=MEM * MIB, filename=path)
        with open(path, 'rb') as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
            need(m.find(data) >= 0, f'its memory does not hold the {len(data)} bytes')
    def close(self): end(self.p)
