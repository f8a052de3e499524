"""rules.py - the judge of captures (hosttest/peer/judge.py) judged: a good conversation passes, and with one segment of qure changed in
any of these ways it does not. Without a network: the captures are written here.

SPDX-License-Identifier: MIT
"""
import os, socket, struct, sys
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../peer'))
from machine import GUEST, HOST, Scratch, done, test
from judge import ACK, FIN, PSH, RST, SYN, need, rules, sum16

ME, PEER, MSS = 1000, 5000000, 100           # initial sequence numbers; of both sides
scratch = Scratch()

def times(val, ecr): return struct.pack('!BBBBII', 1, 1, 8, 10, val, ecr)
def sack(*blocks): return struct.pack('!BBBB', 1, 1, 5, 2 + 8 * len(blocks)) + b''.join(struct.pack('!II', PEER + a, PEER + b) for a, b in blocks)
OFFER = struct.pack('!BBHBBBB', 2, 4, MSS, 4, 2, 1, 1)

def ours(at, seq, ack, flags=ACK, opts=None, data=b'', win=1000, val=None, ecr=70):
    """Milliseconds, numbers from the initial ones on, flags, options behind the timestamp, or all of them (`bare`)."""
    return [True, at, ME + seq, PEER + ack, flags, win, times(at if val is None else val, ecr) + (opts or b''), data]
def theirs(at, seq, ack, flags=ACK, opts=None, data=b'', win=2000, val=70):
    return [False, at, PEER + seq, ME + ack, flags, win, times(val, 0) + (opts or b''), data]
def bare(s, opts): s[6] = opts; return s

OPEN = [bare(theirs(0, 0, 0, SYN), OFFER + times(1, 0)), bare(ours(1, 0, 1, SYN | ACK), OFFER + times(1, 1)), theirs(2, 1, 1)]
TEXT = [theirs(70, 1, 1, data=b'a' * 100), ours(71, 1, 101), theirs(72, 201, 1, data=b'c' * 100), ours(73, 1, 101, opts=sack((201, 301)))]
GOOD = OPEN + TEXT + [theirs(74, 201, 1, data=b'c' * 100), ours(75, 1, 101, opts=sack((201, 301), (201, 301))),
                      theirs(76, 101, 1, data=b'b' * 100), ours(77, 1, 301),
                      ours(80, 1, 301, data=b'x' * 100), ours(80, 101, 301, data=b'y' * 100), ours(80, 201, 301, PSH | ACK, data=b'z' * 50),
                      theirs(90, 301, 1, opts=struct.pack('!BBBBII', 1, 1, 5, 10, ME + 101, ME + 201), val=90), ours(91, 1, 301, data=b'x' * 100, ecr=90),
                      theirs(95, 301, 251, val=95), ours(100, 251, 301, FIN | ACK, ecr=95), ours(300, 251, 301, FIN | ACK, ecr=95),
                      ours(700, 251, 301, FIN | ACK, ecr=95), ours(1500, 251, 301, FIN | ACK, ecr=95),
                      theirs(1600, 301, 252, FIN | ACK, val=1600), ours(1601, 252, 302, ecr=1600)]

def capture(segments):
    path = scratch / 'rules.pcap'
    us, peer = socket.inet_aton(GUEST), socket.inet_aton(HOST)
    with open(path, 'wb') as f:
        f.write(struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for out, ms, seq, ack, flags, win, opts, data, *port in segments:
            theirs = port[0] if port else 4000
            a, ports = (us + peer, (80, theirs)) if out else (peer + us, (theirs, 80))
            t = struct.pack('!HHIIBBHHH', *ports, seq, ack if flags & ACK else 0, (20 + len(opts)) // 4 << 4, flags, win, 0, 0) + opts + data
            t = t[:16] + struct.pack('!H', ~sum16(a + struct.pack('!HH', 6, len(t)) + t) & 0xffff) + t[18:]
            h = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(t), 1, 0, 64, 6, 0) + a
            p = bytes(12) + b'\x08\x00' + h[:10] + struct.pack('!H', ~sum16(h) & 0xffff) + h[12:] + t
            f.write(struct.pack('<IIII', ms // 1000, ms % 1000 * 1000, len(p), len(p)) + p)
    return path

def good():
    wrong, n = rules(capture(GOOD))
    need(not wrong and n == len(GOOD), f'{wrong}, {n}')

def overtaken():
    """What PAWS refuses is not known to qure: a SACK that comes behind a newer segment does not keep it from sending again."""
    late = GOOD[:14] + [theirs(90, 301, 1, val=90), theirs(91, 301, 1, opts=struct.pack('!BBBBII', 1, 1, 5, 10, ME + 101, ME + 201), val=89),
                        theirs(92, 301, 1, val=92), ours(93, 101, 301, data=b'y' * 100, ecr=92)]
    wrong, _ = rules(capture(late))
    need(not wrong, f'{wrong}')

def asked_twice():
    """Our SYN and its repetition wait for the same answer to ARP: both are answered, and the first answer tells the time we echo."""
    syn = lambda at: bare(ours(at, 0, -PEER, SYN), OFFER + times(at, 0))
    answer = lambda at: bare(theirs(at, 0, 1, SYN | ACK), OFFER + times(at, 1))
    wrong, _ = rules(capture([syn(1), answer(1001), syn(1002), answer(1003), ours(1004, 1, 1, ecr=1001)]))
    need(not wrong, f'{wrong}')

def late_but_answered():
    """Half a second and what a busy machine makes of it; and who was reset says no more."""
    wrong, _ = rules(capture(GOOD[:11] + [theirs(80, 301, 1, data=b'd' * 100), ours(3000, 1, 401), theirs(3001, 401, 1, data=b'e' * 100),
                                          theirs(3002, 501, 1, RST | ACK)] + [s + [4001] for s in ahead(9000, OPEN + TEXT)]))
    need(not wrong, f'{wrong}')

def ahead(ms, segments): return [s[:1] + [s[1] + ms] + s[2:] for s in segments]

def found(what, segments):
    wrong, _ = rules(capture(segments))
    need(any(what in w for w in wrong), f'{wrong}')

def instead(i, **change):
    """GOOD with the fields of segment i changed."""
    names = ['out', 'at', 'seq', 'ack', 'flags', 'win', 'opts', 'data']
    s = list(GOOD[i])
    for k, v in change.items(): s[names.index(k)] = v
    return GOOD[:i] + [s] + GOOD[i + 1:]

def behind(i, *more): return GOOD[:i + 1] + list(more)

SILENT = [bare(theirs(0, 0, 0, SYN), OFFER), bare(ours(1, 0, 1, SYN | ACK), OFFER), bare(theirs(2, 1, 1), b'')]      # no clocks
BROKEN = {
    'a SYN without MSS': instead(1, opts=times(1, 1)),
    'option 3 that was not offered': instead(1, opts=OFFER + times(1, 1) + bytes([3, 3, 7, 1])),
    'neither SYN nor acknowledgement': behind(6, ours(80, 1, 301, PSH, data=b'x')),
    'option 2 outside of a SYN': behind(6, ours(80, 1, 301, opts=struct.pack('!BBH', 2, 4, MSS))),
    'SACK that was not agreed on': [bare(list(OPEN[0]), struct.pack('!BBH', 2, 4, MSS) + times(1, 0))] + GOOD[1:],
    'no timestamp': instead(4, opts=b''),
    'a timestamp that was not agreed on': [bare(list(OPEN[0]), OFFER)] + GOOD[1:],
    'our clock goes back': behind(4, ours(75, 1, 101, val=60)),
    'echoes a time that the peer did not say': behind(4, ours(75, 1, 101, ecr=71)),
    'echoes an earlier time': GOOD[:14] + [ours(95, 251, 301, ecr=90), ours(96, 251, 301, ecr=70)],
    'D-SACK of (201, 301), which came once': behind(5, ours(75, 1, 101, opts=sack((201, 301), (201, 301)))),
    'at or below the acknowledgement': behind(5, ours(75, 1, 101, opts=sack((101, 201)))),
    'of what never came': behind(5, ours(75, 1, 101, opts=sack((201, 302)))),
    'SACK blocks that touch': behind(5, ours(75, 1, 101, opts=sack((251, 301), (201, 251)))),
    'SACK block (301, 201)': behind(5, ours(75, 1, 101, opts=sack((301, 201)))),
    'FIN at 250, which was at 251': behind(17, ours(110, 250, 301, FIN | ACK, ecr=95)),
    'data behind our FIN': behind(17, ours(110, 251, 301, data=b'!', ecr=95)),
    'no PSH on the last data': instead(13, flags=ACK),
    'repeats what was acknowledged': GOOD[:17] + [theirs(97, 301, 251, val=97), ours(98, 1, 301, data=b'x' * 100, ecr=97)],
    'repeats what was sacked': GOOD[:15] + [theirs(93, 301, 1, val=93), ours(94, 101, 301, data=b'y' * 100, ecr=93)],
    'before anything was answered': GOOD[:11] + [ours(80, 1 + 100 * i, 301, data=b'x' * 100) for i in range(12)],
    'sent again 2 times': GOOD[:19] + [ours(460, 251, 301, FIN | ACK, ecr=95)],
    'sent again 3 times': GOOD[:19] + [ours(ms, 251, 301, FIN | ACK, ecr=95) for ms in (500, 700)],
    'nothing said for 3001 ms': GOOD[:11] + [theirs(80, 301, 1, data=b'd' * 100), theirs(1080, 301, 1, data=b'd' * 100), ours(3081, 1, 401)],
    'nothing said for 8993 ms': GOOD[:11] + [theirs(80, 301, 1, data=b'd' * 100)] + [s + [4001] for s in ahead(9000, OPEN + TEXT)],
    'sent again 4 times within 465 ms': SILENT + [bare(ours(ms, 1, 1, data=b'x'), b'') for ms in (3, 200, 355, 510, 665)],
    '101 bytes for an MSS of 100': instead(11, data=b'x' * 101),
    'bytes beyond the window': GOOD[:11] + [ours(80, 1 + 2000, 301, data=b'x' * 100)],
    'other bytes than the first time': instead(15, data=b'X' * 100),
    'an older acknowledgement': behind(10, ours(78, 1, 101)),
    'acknowledges what was not sent': behind(10, ours(78, 1, 302)),
    'the window shrank by 100': behind(10, ours(78, 1, 301, win=900)),
}

if __name__ == '__main__':
    test('a good conversation passes', good)
    test('what was overtaken is not known', overtaken)
    test('a SYN that comes twice begins one conversation', asked_twice)
    test('half a second of delay is not measured on a busy machine', late_but_answered)
    for what, segments in BROKEN.items(): test(f'found: {what}', found, what, segments)
    done()
