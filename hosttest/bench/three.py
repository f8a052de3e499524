#!/usr/bin/env python3
"""three.py - requests/s of three kernels in QEMU, a front and two nodes: the front relays, and hands over, in turns in the same run.

Prints `name: value unit`. All four machines share this computer's processors, so that what the nodes do slows the front, too: the gain is
less than with a processor for each. `front_gain_*` of make bench-front counts the front's part alone. Needs root (namespace, TAPs).

SPDX-License-Identifier: MIT
"""
import os, re, statistics, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'e2e'))
from machine import HOST, PLEN, Net, Qemu, volume_with

RUNS, SECONDS = int(os.environ.get('RUNS', 3)), int(os.environ.get('SECONDS', 5))
FRONT, NODES, V = '10.9.0.2', ('10.9.0.3', '10.9.0.4'), '10.9.0.80'
WAYS, KIB = ('relay', 'handoff'), (1, 16, 64)
TO = {'relay': FRONT, 'handoff': V}     # a port of the client that was handed over is an ended connection's flow for a minute
SECRET = '8f31c0de4b7a5920d3e6f1a2b4c5d6e7'


class Port:
    """A TAP of the bridge, for those who take a Net."""
    def __init__(self, net, tap): self.net, self.tap = net, tap
    def cmd(self, *c): return self.net.cmd(*c)


def volume(addr):
    lines = [f'interface eth0 address {addr}/{PLEN}', 'site default /www', 'listen http 80', 'cluster name lab', f'cluster secret {SECRET}']
    if addr == FRONT: lines.insert(1, f'interface eth0 address {V}/{PLEN}')
    lines += [f'service address {V}'] + [f'cluster node {a}' for a in (FRONT, *NODES) if a != addr]
    if addr == FRONT:
        lines += [f'backend relay relay {" ".join(a + ":80" for a in NODES)}', f'backend handoff handoff {" ".join(NODES)}',
                  *(f'rule {w} path /{w}' for w in WAYS)]
    files = {f'www/{w}/{k}': b'x' * (k << 10) for w in WAYS for k in KIB} if addr != FRONT else {}
    return volume_with({'qure.conf': '\n'.join(lines) + '\n', **files})


def machines():
    """The front has memory for as many flow entries as connections end within the minute that a node's TIME_WAIT keeps them."""
    net = Net(addr=None)
    net.sh('ip', 'link', 'add', 'br0', 'type', 'bridge')
    net.sh('ip', 'addr', 'add', f'{HOST}/{PLEN}', 'dev', 'br0')
    net.sh('ip', 'link', 'set', 'br0', 'up')
    net.sh('sysctl', '-qw', 'net.ipv4.ip_local_port_range=1024 65535', check=False)
    vms = []
    for i, addr in enumerate((FRONT, *NODES)):
        if i: net.sh('ip', 'tuntap', 'add', 'dev', f'tap{i}', 'mode', 'tap')
        net.sh('ip', 'link', 'set', f'tap{i}', 'master', 'br0', 'up')
        vms.append(Qemu(net=Port(net, f'tap{i}'), mem=32 if i else 512, volume=volume(addr), mac=f'52:54:00:12:34:7{i}'))
        vms[-1].expect('Type help')
    time.sleep(5)       # the addresses are probed for beside service
    return net, vms


def rate(net, url, close):
    o = subprocess.run(net.cmd('wrk', '-t1', '-c16', f'-d{SECONDS}s', '--timeout', '2s', *(['-H', 'Connection: close'] if close else []), f'http://{url}'),
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    bad = sum(map(int, re.findall(r'(?:connect|read|write|timeout|responses:) (\d+)', o)))
    m = re.search(r'Requests/sec:\s+([\d.]+)', o)
    if not m or bad > 20: print(f'# {url}: {bad} errors', flush=True)
    return float(m[1]) if m else 0.0


def main():
    if os.geteuid(): sys.exit('three.py: needs root (it makes a network namespace and TAPs)')
    net, vms = machines()
    for kib in KIB:
        for close in (True, False):
            rps = {w: [] for w in WAYS}
            for _ in range(RUNS):
                for w in WAYS: rps[w].append(rate(net, f'{TO[w]}/{w}/{kib}', close))
            name = f'{kib}k_{"connection_each" if close else "kept"}'
            for w in WAYS: print(f'three.{w}_{name}: {statistics.median(rps[w]):.0f} req/s', flush=True)
            relay, handed = (statistics.median(rps[w]) for w in WAYS)
            if relay: print(f'three.gain_{name}: {handed / relay:.2f} times', flush=True)


main()
