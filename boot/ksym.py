#!/usr/bin/env python3
"""ksym.py NM_OUTPUT > ksym.S - packs the kernel's function names into the table that include/ksym.h describes.

Tokens are found by pairing: the pair of neighbouring pieces that occurs most often becomes a piece of its own, until
128 are used up. With ~1500 functions a name costs about half its length.

SPDX-License-Identifier: MIT
"""
import re
import sys
from collections import Counter

TOKENS = 128
NAME_MAX = 63


def functions(nm):
    """[(address, name)] in order of address, one name each, and the address of __text_start."""
    by_addr, start = {}, 0
    for line in nm:
        m = re.match(r'([0-9a-f]+) ([tTwW]) (\S+)$', line)
        if line.split()[-1:] == ['__text_start']:
            start = int(line.split()[0], 16)
        elif m and not m[3].startswith(('__text_', '.L')):
            name = m[3].split('.')[0][:NAME_MAX]
            key = (m[2] in 'tw', name)  # a global name rather than a local one
            addr = int(m[1], 16)
            by_addr[addr] = min(by_addr.get(addr, key), key)
    return sorted((a, k[1]) for a, k in by_addr.items()), start


def tokenize(names):
    """Splits every name into pieces; returns the split names and the pieces longer than a character."""
    split, made = [list(n) for n in names], []
    while len(made) < TOKENS:
        pairs = Counter(p for n in split for p in zip(n, n[1:]))
        if not pairs:
            break
        (a, b), n = min(pairs.items(), key=lambda kv: (-kv[1], kv[0]))
        if n < 4:
            break
        made.append(a + b)
        for s in split:
            i = 0
            while i < len(s) - 1:
                if s[i] == a and s[i + 1] == b:
                    s[i:i + 2] = [a + b]
                i += 1
    used = {p for s in split for p in s if len(p) > 1}
    return split, [t for t in made if t in used]


def varint(n):
    out = []
    while n > 0x7f:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    return out + [n]


def main():
    with open(sys.argv[1]) as f:
        funcs, last = functions(f)
    split, tokens = tokenize([n for _, n in funcs])
    code = {t: 0x80 + i for i, t in enumerate(tokens)}
    table = [len(tokens)]
    for t in tokens:
        table += list(t.encode()) + [0]
    for (addr, _), pieces in zip(funcs, split):
        table += varint(addr - last) + [code.get(p) or ord(p) for p in pieces] + [0]
        last = addr
    print('        .section .ksym, "a"')
    for i in range(0, len(table), 16):
        print('        .byte', ', '.join(map(str, table[i:i + 16])))
    print('        .section .note.GNU-stack, "", @progbits')


main()
