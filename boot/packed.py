#!/usr/bin/env python3
"""packed.py - packs texts by pairing, for include/packed.h to read.

The pair of neighbouring codes that occurs most often becomes a code of its own, until none occurs four times or the codes are used up
(P. Gage, 1994). Texts cost about half their length. Used by ksym.py (function names) and drops.py (drop reasons).

SPDX-License-Identifier: MIT
"""
from collections import Counter

FIRST, LITERALS = 0x80, range(0x20, 0x80)      # codes from 0x80 on, over 0xff to 0x1f, stand for pairs
CODES = [c for c in ((FIRST + i) & 0xff for i in range(160))]


def replace(codes, pair, code):
    i = 0
    while i < len(codes) - 1:
        if (codes[i], codes[i + 1]) == pair:
            codes[i:i + 2] = [code]
        i += 1


def pack(texts):
    """(head of the table, [the texts packed, each with its 0])"""
    split = [list(t.encode('ascii')) for t in texts]
    assert all(c in LITERALS for t in split for c in t)
    head = []
    for code in CODES:
        if code == 0:                           # ends a text: its pair is never used
            head += [0, 0]
            continue
        pairs = Counter(p for t in split for p in zip(t, t[1:]))
        pair, n = min(pairs.items(), key=lambda kv: (-kv[1], kv[0]), default=(None, 0))
        if n < 4:
            break
        head += pair
        for t in split:
            replace(t, pair, code)
    return [len(head) // 2] + head, [t + [0] for t in split]


def c_bytes(table, indent='        '):
    """Lines of at most 16 numbers."""
    return [indent + ', '.join(map(str, table[i:i + 16])) for i in range(0, len(table), 16)]
