#!/usr/bin/env python3
"""count.py - `make count`: boots build/qure-count.img in Bochs, steps through each exchange with the debugger's trace, and prints the
guest instructions from frame received to frame handed over, in all and by symbol. Nothing in it depends on the host's clock.

usage: count.py [--top N]     N symbols a row, default 12
"""
import collections, os, re, subprocess, sys, tempfile

B = os.environ.get('B', 'build')
ROWS = ['fresh.syn', 'fresh.ack', 'fresh.get', 'kept.get']
WHAT = {'fresh.syn': 'SYN in, SYN,ACK out', 'fresh.ack': 'ACK that opens', 'fresh.get': 'first GET, 1 KiB answered', 'kept.get': 'next GET on the same connection'}

def run(tmp):
    with open(f'{tmp}/bochsrc', 'w') as f:
        f.write(f'''megs: 16
floppya: 1_44={B}/qure-count.img, status=inserted
boot: floppy
display_library: term
com1: enabled=1, mode=file, dev={tmp}/serial
clock: sync=none, time0=1000000000
cpu: model=pentium, ips=2000000, reset_on_triple_fault=0
log: {tmp}/log
panic: action=fatal
error: action=report
''')
    with open(f'{tmp}/syms', 'w') as f:
        for l in open(f'{B}/qure-count.nm'):
            a, t, n = l.split()
            if t in 'Tt' and not n.startswith('.'): f.write(f'{a} {n}\n')
    with open(f'{tmp}/rc', 'w') as f:
        f.write(f'ldsym global "{tmp}/syms"\nb "count_begin"\nb "count_end"\n')
        for _ in ROWS: f.write('c\ntrace on\nc\ntrace off\n')
        f.write('q\n')
    p = subprocess.run(['timeout', '-s', 'KILL', '120', 'bochs-bin', '-q', '-unlock', '-f', f'{tmp}/bochsrc', '-rc', f'{tmp}/rc'], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, TERM='dumb'))
    return p.stdout.decode(errors='replace'), open(f'{tmp}/serial', errors='replace').read()

def split(text):
    """The traced instructions of each row, as counters by symbol."""
    rows, now, tracing = [], None, False
    for l in text.splitlines():
        if 'Tracing enabled' in l: now, tracing = collections.Counter(), True
        elif 'Tracing disabled' in l and tracing: rows.append(now); tracing = False
        elif tracing and (m := re.match(r'\(0\)\.\[\d+\].*?\(([^()]*)\)', l)): now[re.sub(r'\+[0-9a-f]+$', '', m[1])] += 1
    return rows

def main():
    top = int(sys.argv[sys.argv.index('--top') + 1]) if '--top' in sys.argv else 12
    with tempfile.TemporaryDirectory() as tmp:
        text, serial = run(tmp)
    rows = split(text)
    if len(rows) != len(ROWS) or not all(rows):
        print(serial[-1500:]); print(text[-1500:])
        sys.exit(f'count.py: {len(rows)} of {len(ROWS)} exchanges were counted')
    for name, c in zip(ROWS, rows):
        for mark in ('count_begin', 'count_end', 'feed'): c.pop(mark, None)
        print(f'count.{name}: {sum(c.values())} instructions ({WHAT[name]})')
        for sym, n in c.most_common(top): print(f'    {n:6} {sym}')
    print(f'count.fresh: {sum(sum(c.values()) for c in rows[:3])} instructions (one GET on a fresh connection)')
    print(f'count.kept: {sum(rows[3].values())} instructions (one GET on a kept connection)')

main()
