/* channels.pml - the decoupled channels of the connection byte (R37 to R41; design 5): each direction opens, closes and opens
 * again on its own, over the same lossy network and in the same segments. A direction's stream is SYN FIN SYN FIN ...,
 * each one sequence number; a segment may carry SYN and FIN together (a whole message), and always acknowledges the other direction.
 *
 * Proven: no deadlock; what one side opened and closed, the other saw opened and closed, in that order and as often
 * (no lost close, no old duplicate taken for a re-opening); the answer to a side that closed still arrives.
 * Variants: ONE_WAY endpoint 1 never opens its direction (R39); LATE it opens only after the other has closed (R38, R46).
 * Broken on purpose: ANY_SYN a re-opening SYN is taken at any number; CLEAR_BOTH re-opening forgets the other direction;
 * NO_TIMER requests are sent once; NO_ACK_OF_OLD an old duplicate is not acknowledged again.
 * SPDX-License-Identifier: MIT */
#ifndef LIVES0                         /* incarnations of each direction */
#define LIVES0 2
#endif
#ifdef ONE_WAY
#define LIVES1 0
#endif
#ifndef LIVES1
#define LIVES1 1
#endif
#define LIVES(i) (i == 0 -> LIVES0 : LIVES1)

/* message: 1 | SYN 2 | FIN 4 | seq << 3 | ack << 6 */
#define F_SYN 2
#define F_FIN 4
#define MSG(f, s, a) (1 | (f) | (s) << 3 | (a) << 6)
#define SEQ(m) ((m) >> 3 & 7)
#define ACK(m) ((m) >> 6 & 7)
#define HAS(m, f) (((m) & (f)) != 0)
#define PLUS(m) ((HAS(m, F_SYN) -> 1 : 0) + (HAS(m, F_FIN) -> 1 : 0))
#define tell_fields(msg) printf(" flags %d seq %d ack %d\n", msg & 7, msg >> 3 & 7, msg >> 6 & 7)
#include "network.inc"

#ifndef EARLY
#define EARLY 1
#endif
byte nxt[2], una[2], rcv[2];          /* of the direction that i sends on; of the one it receives on */
byte nyb[2];                          /* its own pairs: bit 0 SYN sent, 1 acknowledged, 2 FIN sent, 3 acknowledged; 4.. the peer's */
byte saw_open[2], saw_close[2];       /* what i saw of the peer's direction */
byte early = EARLY;
#define TX_SYN 1
#define TX_SYN_ACKED 2
#define TX_FIN 4
#define TX_FIN_ACKED 8
#define RX_SYN 16
#define RX_FIN 32
#define ON(i, b) ((nyb[i] & (b)) != 0)
#define OPENED(i) ((nxt[i] + 1) / 2)

inline say(i, f, s) { put(1 - i, MSG(f, s, rcv[i])) }
/* Everything from una on: SYN, FIN or both, according to which numbers are outstanding (even: SYN, odd: FIN). */
inline resend(i)
{
        if
        :: nxt[i] - una[i] == 2 && una[i] % 2 == 0 -> say(i, F_SYN | F_FIN, una[i])
        :: nxt[i] - una[i] == 1 && una[i] % 2 == 0 -> say(i, F_SYN, una[i])
        :: nxt[i] - una[i] >= 1 && una[i] % 2 == 1 -> say(i, F_FIN, una[i])
        :: else
        fi
}

inline open_tx(i)
{
        nyb[i] = (nyb[i] & (RX_SYN | RX_FIN)) | TX_SYN;          /* a new incarnation of these four bits */
#ifdef CLEAR_BOTH
        nyb[i] = TX_SYN; rcv[i] = 0;
#endif
        nxt[i]++
}

/* Which of the peer's numbers are new to us, in order. */
inline take_requests(i, m)
{
        if
#ifdef ANY_SYN
        :: HAS(m, F_SYN) && (SEQ(m) == rcv[i] || !ON(i, RX_SYN) || ON(i, RX_FIN)) ->
                rcv[i] = SEQ(m) + 1; nyb[i] = (nyb[i] & 15) | RX_SYN; saw_open[i]++
#else
        :: HAS(m, F_SYN) && SEQ(m) == rcv[i] -> rcv[i]++; nyb[i] = (nyb[i] & 15) | RX_SYN; saw_open[i]++
#endif
        :: else
        fi;
        if
        :: HAS(m, F_FIN) && SEQ(m) + PLUS(m) - 1 == rcv[i] && ON(i, RX_SYN) -> rcv[i]++; nyb[i] = nyb[i] | RX_FIN; saw_close[i]++
        :: else
        fi
}

inline take_ack(i, m)
{
        if
        :: ACK(m) > una[i] && ACK(m) <= nxt[i] ->
                una[i] = ACK(m);
                nyb[i] = nyb[i] | (una[i] + 1 > nxt[i] - nxt[i] % 2 -> (ON(i, TX_SYN) -> TX_SYN_ACKED : 0) : 0);
                nyb[i] = nyb[i] | (una[i] == nxt[i] && ON(i, TX_FIN) -> TX_FIN_ACKED | TX_SYN_ACKED : 0)
        :: else
        fi
}

inline arrives(i)
{
        take_any(i);
        take_ack(i, got[i]);
        if
        :: PLUS(got[i]) > 0 ->
                take_requests(i, got[i]);
#ifdef NO_ACK_OF_OLD
                if :: SEQ(got[i]) + PLUS(got[i]) == rcv[i] && answered[i] < rcv[i] -> answered[i] = rcv[i]; say(i, 0, nxt[i]) :: else fi
#else
                say(i, 0, nxt[i])
#endif
        :: else
        fi;
        assert(saw_open[i] <= OPENED(1 - i) && saw_close[i] <= nxt[1 - i] / 2);
        assert(saw_close[i] <= saw_open[i] && rcv[i] <= nxt[1 - i] && una[i] <= rcv[1 - i]);
        got[i] = 0
}
byte answered[2];

#ifdef LATE
#define MAY_OPEN(i) (i == 0 || saw_close[1] > nxt[1] / 2)
#else
#define MAY_OPEN(i) true
#endif
#define CLOSED_TX(i) (nxt[i] % 2 == 0)
#define SETTLED(i) (una[i] == nxt[i])

proctype endpoint(byte i)
{
end:    do
        :: atomic { !EMPTY(i) -> arrives(i) }
        /* open: with the last FIN acknowledged, so that one number never means two things */
        :: atomic { CLOSED_TX(i) && SETTLED(i) && nxt[i] < 2 * LIVES(i) && MAY_OPEN(i) -> open_tx(i); say(i, F_SYN, nxt[i] - 1) }
        :: atomic { CLOSED_TX(i) && SETTLED(i) && nxt[i] < 2 * LIVES(i) && MAY_OPEN(i) ->
                open_tx(i); nyb[i] = nyb[i] | TX_FIN; nxt[i]++; say(i, F_SYN | F_FIN, nxt[i] - 2) }     /* a whole message (R47) */
        :: atomic { !CLOSED_TX(i) -> nyb[i] = nyb[i] | TX_FIN; nxt[i]++; resend(i) }
        :: atomic { early > 0 && !SETTLED(i) -> early--; resend(i) }
#ifndef NO_TIMER
        :: atomic { timeout && !SETTLED(i) && EMPTY(0) && EMPTY(1) -> resend(i) }
#endif
        od
}

init { atomic { run endpoint(0); run endpoint(1) } }

/* Everything that a side sent was seen by the other. */
#define DONE(i, all) (nxt[i] == all && una[i] == all && rcv[1 - i] == all && saw_open[1 - i] == all / 2 && saw_close[1 - i] == all / 2)
ltl ends { <> (DONE(0, 2 * LIVES0) && DONE(1, 2 * LIVES1)) }
