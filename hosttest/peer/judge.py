"""judge.py - who reads a capture: what the segments of qure show of RFC 9293 and its companions. It says only what cannot be otherwise: a capture
shows what was on its way to qure before it shows what qure did, so what qure could not know yet is never held against it.

SPDX-License-Identifier: MIT
"""
import bisect, os, socket, struct, subprocess, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../e2e'))
from machine import GUEST

FIN, SYN, RST, PSH, ACK, ECE, CWR = 1, 2, 4, 8, 16, 64, 128

def need(ok, text='it is not so'):
    if not ok: raise AssertionError(text)

def sum16(b):
    s = sum(struct.unpack(f'!{len(b) // 2}H', b[:len(b) & ~1])) + (b[-1] << 8 if len(b) & 1 else 0)
    while s >> 16: s = (s & 0xffff) + (s >> 16)
    return s

class Number(int):
    """Of a frame; it knows when that was captured."""
    def __new__(cls, number, ms):
        n = super().__new__(cls, number)
        n.ms = ms
        return n

def frames(path):
    """(number, frame) of a capture."""
    with open(path, 'rb') as f: data = f.read()
    at, number = 24, 0
    while at + 16 <= len(data):
        s, us, n = struct.unpack_from('<III', data, at)
        number += 1
        yield Number(number, s * 1000 + us / 1000), data[at + 16:at + 16 + n]
        at += 16 + n

def segments(path):
    """(from qure?, four-tuple, seq, ack, flags, window, options, payload, frame number) of the TCP frames; qure is GUEST."""
    us = socket.inet_aton(GUEST)
    for number, f in frames(path):
        if len(f) < 54 or f[12:14] != b'\x08\x00' or f[14] >> 4 != 4 or f[23] != 6 or f[20] & 0x3f or f[21]: continue
        ih, total = (f[14] & 15) * 4, struct.unpack_from('!H', f, 16)[0]
        t = f[14 + ih:14 + total]
        if len(t) < 20 or total + 14 > len(f): continue
        out = f[26:30] == us
        if not out and (sum16(f[14:14 + ih]) != 0xffff or sum16(f[26:34] + struct.pack('!HH', 6, len(t)) + t) != 0xffff): continue
        sp, dp, seq, ack, off, flags, win = struct.unpack_from('!HHIIBBH', t)
        th = (off >> 4) * 4
        yield out, (f[30:34] + f[26:30], dp, sp) if out else (f[26:30] + f[30:34], sp, dp), seq, ack, flags, win, t[20:th], t[th:], number

def qure_mac(path):
    """The first frame with our address as its sender says it."""
    us = socket.inet_aton(GUEST)
    for _, f in frames(path):
        if f[12:14] == b'\x08\x06' and f[28:32] == us or f[12:14] == b'\x08\x00' and f[26:30] == us: return f[6:12].hex(':')
    raise AssertionError('qure sent nothing')

def options(o):
    d, i = {}, 0
    while i < len(o) and o[i]:
        if o[i] == 1: i += 1; continue
        if i + 1 >= len(o) or o[i + 1] < 2: break
        d[o[i]] = o[i + 2:i + o[i + 1]]; i += o[i + 1]
    return d

def less(a, b): return (b - a) % 2**32 < 2**31 and a != b

class Ranges:
    """Bytes that were seen, as offsets; put() returns those that were there before."""
    def __init__(self): self.at = []                # sorted starts and ends in turn
    def put(self, a, b):
        if a >= b: return []
        i, j = bisect.bisect_left(self.at, a), bisect.bisect_right(self.at, b)
        inner = ([a] if i & 1 else []) + self.at[i:j] + ([b] if j & 1 else [])
        self.at[i:j] = ([] if i & 1 else [a]) + ([] if j & 1 else [b])
        return [(x, y) for x, y in zip(inner[::2], inner[1::2]) if x < y]
    def has(self, a, b):
        i = bisect.bisect_right(self.at, a)
        return i & 1 == 1 and self.at[i] >= b

class Conversation:
    SILENCE = 3000                                  # ms: six times what MUST-40 allows, since a busy machine may keep qure from running
    MAY = {2: False, 3: True, 4: True, 8: True}     # option of a SYN: must the other side offer it, too?

    def __init__(self):
        self.edge = self.ours = self.acked = self.peer_next = None; self.scale = [None, None]; self.mss = 536; self.isn = self.irs = None
        self.zero, self.syn, self.over, self.sent = False, [False, False], False, bytearray()
        self.offers = [None, None]                  # options of the SYNs
        self.came, self.twice = Ranges(), Ranges()  # offsets from the peer's ISN: what was on its way to us, once and again
        self.clocks, self.newest, self.tsval, self.tsecr = set(), None, None, None
        self.sacked, self.sacked_at, self.una, self.una_at = Ranges(), None, 0, None
        self.fin, self.pushed = None, (0, True)     # offset of our FIN; end of the newest data, and whether it was pushed
        self.high, self.again = 0, {}               # what we sent so far; offset: when it was sent again while the peer was silent
        self.spoke, self.unheard = False, None      # we said something beside SYN; when text came since we said anything
        self.heard = False                          # the peer answered our first data (limited transmit, RFC 3042, follows duplicates)

    def offset(self, seq): return (seq - self.isn) % 2**32 if not less(seq, self.isn) else -1
    def theirs(self, seq): return (seq - self.irs) % 2**32 if not less(seq, self.irs) else -1

    def takes_syn(self, out, seq, flags, opts):
        """Our SYN, or theirs; the list of what is wrong with it."""
        o, wrong = options(opts), []
        self.syn[out] = True
        self.scale[out] = min(14, o[3][0]) if 3 in o and len(o[3]) == 1 else None
        self.offers[out] = o
        if 8 in o and not out: self.clocks.add(o[8][:4])
        if not out:
            self.mss = struct.unpack('!H', o[2])[0] if 2 in o else 536
            self.irs = seq
            return wrong
        self.isn = seq
        if 2 not in o: wrong.append('a SYN without MSS')
        if flags & ACK and self.offers[0] is not None:
            wrong += [f'SYN,ACK with option {kind} that was not offered' for kind, asked in self.MAY.items() if asked and kind in o and kind not in self.offers[0]]
        return wrong

    def agreed(self, kind): return all(o is not None and kind in o for o in self.offers)

    def peer(self, seq, ack, flags, win, right, opts, length):
        """A segment on its way to us."""
        o = options(opts)
        end = (seq + length + (flags & 1) + (flags >> 1 & 1)) % 2**32
        self.again.clear()
        if flags & ACK and (self.edge is None or less(self.edge, right)): self.edge = right
        if flags & ACK and win == 0: self.zero = True
        if self.peer_next is None or less(self.peer_next, end): self.peer_next = end
        if flags & FIN: self.over = True
        if self.irs is not None and length:
            at = self.theirs(seq + (flags >> 1 & 1))
            if 0 <= at < 2**30:
                for a, b in self.came.put(at, at + length): self.twice.put(a, b)
        clock = o[8][:4] if 8 in o and self.agreed(8) else None
        if clock:
            self.clocks.add(clock)
            val = struct.unpack('!I', clock)[0]
            if self.newest is not None and less(val, self.newest): return      # overtaken on its way: PAWS refuses it (RFC 7323 5.3)
            self.newest = val
        if self.acked is not None and (not less(self.acked, end) if end != seq else less(seq, self.acked)): return      # nor is what repeats the past looked at
        if not flags & ACK or self.isn is None: return
        una = self.offset(ack)
        if self.high > 1: self.heard = True
        if una > self.una: self.una, self.una_at = una, self.newest
        for i in range(0, len(o.get(5, b'')) - 7, 8):
            a, b = (self.offset(x) for x in struct.unpack_from('!II', o[5], i))
            if self.una <= a < b and not self.sacked.has(a, b):
                self.sacked.put(a, b); self.sacked_at = self.newest

    def text_came(self, flags, opts, length, ms):
        """What must be answered, whatever its numbers are: text, or FIN, of who is connected (RFC 7323 3.2: with its timestamp)."""
        if (length or flags & FIN) and flags & ACK and self.spoke and self.unheard is None and (not self.agreed(8) or 8 in options(opts)): self.unheard = ms

    def answered(self, ms):
        """MUST-40: an acknowledgement is delayed by less than half a second; what must not be taken is acknowledged, too (MUST-58's like)."""
        silence, self.unheard, self.spoke = ms - (ms if self.unheard is None else self.unheard), None, True
        return [f'nothing said for {silence:.0f} ms after text had come'] if silence > self.SILENCE else []

    def knows(self, tsecr, newest):
        """Our echo of a later clock than any that had come says that we have seen what came then."""
        return tsecr is not None and newest is not None and less(newest, tsecr)

    def judged(self, seq, ack, flags, opts, payload, ms):
        """One of our segments; yields what is wrong with it."""
        o, length = options(opts), len(payload)
        at, wrong = self.offset(seq), []
        if not flags & ACK and not flags & SYN: wrong.append('neither SYN nor acknowledgement')
        if not flags & SYN:
            wrong += [f'option {kind} outside of a SYN' for kind in (2, 3, 4) if kind in o]
            if 5 in o and not self.agreed(4): wrong.append('SACK that was not agreed on')
            if (8 in o) != self.agreed(8): wrong.append('a timestamp that was not agreed on' if 8 in o else 'no timestamp')
        if not flags & SYN: wrong += self.answered(ms)
        return wrong + self.times(o, flags) + self.blocks(o, ack) + self.data(at, flags, length, o, ms)

    def times(self, o, flags):
        if 8 not in o or len(o[8]) != 8: return []
        wrong, (val, ecr) = [], struct.unpack('!II', o[8])
        if self.tsval is not None and less(val, self.tsval): wrong.append(f'our clock goes back by {(self.tsval - val) % 2**32} ms')
        if flags & ACK and o[8][4:] not in self.clocks: wrong.append('echoes a time that the peer did not say')
        if self.tsecr is not None and flags & ACK and less(ecr, self.tsecr): wrong.append('echoes an earlier time than before')
        self.tsval = val
        if flags & ACK: self.tsecr = ecr
        return wrong

    def blocks(self, o, ack):
        """RFC 2018 4: blocks of what came, above the acknowledgement, apart from each other; RFC 2883 4: the first may tell of what came twice."""
        if 5 not in o or self.irs is None: return []
        if len(o[5]) % 8 or not o[5]: return [f'SACK option of {len(o[5])} bytes']
        wrong, una = [], self.theirs(ack)
        b = [tuple(self.theirs(x) for x in struct.unpack_from('!II', o[5], i)) for i in range(0, len(o[5]), 8)]
        if b[0][0] < una or len(b) > 1 and b[1][0] <= b[0][0] and b[0][1] <= b[1][1]:
            if not self.twice.has(*b[0]): wrong.append(f'D-SACK of {b[0]}, which came once')
            b = b[1:]
        for i, (x, y) in enumerate(b):
            if x >= y: wrong.append(f'SACK block {x, y}')
            elif x <= una: wrong.append(f'SACK block {x, y} at or below the acknowledgement, {una}')
            elif not self.came.has(x, y): wrong.append(f'SACK block {x, y} of what never came')
            if any(x <= v and u <= y for u, v in b[:i]): wrong.append(f'SACK blocks that touch: {b}')
        return wrong

    def data(self, at, flags, length, o, ms):
        end, wrong = at + length, []
        ecr = struct.unpack('!II', o[8])[1] if 8 in o and len(o[8]) == 8 else None
        if flags & FIN:
            if self.fin is not None and self.fin != end: wrong.append(f'FIN at {end}, which was at {self.fin}')
            self.fin = end
            if self.pushed == (end, False) and not length: wrong.append('no PSH on the last data')        # MUST-61
        if self.fin is not None and end > self.fin + (not length): wrong.append('data behind our FIN')
        if length and at >= 0:
            if end <= self.una and self.knows(ecr, self.una_at): wrong.append('repeats what was acknowledged')
            if self.knows(ecr, self.sacked_at) and self.sacked.has(at, end) and end > self.una: wrong.append('repeats what was sacked')
            if not self.heard and end - 1 > min(10 * self.mss, max(2 * self.mss, 14600)) + self.mss:    # RFC 6928 2, and a probe (RFC 8985 7.3)
                wrong.append(f'{end - 1} bytes before anything was answered')
        if (length or flags & FIN) and at >= 0:
            if end + (flags & FIN) <= self.high:
                wrong += self.backs_off(ms, at, 100) if ecr is None else self.backs_off(struct.unpack('!I', o[8][:4])[0], at, 180)
            if length and end > self.high: self.pushed = end, flags & PSH != 0
            self.high = max(self.high, end + (flags & FIN))
        return wrong

    def backs_off(self, ms, at, least):
        """RFC 6298 5.5: while the peer says nothing, the n-th time-out comes after 2^n times the least RTO, by our own clock (without one by the
        capture's, which may see it late). What comes earlier than a time-out could is something else, and answers what we heard before."""
        times = self.again.setdefault(at, [])
        if times and ms - times[-1] < 150: times.clear()
        times.append(ms)
        return [f'sent again {len(times)} times within {ms - times[0]:.0f} ms of silence'] if ms - times[0] < min(least * (2 ** (len(times) - 1) - 1), 60000) else []

def rules(path):
    """Rules of RFC 9293 and its companions that a capture shows; the list of what was broken by qure, and how many segments were read."""
    conversations, wrong, n, last = {}, [], 0, 0
    for out, key, seq, ack, flags, win, opts, payload, number in segments(path):
        n += 1
        length = len(payload)
        c = conversations.get(key)
        bad = lambda what: wrong.append(f'frame {number}: {what}')
        if flags & SYN:
            known = c and (c.isn if out else c.irs)
            if c is None or not flags & ACK and known not in (None, seq): c = conversations[key] = Conversation()      # the same SYN may come again
            for what in c.takes_syn(out, seq, flags, opts): bad(what)
        if out: last = number.ms
        if c and flags & RST: c.unheard, c.spoke = None, False
        if c is None or not all(c.syn) or flags & RST: continue
        shift = 0 if None in c.scale or flags & SYN else c.scale[out]
        right = (ack + (win << shift)) % 2**32
        if not out:
            c.peer(seq, ack, flags, win, right, opts, length)
            c.text_came(flags, opts, length, number.ms)
            continue
        for what in c.judged(seq, ack, flags, opts, payload, number.ms): bad(what)
        if length > c.mss: bad(f'{length} bytes for an MSS of {c.mss}')
        data_end = (seq + length) % 2**32
        if length and c.edge is not None and less(c.edge, data_end) and not (c.zero and length == 1): \
            bad(f'{(data_end - c.edge) % 2**32} bytes beyond the window')
        at = (seq - c.isn - 1) % 2**32
        if length and at < 2**30 and c.sent is not None:
            if at > len(c.sent):            # the capture missed a frame: the kernel's queue was full
                c.sent = None
                continue
            if c.sent[at:at + length] != payload[:len(c.sent) - at]: bad('other bytes than the first time')
            c.sent[at:at + length] = payload
        if flags & ACK:
            if c.acked is not None and less(ack, c.acked): bad('an older acknowledgement than before')
            if c.peer_next is not None and less(c.peer_next, ack): bad('acknowledges what was not sent')
            c.acked = ack
            slack = (1 << shift) - 1
            if c.ours is not None and not c.over and less((right + slack) % 2**32, c.ours): bad(f'the window shrank by {(c.ours - right) % 2**32}')
            if c.ours is None or less(c.ours, right): c.ours = right
    for c in conversations.values():        # who was silent to the end, while others heard from us
        if c.unheard is not None: wrong += c.answered(last)
    return wrong, n

# payload is data, whatever it looks like
PROTOCOLS = [x for port in (7, 9, 80, 5000, 5001, 5002) for x in ('-d', f'tcp.port=={port},data')]

def judge(w):
    """Fails when qure sent anything malformed, with a wrong checksum, or against a rule."""
    wrong, n = rules(w.pcap)
    need(n, 'no TCP segment was captured')
    need(not wrong, f'{len(wrong)} of {n} segments: ' + '; '.join(wrong[:8]))
    others = [x for port in getattr(w, 'data_ports', ()) for x in ('-d', f'tcp.port=={port},data')]
    p = subprocess.run(['tshark', '-n', '-r', w.pcap, *PROTOCOLS, *others, '-o', 'tcp.desegment_tcp_streams:FALSE', '-o', 'ip.check_checksum:TRUE', '-o',
                        'tcp.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE', '-Y', f'eth.src == {qure_mac(w.pcap)} && (_ws.malformed || ip.checksum.status == 0 || '
                        'tcp.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0 || _ws.expert.severity == "Error")',
                        '-T', 'fields', '-e', 'frame.number', '-e', '_ws.col.Info', '-e', '_ws.expert.message'],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    need(p.returncode == 0 and not p.stdout.strip(), f'tshark: {p.returncode} ' + p.stdout[:1500] + p.stderr[-500:])
    return n
