#!/usr/bin/env python3
"""fuzz.py SECONDS FUZZER... - runs each libFuzzer program for its share of SECONDS on its kept corpus, two at a time.

New inputs go to $B/fuzz-corpus/NAME (kept out of the tree); NAME-asm has the corpus of NAME; a crash leaves its input in $B/fuzz-crash and is one failure.
"""
import os, subprocess, sys
from concurrent.futures import ThreadPoolExecutor

B = os.environ.get('B', 'build')
HERE = os.path.dirname(os.path.abspath(__file__))

def one(prog, seconds):
    name = os.path.basename(prog)
    grown, kept, crash = os.path.join(B, 'fuzz-corpus', name), os.path.join(HERE, 'corpus', name.removesuffix('-asm')), os.path.join(B, 'fuzz-crash', '')
    os.makedirs(grown, exist_ok=True); os.makedirs(crash, exist_ok=True)
    cmd = [prog, f'-max_total_time={seconds}', '-rss_limit_mb=2048', '-timeout=20', '-print_final_stats=1', f'-artifact_prefix={crash}{name}-', grown] + ([kept] if os.path.isdir(kept) else [])
    if name.endswith('-asm'):
        cmd.append('-reduce_inputs=0')  # it shows no coverage: what is shorter is not the same
    if os.environ.get('FAST'):
        cmd.append('-entropic=0')
    p = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    out = p.stdout.decode(errors='replace')
    stat = dict(l[6:].split(':') for l in out.splitlines() if l.startswith('stat::'))
    if p.returncode == 0:
        packets = f', {stat["packets"].strip()} packets,' if 'packets' in stat else ''
        print(f'ok - fuzz {name}: {stat.get("number_of_executed_units", "?").strip()} inputs{packets} in {seconds} s', flush=True)
        return True
    print(f'not ok - fuzz {name}\n    ' + '\n    '.join(out.splitlines()[-50:]), flush=True)
    return False

def main():
    total, progs = int(sys.argv[1]), sys.argv[2:]
    share = max(2, total * 2 // max(1, len(progs)))
    with ThreadPoolExecutor(2) as pool:
        good = list(pool.map(lambda p: one(p, share), progs))
    results = os.path.join(B, 'results'); os.makedirs(results, exist_ok=True)
    open(os.path.join(results, 'fuzz'), 'w').write(f'{sum(good)} {len(good) - sum(good)} 0\n')
    return 0 if all(good) else 1

sys.exit(main())
