#!/usr/bin/env python3
"""run.py - long transfers: MIB (1,024) mebibytes each way by SHA-256 over loss, reordering and duplicates, to qure as a process and to the
image in QEMU with 64 MB and with 8 MB; buffers and connections must come back. MINUTES=20 bounds it. Needs root.

SPDX-License-Identifier: MIT
"""
import os, re, sys, threading, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../peer'))
from peers import *
from machine import done, test

AMOUNT, END = int(os.environ.get('MIB', '1024')) * MIB, time.monotonic() + 60 * float(os.environ.get('MINUTES', '20'))

def free_buffers(w): return int(re.search(r'packet buffers: (\d+) of (\d+) free', w.qure.command('mem'))[1])

def by_parts(w, fn, n, step):
    """fn(w, step) until n bytes are moved or the time is over; bytes moved."""
    moved = 0
    while moved < n and time.monotonic() < END:
        fn(w, step)
        moved += step
    return moved

def both_ways(name, amount, how, **world):
    w = World(capture=False, **world)
    before = free_buffers(w)
    w.wan(**how)
    def go():
        moved, start, broken = {}, time.monotonic(), []
        def worker(fn, step):
            try: moved[fn.__name__] = by_parts(w, fn, amount, step)
            except Exception as e: broken.append(f'{fn.__name__}: {e!r}')
        threads = [threading.Thread(target=worker, args=a) for a in ((get, 8 * MIB), (echo, min(amount, 256 * MIB)))]
        for t in threads: t.start()
        while any(t.is_alive() for t in threads):
            w.qure.pump(.5)
            need(w.qure.p.poll() is None, 'qure is gone: ' + w.qure.text[-1500:])
        took = time.monotonic() - start
        print(f'# {name}: ' + ', '.join(f'{k} {v >> 20} MiB' for k, v in moved.items()) + f' in {took:.0f} s', flush=True)
        need(not broken, '; '.join(broken) + w.qure.text[-500:])
    def nothing_lost():
        stop = time.monotonic() + 60
        while free_buffers(w) < before - 4:
            need(time.monotonic() < stop, f'{before} buffers free before, {free_buffers(w)} after')
            time.sleep(1)
    test(f'{name}: {amount >> 20} MiB of files, and as much through echo at the same time', go)
    test(f'{name}: every buffer is free again', nothing_lost)
    w.close()

if __name__ == '__main__':
    if os.geteuid():
        print('ok 1 - long transfers # SKIP needs root'); print('1..1'); sys.exit(0)
    both_ways('process, loss 0.5 %', AMOUNT, dict(loss=.5))
    both_ways('process with sanitizers, everything', AMOUNT // 8, dict(loss=1, delay=2, reorder=10, dup=2, corrupt=.5), program='qure-tap-san')
    both_ways('image, 64 MB, loss 0.5 %', AMOUNT // 4, dict(loss=.5))
    both_ways('image, 48 MB, e1000, everything', AMOUNT // 16, dict(loss=1, delay=2, reorder=10, dup=2, corrupt=.5), nic='e1000', mem=48)
    done()
