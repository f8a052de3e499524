#!/usr/bin/env python3
"""ksym.py NM_OUTPUT > ksym.S - packs the kernel's function names into the table that include/ksym.h describes.

SPDX-License-Identifier: MIT
"""
import re
import sys

from packed import c_bytes, pack

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


def varint(n):
    out = []
    while n > 0x7f:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    return out + [n]


def main():
    with open(sys.argv[1]) as f:
        funcs, last = functions(f)
    table, names = pack([n for _, n in funcs])
    for (addr, _), name in zip(funcs, names):
        table += varint(addr - last) + name
        last = addr
    print('        .section .ksym, "a"')
    for line in c_bytes(table, ''):
        print('        .byte', line)
    print('        .section .note.GNU-stack, "", @progbits')


main()
