#!/usr/bin/env python3
"""gvisor.py - the image against gVisor's TCP (Debian's runsc: SACK, RACK, timestamps, Reno or CUBIC; what many containers run on), over a bad network.
gVisor opens to the image and the image to it. Transfers by SHA-256, both windows shut, every order of closing, capture judged. Needs root.

SPDX-License-Identifier: MIT
"""
import json, os, select, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../peer'))
from machine import TOP, done, test
from peers import *
from peers import _cleanup
from foreign import Foreign
from relays import all_over, relays_conf

class Gvisor(Foreign):
    """A sandbox of gVisor on tap0."""
    def __init__(self, **how):
        super().__init__('gvisor.pcap', addr=f'{HOST}/{PLEN}')
        self.begin(open_tap(self.net, self.net.tap))
        running(self.net)
        self.said = b''
        self.start()
        word, *ports = self.hears(30).split()
        need(word == 'ready', word)
        ports = dict(p.split('=') for p in ports)
        self.data_ports = ports.values()
        self.image(relays_conf(ports))
        self.wan(seed=1, **how)
    def start(self):
        """within.py in a sandbox. Its root is this machine's, read only; it takes tap0's address. runsc believes itself outside of any namespace when it
        sees a setting that kernels before 6.14 did not show inside."""
        os.mkdir(self.dir / 'bundle')
        spaces = [{'type': t} for t in ('pid', 'ipc', 'uts', 'mount')] + [{'type': 'network', 'path': '/var/run/netns/' + self.net.name}]
        args = [sys.executable, os.path.join(TOP, 'hosttest/peer/within.py')]
        with open(self.dir / 'bundle/config.json', 'w') as f:
            json.dump({'ociVersion': '1.0.0', 'root': {'path': '/', 'readonly': True}, 'linux': {'namespaces': spaces}, 'mounts': [{'destination': '/proc', 'type': 'proc'}],
                       'process': {'user': {'uid': 0, 'gid': 0}, 'args': args, 'env': ['PATH=/usr/bin:/bin'], 'cwd': '/'}}, f)
        runsc = ['runsc', f'--root={self.dir / "state"}', '--ignore-cgroups', '--network=sandbox', '--gso=false', '--rx-checksum-offload=false']
        self.runsc = subprocess.Popen(['unshare', '-m', 'sh', '-c', 'mount -t tmpfs none /proc/sys/net && exec "$@"', 'sh', *runsc, 'run', '-bundle', self.dir / 'bundle', 'peer'],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        def stop():
            run(*runsc, 'kill', 'peer', 'KILL', check=False)
            end(self.runsc)
            run(*runsc, 'delete', '-force', 'peer', check=False)
        _cleanup.append(stop)
    def hears(self, timeout):
        while b'\n' not in self.said:
            need(select.select([self.runsc.stdout], [], [], timeout)[0], f'the sandbox says nothing within {timeout} s')
            data = os.read(self.runsc.stdout.fileno(), 4096)
            need(data, 'the sandbox ended')
            self.said += data
        line, self.said = self.said.split(b'\n', 1)
        return line.decode()
    def do(self, *lines):
        for line in lines:
            self.runsc.stdin.write(line.encode() + b'\n'); self.runsc.stdin.flush()
            said = self.hears(150)
            need(said == 'ok', f'{line}: {said}')
    def close(self):
        self.runsc.stdin.close()
        self.runsc.wait(10)
        super().close()

for name, how, n in (('clean', {}, 8 * MIB), ('loss 2 %', dict(loss=2), MIB), ('reorder 20 %, delay 5 ms', dict(reorder=20, delay=5), MIB),
                     ('duplicate 5 %, corrupt 1 %', dict(dup=5, corrupt=1), MIB), ('rate 2 Mbit/s', dict(rate=2e6, queue=40), MIB // 2)):
    w = Gvisor(**how)
    test(f'{name}: gVisor opens: download, echo and upload', w.do, f'get {n}', f'echo {n}', f'put {n}')
    test(f'{name}: the image opens: download and upload', w.do, f'fetch {n}', f'give {n}')
    if not how:
        test(f'{name}: a slow reader', w.do, 'a_slow_reader')
        test(f'{name}: an echo that nobody reads', w.do, 'an_echo_unread')
        test(f'{name}: forty connections at once', w.do, 'forty_at_once')
        test(f'{name}: orders of closing, and nothing is left', lambda: (w.do('closings'), all_over(w)))
    w.close()
    test(f'{name}: the capture', judge, w)
done()
