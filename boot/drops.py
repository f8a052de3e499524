#!/usr/bin/env python3
"""drops.py DROP_H > drop_words.h - the names and explanations of drop.h's list, packed for net/drop.c.

Names are packed in small letters, in which the explanations have much in common with them.

SPDX-License-Identifier: MIT
"""
import re
import sys

from packed import c_bytes, pack

TEXT_MAX = 95                                   # DROP_TEXT_MAX without the 0

with open(sys.argv[1]) as f:
    reasons = re.findall(r'X\((\w+),\s*"([^"]*)"\)', f.read())
assert all(len(t) <= TEXT_MAX for r in reasons for t in r), 'an explanation is longer than DROP_TEXT_MAX'
head, texts = pack([t for name, text in reasons for t in (name.lower(), text)])
table = head + [b for t in texts for b in t]
faults = [0] * ((len(reasons) + 7) // 8)
for i, (_, text) in enumerate(reasons):
    faults[i // 8] |= (not text.endswith('(not a fault)')) << i % 8
print('/* made from drop.h by boot/drops.py */')
print(f'enum {{ WORDS = {len(reasons)} }};')
print('static const u8 words[] = {', *(line + ',' for line in c_bytes(table)), '};', sep='\n')
print('static const u8 faults[] = {', *(line + ',' for line in c_bytes(faults)), '};', sep='\n')
