#!/usr/bin/env python3
"""count.py - `make count` twice: the same instructions, by symbol too, and figures for a fresh connection and a kept one.

SPDX-License-Identifier: MIT
"""
import os, re, sys
from machine import B, TOP, done, run, test


def same_on_every_run():
    first, second = (run(sys.executable, 'hosttest/count/count.py', cwd=TOP, env=dict(os.environ, B=B), timeout=200) for _ in range(2))
    assert first == second, first + second
    rows = dict(re.findall(r'^count\.(\w+): (\d+) instructions', first, re.M))
    assert 0 < int(rows['kept']) < int(rows['fresh']), first


test('make count gives the same figures on every run', same_on_every_run)
done()
