#!/usr/bin/env python3
"""idle.py - 100,000 idle connections in a guest of 64 MB, opened from several addresses, while the page is still served.

SPDX-License-Identifier: MIT
"""
import ctypes, json, os, resource, select, signal, socket, time
from machine import GUEST, Net, Qemu, done, test, volume_with

WANTED, WITHIN = 100000, 150


def hold(addr, n, report):
    """In a process of its own: opens n connections from addr, tells how many there are, and holds them."""
    ep, live, waiting, begun, failed, start = select.epoll(), {}, set(), 0, 0, time.monotonic()
    while (begun < n or waiting) and time.monotonic() - start < WITHIN:
        while begun < n and len(waiting) < 60:
            s = socket.socket()
            s.setblocking(False)
            s.bind((addr, 2000 + begun))
            s.connect_ex((GUEST, 80))
            ep.register(s, select.EPOLLOUT)
            waiting.add(s.fileno())
            live[s.fileno()] = s
            begun += 1
        for fd, _ in ep.poll(2):
            ep.unregister(fd)
            waiting.discard(fd)
            failed += bool(live[fd].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    os.write(report, f'{begun - len(waiting) - failed}\n'.encode())
    signal.pause()


def hundred_thousand():
    each = min(20000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]) - 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (each + 200, each + 200))
    holders = -(-WANTED // each)
    net = Net()
    for i in range(holders):
        net.sh('ip', 'addr', 'add', f'10.9.0.{101 + i}/24', 'dev', net.tap)
    conf = f'interface eth0 address {GUEST}/24\nlisten http 80\nsite default /www\n'
    vm = Qemu(net=net, mem=64, img=volume_with({'qure.conf': conf}))
    vm.expect('Type help', 60)
    children = []
    try:
        for i in range(holders):
            r, w = os.pipe()
            pid = os.fork()
            if not pid:
                there = os.open('/var/run/netns/' + net.name, os.O_RDONLY)
                ctypes.CDLL(None).setns(there, 0x40000000)
                try:
                    hold(f'10.9.0.{101 + i}', min(each, WANTED - i * each), w)
                finally:
                    os._exit(0)
            os.close(w)
            children.append((pid, r))
        opened = sum(int(os.read(r, 100) or 0) for _, r in children)
        page = net.curl(f'http://{GUEST}/status.json')
        now = json.loads(page)
        print(f"# {opened} opened, {now['connections']} held, {now['mem_free_kb']} KiB of {now['mem_total_kb']} free")
        assert opened == WANTED and now['connections'] >= WANTED, (opened, now)
    finally:
        for pid, _ in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


test('a_hundred_thousand_idle_connections_in_64_mb', hundred_thousand)
done()
