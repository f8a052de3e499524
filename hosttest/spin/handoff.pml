/* handoff.pml - the handoff of a connection (net/handoff): a front, two nodes, links that lose, repeat and reorder, nodes that die.
 * Timers may fire at any moment, so every order of time-outs is covered.
 *
 *   one   never do two machines speak to the client
 *   ends  in the end one speaks, or the client is reset
 *
 * Variants that must fail: -DTWO_PACKETS (the node speaks when it has adopted, as the seed draws it), -DELSEWHERE_AFTER_53 (the front asks
 * the next node though 53 is out), -DANY_52 (an answer of a node given up is taken for the present one's), -DNO_GONE (a node never says that
 * it has no such connection). SPDX-License-Identifier: MIT */
#ifndef LOSSES
#define LOSSES 2
#endif
#ifndef DUPS
#define DUPS 1
#endif
#define TRIES 2                         /* 51 to each node */
#define REPEATS 2                       /* 52, before a node gives up */
#define ITSELF 2

mtype = { M51, M52, M53, REFUSED, PACKET, GONE };

chan to_front = [3] of { mtype, byte }; /* what, from which node */
chan to_node[2] = [3] of { mtype };
#ifndef DEATHS
#define DEATHS 1
#endif
byte losses = LOSSES, dups = DUPS, deaths = DEATHS;
bool speaks[3], dead[2], asked[3], over, reset;
byte at;                                /* whom the front asks or has asked */
bool committed;                         /* 53 is out */

inline tell_node(i, what)
{
        if
        :: losses > 0 -> losses--
        :: nfull(to_node[i]) -> to_node[i]!what
        :: full(to_node[i])             /* as a queue does */
        fi
}

inline tell_front(what, i)
{
        if
        :: losses > 0 -> losses--
        :: nfull(to_front) -> to_front!what(i)
        :: full(to_front)
        fi
}

inline next_node()
{
        at++;
        tries = 0;
        if
        :: at == ITSELF -> speaks[ITSELF] = true
        :: else
        fi
}

active proctype front()
{
        byte tries, i;
        mtype m;
        do
        :: atomic { !over && !reset && at < ITSELF && !committed && tries < TRIES -> tries++; tell_node(at, M51) }
        :: atomic { !over && !reset && at < ITSELF && !committed && tries == TRIES -> next_node() }
#ifdef ELSEWHERE_AFTER_53
        :: atomic { !over && at < ITSELF && committed && !asked[at] -> asked[at] = true; committed = false; next_node() }
#endif
        :: atomic { to_front??m(i) ->
                if
                :: dups > 0 && nfull(to_front) -> dups--; to_front!m(i)
                :: true
                fi;
                if
#ifdef ANY_52
                :: m == M52 && at < ITSELF -> committed = true; tell_node(i, M53)
#else
                :: m == M52 && i == at -> committed = true; tell_node(i, M53)
#endif
                :: m == REFUSED && i == at && !committed -> next_node()
                :: m == GONE && i == at && committed -> reset = true    /* no flow any more: the client's next packet draws RST */
                :: else
                fi;
                m = 0; i = 0 }
        :: atomic { timeout && committed && !speaks[at] && !reset ->    /* the client repeats itself */
                if
                :: dead[at] -> reset = true                             /* the flow has aged */
                :: else -> tell_node(at, PACKET)
                fi }
        :: atomic { timeout && (reset || at == ITSELF || speaks[at]) -> over = true; break }
        od
}

proctype node(byte i)
{
        byte repeats;
        bool waiting;
        mtype m;
        do
        :: over -> break
        :: atomic { !over && deaths > 0 ->
                deaths--;
                if
                :: dead[i] = true; speaks[i] = false; break
                :: true                                                 /* lives, after all */
                fi }
        :: atomic { waiting && repeats < REPEATS -> repeats++; tell_front(M52, i) }
        :: atomic { waiting && repeats == REPEATS -> waiting = false; repeats = 0 } /* 53 never came: it never was ours */
        :: atomic { to_node[i]??m ->
                if
                :: dups > 0 && nfull(to_node[i]) -> dups--; to_node[i]!m
                :: true
                fi;
                if
                :: m == M51 && !waiting && !speaks[i] ->
                        if
                        :: tell_front(REFUSED, i)
                        :: waiting = true; repeats = 0; tell_front(M52, i);
#ifdef TWO_PACKETS
                                speaks[i] = true; waiting = false
#endif
                        fi
                :: m == M51 && waiting -> tell_front(M52, i)
                :: m == M53 && waiting -> waiting = false; repeats = 0; speaks[i] = true
#ifndef NO_GONE
                :: m == PACKET && !waiting && !speaks[i] -> tell_front(GONE, i)
#endif
                :: else
                fi;
                m = 0 }
        od
}

init { atomic { run node(0); run node(1) } }

#define ONE (speaks[0] + speaks[1] + speaks[2] <= 1)
ltl one { [] ONE }
ltl ends { <> (speaks[0] || speaks[1] || speaks[2] || reset) }
