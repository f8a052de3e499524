#!/usr/bin/env python3
"""netem.py - TCP against Linux in both directions through a third kernel whose `tc netem` makes the network bad, transfers by SHA-256, every capture judged:
qure as a process on a TAP, and the image in QEMU. Needs root.

SPDX-License-Identifier: MIT
"""
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../peer'))
from machine import done, test
from peers import MIB, echo, get, judge, need, put
from between import Netem

NETWORKS = {                             # name: (netem each way, MiB)
    'clean': ('', 4), 'loss 1%': ('loss 1%', 2), 'loss 5%': ('loss 5%', 1), 'loss 10%': ('loss 10%', .5),
    'bursts of loss': ('loss gemodel 0.5% 50% 100% 0%', 1),
    'delay 10ms reorder 25% 50%': ('delay 10ms reorder 25% 50%', 2), 'delay 20ms 10ms distribution-free jitter': ('delay 20ms 10ms', 1),
    'duplicate 5%': ('duplicate 5%', 2), 'corrupt 1%': ('corrupt 1%', 2), 'delay 100ms': ('delay 100ms', 2), 'rate 1mbit': ('rate 1mbit', .25),
    'all at once': ('delay 10ms 5ms loss 2% duplicate 3% corrupt 1% reorder 10%', .5),
}

def transfers(w, n, loses):
    for fn in (get, echo, put): fn(w, int(n))
    lost = w.dropped()
    need(all(lost) if loses else not any(lost), f'netem lost {lost[0]} frames towards qure and {lost[1]} towards Linux')

def judged(w):
    w.close()
    judge(w)

def all_ways(what, how, n, **world):
    w = Netem(**world)
    try:
        w.tc(how)
        if test(f'{what}: download, echo and upload of {int(n) >> 10} KiB', transfers, w, n, 'loss' in how): test(f'{what}: the capture', judged, w)
    finally: w.close()

def main():
    for name, (how, mib) in NETWORKS.items(): all_ways(name, how, mib * MIB)
    for mtu in (576, 296): all_ways(f'loss 1%, MTU {mtu}', 'loss 1%', MIB / 2, mtu=mtu)
    all_ways('delay 10ms loss 1%, the image', 'delay 10ms loss 1%', MIB, kind='qemu')

main()
done()
