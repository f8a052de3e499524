#!/usr/bin/env python3
"""within.py - the half of a foreign peer's test that runs inside that peer, on its TCP: transfers of peers.py and relays.py, one a line of standard input.
Says "ready" with the ports of its servers, then for each line "ok", or what was wrong.

SPDX-License-Identifier: MIT
"""
import os, socket, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from peers import GUEST, HOST, cubic, echo, get, put
from relays import Here, a_slow_reader, an_echo_unread, closings, fetch, forty_at_once, give

class Within:
    def connect(self, port, timeout=60):
        s = socket.socket()
        s.settimeout(timeout)
        cubic(s)
        s.connect((GUEST, port))
        return s

here, w = Here(at=HOST), Within()
print('ready', *(f'{name}={port}' for name, port in here.ports.items()), flush=True)
for line in sys.stdin:
    name, *numbers = line.split()
    try: {f.__name__: f for f in (get, echo, put, fetch, give, a_slow_reader, an_echo_unread, closings, forty_at_once)}[name](w, *map(int, numbers))
    except Exception as e: print(repr(e), flush=True)
    else: print('ok', flush=True)
