/* back.pml - a node gives a connection back to the front, which keeps it or hands it to the same node again (net/handoff/transfer.c,
 * adoption.c), over links that lose, repeat and reorder. Timers may fire at any moment. Handing to another node is handoff.pml's.
 *
 *   one     never do both speak to the client
 *   noloop  never do both forward the client's packets to each other
 *   ends    in the end one of them speaks, or the client is reset
 *
 * Messages carry what the authenticator ties them to: 51 back the handoff that it undoes and its own number, answers the number and a
 * fresh SEQ. Variants that must fail: -DANY_FRESH (53 for whatever 52: two speakers), -DFORWARD_AGAIN (a front that waits in vain for
 * 53 forwards again, unasked: a loop), -DDOUBT_OPEN (it takes another 51 before the node has said whose the connection is: a loop),
 * -DNO_PROBE (it never asks). SPDX-License-Identifier: MIT */
#ifndef LOSSES
#define LOSSES 2
#endif
#ifndef DUPS
#define DUPS 1
#endif
#define TRIES 2                         /* of 51 */
#define REPEATS 2                       /* of 52 */
#define ATTEMPTS 2                      /* of giving back */

mtype = { M51, M52, M53, WITHDRAWN, PROBE, REFRESH, GONE };     /* of giving back, and notices */
mtype = { ON51, ON52, ON53, ON_WITHDRAWN };                     /* of handing over again */
mtype = { HAS, ASKS, AWAY, WAITS, DOUBT, NOTHING };

chan to_front = [3] of { mtype, byte, byte };
chan to_node = [3] of { mtype, byte, byte };
byte losses = LOSSES, dups = DUPS, seqs = 1;    /* fresh numbers drawn */
mtype front = AWAY, node = HAS;
bool node_forwards, reset;
byte stay = 1;                          /* the front's entry: by which handoff the node has it */

inline tell(to, what, a, b)
{
        if
        :: losses > 0 -> losses--
        :: nfull(to) -> to!what(a, b)
        :: full(to)
        fi
}

inline again(from, what, a, b)
{
        if
        :: dups > 0 && nfull(from) -> dups--; from!what(a, b)
        :: true
        fi
}

active proctype the_front()
{
        byte repeats, tries, number, mine, handed_seq = 1, a, b;
        mtype m;
end:    do
        :: atomic { front == WAITS && repeats < REPEATS -> repeats++; tell(to_node, M52, number, mine) }
        :: atomic { front == WAITS && repeats == REPEATS ->
#ifdef FORWARD_AGAIN
                front = AWAY
#else
                front = DOUBT
#endif
                }
#ifndef NO_PROBE
        :: atomic { timeout && front == DOUBT && !reset -> tell(to_node, PROBE, stay, 0) }
        :: atomic { timeout && front == AWAY && node == NOTHING -> tell(to_node, PROBE, stay, 0) } /* its UNKNOWN came */
#endif
        :: atomic { front == ASKS && tries < TRIES -> tries++; tell(to_node, ON51, stay, 0) }
        :: atomic { front == ASKS && tries == TRIES -> front = HAS; tell(to_node, ON_WITHDRAWN, stay, 0) }
        :: atomic { to_front??m(a, b) -> again(to_front, m, a, b);
                if
#ifdef DOUBT_OPEN
                :: m == M51 && (front == AWAY || front == DOUBT) && a == stay ->
#else
                :: m == M51 && front == AWAY && a == stay ->
#endif
                        front = WAITS; repeats = 0; number = b; seqs++; mine = seqs; tell(to_node, M52, number, mine)
                :: m == M51 && front == WAITS && a == stay && b == number -> tell(to_node, M52, number, mine)
                :: m == M53 && front == WAITS && a == number && b == mine ->
                        if
                        :: front = HAS
                        :: stay < 2 -> front = ASKS; stay++; tries = 0
                        fi
                :: m == WITHDRAWN && front == WAITS && a == number && (b == 0 || b == mine) -> front = AWAY
                :: m == ON52 && front == ASKS && a == stay -> front = AWAY; handed_seq = b; tell(to_node, ON53, a, b)
#ifdef ANY_FRESH
                :: m == ON52 && !(front == ASKS && a == stay) -> tell(to_node, ON53, a, b)
#else
                :: m == ON52 && !(front == ASKS && a == stay) && a == stay && b == handed_seq && front != HAS -> tell(to_node, ON53, a, b)
                :: m == ON52 && !(front == ASKS && a == stay) && !(a == stay && b == handed_seq && front != HAS) ->
                        tell(to_node, ON_WITHDRAWN, a, b)
#endif
                :: m == REFRESH && front == DOUBT && a == stay -> front = AWAY
                :: m == GONE && (front == DOUBT || front == AWAY) && a == stay -> front = NOTHING; reset = true
                :: else
                fi;
                m = 0; a = 0; b = 0 }
        od
}

active proctype the_node()
{
        byte tries, attempt, heard, gave, gave_seq, by = 1, repeats, want, mine, a, b;
        mtype m;
end:    do
        :: atomic { node == HAS && by == stay && attempt < ATTEMPTS -> attempt++; heard = 0; tries = 0; node = ASKS }
        :: atomic { node == ASKS && tries < TRIES -> tries++; tell(to_front, M51, by, attempt) }
        :: atomic { node == ASKS && tries == TRIES -> node = HAS; tell(to_front, WITHDRAWN, attempt, heard) }
        :: atomic { node == WAITS && repeats < REPEATS -> repeats++; tell(to_front, ON52, want, mine) }
        :: atomic { node == WAITS && repeats == REPEATS -> node = NOTHING }
        :: atomic { to_node??m(a, b) -> again(to_node, m, a, b);
                if
                :: m == M52 && node == ASKS && a == attempt && (heard == 0 || heard == b) ->
                        heard = b; gave = a; gave_seq = b; node = AWAY; node_forwards = true; tell(to_front, M53, a, b)
#ifdef ANY_FRESH
                :: m == M52 && node != ASKS && a == gave -> tell(to_front, M53, a, b)
#else
                :: m == M52 && a == gave && b == gave_seq -> tell(to_front, M53, a, b)
#endif
                :: m == M52 && a != gave && !(node == ASKS && a == attempt) -> tell(to_front, WITHDRAWN, a, b)
                :: m == PROBE ->
                        if
                        :: (node == HAS || node == ASKS) && by == a || node == WAITS -> tell(to_front, REFRESH, a, 0)
                        :: else -> tell(to_front, GONE, a, 0)
                        fi
                :: m == ON51 && (node == AWAY || node == NOTHING) ->
                        node = WAITS; node_forwards = false; repeats = 0; want = a; seqs++; mine = seqs; tell(to_front, ON52, want, mine)
                :: m == ON51 && node == WAITS -> tell(to_front, ON52, want, mine)
                :: m == ON53 && node == WAITS && a == want && b == mine -> node = HAS; by = a
                :: m == ON_WITHDRAWN && node == WAITS && a == want && (b == 0 || b == mine) -> node = NOTHING
                :: else
                fi;
                m = 0; a = 0; b = 0 }
        od
}

ltl one { [] !(front == HAS && node == HAS) }
ltl noloop { [] !(front == AWAY && node_forwards) }
ltl ends { <> [] (front == HAS || node == HAS || reset) }
