#!/usr/bin/env python3
"""run.py [soak] - the simulator for `make test`: seeds with the objects that the kernel uses, the first of them again, and some with
sanitized C twins. All runs of a seed must send the same frames at the same times. `soak`: many more seeds, and gigabytes."""
import os, re, subprocess, sys

B = os.environ.get('B', 'build')
SEEDS, SANITIZED = 60, 12                       # the sanitized build is several times slower
BIG = ['--nodes', 20, '--conns', 40, '--bytes', 20000000, '--span', 20000, '--plain', 1, '--slow', 0, '--pressure', 0]
FEW = ['--nodes', 6, '--conns', 300]            # the same pairs again and again: Fast Open cookies, TIME_WAIT, ports
CLUSTER = ['--cluster', 5, '--nodes', 40, '--conns', 600]  # a front and four nodes, connections moved between them
n = bad = content = moves = 0

def tap(good, name):
    global n, bad
    n += 1; bad += not good
    print(f'{"ok" if good else "not ok"} {n} - {name}', flush=True)

def run(prog, *args):
    """{seed: hash}; everything said is printed, verdicts as ours."""
    global content, moves
    p = subprocess.Popen([os.path.join(B, prog), *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    hashes = {}
    for line in p.stdout:
        verdict, hashed = re.match(r'(ok|not ok) - (.*)', line), re.match(r'# hash (\d+) (\w+)', line)
        if verdict:
            tap(verdict[1] == 'ok', f'{prog} {verdict[2]}')
        elif hashed:
            hashes[hashed[1]] = hashed[2]
        else:
            print(line.rstrip() if line.startswith('#') else '# ' + line.rstrip())
        moves += int((re.search(r'# (\d+) moves done', line) or [0, 0])[1])
        content += float((re.search(r'([\d.]+) MB of content', line) or [0, 0])[1])
    if p.wait() not in (0, 1):
        tap(False, f'{prog} ends by itself (status {p.returncode})')
    return hashes

def test():
    first = run('qure-sim', *range(1, SEEDS + 1))
    again = run('qure-sim', *range(1, 4))
    slow = run('qure-sim-san', *range(1, SANITIZED + 1))
    run('qure-sim', *BIG, 1000)
    run('qure-sim', *FEW, *range(3000, 3030))
    moved = run('qure-sim', *CLUSTER, *range(5000, 5030))
    tap(moves > 8000, f'{moves} connections moved')
    again = {**again, **run('qure-sim', *CLUSTER, 5000)}
    slow.update(run('qure-sim-san', *CLUSTER, 5000, 5001))
    first.update(moved)
    tap(len(first) == SEEDS + 30 and len(again) == 4 and all(first[s] == h for s, h in again.items()), 'a seed gives the same frames at the same times')
    tap(len(slow) == SANITIZED + 2 and all(first[s] == h for s, h in slow.items()), 'C twins and assembly send the same frames at the same times')

def soak():
    run('qure-sim', *range(1000, 1400))
    run('qure-sim', *FEW, *range(4000, 4400))
    run('qure-sim', *BIG, '--nodes', 40, '--conns', 400, *range(2000, 2020)) # 64 connections a node are enough for twice their share
    run('qure-sim', *CLUSTER, *range(6000, 6400))
    print(f'# {moves} connections moved, {content / 1000:.1f} GB of content compared')

soak() if sys.argv[1:] == ['soak'] else test()
print(f'1..{n}')
sys.exit(bad != 0)
