#!/usr/bin/env python3
"""run.py GROUP PROGRAM... - runs test programs that print TAP (ok / not ok lines), shows what failed, and adds up.

A program that prints no test line, exits non-zero without a `not ok`, or outlives its time counts as one failure.
Totals go to $B/results/GROUP; `run.py total GROUP...` adds those up (a group without
a file is one failure) and prints the closing line `N passed, N failed`.
"""
import os, re, subprocess, sys, time

RESULTS = os.path.join(os.environ.get('B', 'build'), 'results')
LIMIT = {'unit': 300, 'fuzz': 900, 'e2e': 900}

def excerpt(lines, before=12, after=12, end=20):
    """Each `not ok` line with what was said around it, and the end: what failed may be a thousand lines before that."""
    bad = [i for i, l in enumerate(lines) if l.startswith('not ok')][:20]
    show = {j for i in bad for j in range(max(0, i - before), i + after + 1)} | set(range(len(lines) - (end if bad else 60), len(lines)))
    return [l for i, l in enumerate(lines) if i in show]

def run_one(group, prog):
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT='TAP', ASAN_OPTIONS='detect_leaks=1', UBSAN_OPTIONS='print_stacktrace=1')
    cmd = [sys.executable, prog] if prog.endswith('.py') else [prog]
    t0 = time.monotonic()
    try:
        p = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, timeout=LIMIT.get(group, 900))
        out, code = p.stdout.decode(errors='replace'), p.returncode
    except subprocess.TimeoutExpired as e:
        out, code = (e.stdout or b'').decode(errors='replace') + '\nran out of time', -1
    ok = len(re.findall(r'^ok\b(?!.*# SKIP)', out, re.M)); bad = len(re.findall(r'^not ok\b', out, re.M)); skip = len(re.findall(r'^ok\b.*# SKIP', out, re.M))
    if (code != 0 and not bad) or ok + bad + skip == 0:
        bad += 1
    print(f'{"ok  " if not bad else "FAIL"} {prog}: {ok} passed, {bad} failed{f", {skip} skipped" if skip else ""} ({time.monotonic() - t0:.1f} s)', flush=True)
    if bad:
        print('    ' + '\n    '.join(excerpt(out.splitlines())), flush=True)
    return ok, bad, skip

def main():
    if sys.argv[1] == 'total':
        rows = []
        for group in sys.argv[2:]:
            try:
                rows.append(list(map(int, open(os.path.join(RESULTS, group)).read().split())))
            except FileNotFoundError:
                print(f'FAIL {group}: it did not come to running its tests (see above)')
                rows.append([0, 1, 0])
        ok, bad, skip = (sum(c) for c in zip(*rows))
        print(f'{ok} passed, {bad} failed' + (f', {skip} skipped' if skip else ''))
        return 1 if bad or not ok else 0
    group, progs = sys.argv[1], sys.argv[2:]
    os.makedirs(RESULTS, exist_ok=True)
    sums = [0, 0, 0]
    for p in progs:
        sums = [a + b for a, b in zip(sums, run_one(group, p))]
    open(os.path.join(RESULTS, group), 'w').write('%d %d %d\n' % tuple(sums))
    return 1 if sums[1] else 0

sys.exit(main())
