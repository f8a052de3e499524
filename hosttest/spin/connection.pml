/* connection.pml - opening and closing between two RFC endpoints over a network that loses, repeats and reorders.
 * The state is the byte FFFFSSSS of net/tcp/state.h; a message is flags, sequence number, acknowledgement, each number
 * with the incarnation (ISN) that it belongs to. Data is left out: SYN and FIN are the stream.
 *
 * Proven: no deadlock; both sides end CLOSED; without a crash nobody sees an error; a half-open side always leaves.
 * Variants (-D): BOTH_ACTIVE simultaneous open; SERVER_FIRST the opener closes only after the peer did;
 * CRASH endpoint 1 loses its state once and answers as CLOSED; DEAD it never answers again; OLD_SYN an old duplicate waits.
 * Broken on purpose (a run must fail): NO_TIME_WAIT, NO_FIN_TIMER, NO_SYNACK_TIMER, RST_ON_SYN, NO_RST, NO_KEEPALIVE, NO_R2, SYNACK_WAR.
 * SPDX-License-Identifier: MIT */
#define SYN_RX 1
#define SYN_ACK_TX 2
#define SYN_TX 4
#define SYN_ACK_RX 8
#define FIN_RX 16
#define FIN_ACK_TX 32
#define FIN_TX 64
#define FIN_ACK_RX 128

/* message: 1 | SYN 2 | FIN 4 | RST 8 | ACK 16 | seq << 5 | seq incarnation << 7 | ack << 9 | ack incarnation << 11 */
#define F_SYN 2
#define F_FIN 4
#define F_RST 8
#define F_ACK 16
#define MSG(f, s, se, a, ae) (1 | (f) | (s) << 5 | (se) << 7 | (a) << 9 | (ae) << 11)
#define SEQ(m) ((m) >> 5 & 3)
#define SEQI(m) ((m) >> 7 & 3)
#define ACK(m) ((m) >> 9 & 3)
#define ACKI(m) ((m) >> 11 & 3)
#define HAS(m, f) (((m) & (f)) != 0)

#define tell_fields(m) printf(" flags %d seq %d.%d ack %d.%d\n", (m) & 31, SEQI(m), SEQ(m), ACKI(m), ACK(m))
#include "network.inc"

#ifndef EARLY
#define EARLY 1
#endif
#define R2 (LOSSES + EARLY + 1) /* so that loss alone breaks nothing */
byte st[2];                 /* the connection byte */
bool slot[2];               /* a connection exists; else CLOSED or LISTEN */
bool listening[2], passive[2], failed[2], over[2], time_wait[2], first[2];
byte iss[2], irs[2], tries[2];
bool crashed, crash_may = true;
byte early = EARLY;         /* retransmissions that come before they should */

#define ON(i, b) ((st[i] & (b)) != 0)
#define NXT(i) ((ON(i, SYN_TX) -> 1 : 0) + (ON(i, FIN_TX) -> 1 : 0))
#define UNA(i) ((ON(i, SYN_ACK_RX) -> 1 : 0) + (ON(i, FIN_ACK_RX) -> 1 : 0))
#define RCV(i) ((ON(i, SYN_RX) -> 1 : 0) + (ON(i, FIN_RX) -> 1 : 0))
#define BOTH_SYN(i) ((st[i] & 15) == 15)
#define OLD 3               /* incarnation of what an earlier connection sent */

inline say(i, f, s) { put(1 - i, MSG((f) | F_ACK, s, iss[i], RCV(i), irs[i])) }
inline ack_now(i) { say(i, 0, NXT(i)) }
inline leave(i, bad)
{
        printf("%d leaves, failed %d\n", i, bad);
        slot[i] = false; over[i] = true; failed[i] = failed[i] || bad; st[i] = 0; time_wait[i] = false
}
/* 3.5.2: an answer to what belongs to no connection */
inline reset_for(i, m)
{
#ifndef NO_RST
        if
        :: HAS(m, F_ACK) -> put(1 - i, MSG(F_RST, ACK(m), ACKI(m), 0, 0))
        :: else -> put(1 - i, MSG(F_RST | F_ACK, 0, OLD, SEQ(m) + (HAS(m, F_SYN) -> 1 : 0) + (HAS(m, F_FIN) -> 1 : 0), SEQI(m)))
        fi
#else
        skip
#endif
}
/* A connection that ends before it was established goes back to where it came from (3.10.7.4, second and fourth). */
inline give_up(i)
{
        if
        :: passive[i] && !ON(i, SYN_ACK_RX) -> slot[i] = false; st[i] = 0; listening[i] = true; iss[i] = 0
        :: else -> leave(i, true)
        fi
}
inline set(i, bits) { st[i] = st[i] | (bits); printf("%d byte %d\n", i, st[i]) }
inline both_done(i)
{
        if
        :: st[i] == 255 && slot[i] && first[i] ->
#ifdef NO_TIME_WAIT
                leave(i, false)
#else
                time_wait[i] = true
#endif
        :: st[i] == 255 && slot[i] && !first[i] -> leave(i, false)
        :: else
        fi
}

inline closed_or_listen(i, m)
{
        if
        :: HAS(m, F_RST)
        :: !HAS(m, F_RST) && listening[i] && HAS(m, F_SYN) && !HAS(m, F_ACK) ->
                slot[i] = true; listening[i] = false; passive[i] = true; tries[i] = 0;
                irs[i] = SEQI(m); set(i, SYN_RX | SYN_ACK_TX | SYN_TX); say(i, F_SYN, 0)
        :: else -> if :: HAS(m, F_RST) :: else -> reset_for(i, m) fi
        fi
}

inline syn_sent(i, m)
{
        if
        :: HAS(m, F_ACK) && (ACKI(m) != iss[i] || ACK(m) != 1) -> if :: HAS(m, F_RST) :: else -> reset_for(i, m) fi
        :: HAS(m, F_RST) && HAS(m, F_ACK) && ACKI(m) == iss[i] && ACK(m) == 1 -> leave(i, true)
        :: HAS(m, F_RST) && !HAS(m, F_ACK)
        :: !HAS(m, F_RST) && HAS(m, F_SYN) && HAS(m, F_ACK) && ACKI(m) == iss[i] && ACK(m) == 1 ->
                irs[i] = SEQI(m); set(i, SYN_RX | SYN_ACK_TX | SYN_ACK_RX); tries[i] = 0; ack_now(i)
        :: !HAS(m, F_RST) && HAS(m, F_SYN) && !HAS(m, F_ACK) ->
                irs[i] = SEQI(m); set(i, SYN_RX | SYN_ACK_TX); say(i, F_SYN, 0)
        :: else
        fi
}

/* First step: an acknowledgement. Only a SYN again, which asks for our SYN, gets that; a SYN,ACK that got one back would
 * be answered by one in turn, for ever, where both opened. */
inline not_wanted(i, m)
{
        if
#ifdef SYNACK_WAR
        :: HAS(m, F_SYN) && !ON(i, SYN_ACK_RX) -> say(i, F_SYN, 0)
        :: !HAS(m, F_SYN) || ON(i, SYN_ACK_RX) -> ack_now(i)
#else
        :: HAS(m, F_SYN) && !HAS(m, F_ACK) && !ON(i, SYN_ACK_RX) -> say(i, F_SYN, 0)
        :: else -> ack_now(i)
#endif
        fi
}

/* 3.10.7.4; windows hold everything from RCV.NXT up, so only what lies before it, or another incarnation, is refused */
inline synchronised(i, m)
{
        if
        :: SEQI(m) != irs[i] || SEQ(m) + (HAS(m, F_SYN) -> 1 : 0) + (HAS(m, F_FIN) -> 1 : 0) < RCV(i) ||
           (SEQ(m) < RCV(i) && SEQ(m) + (HAS(m, F_SYN) -> 1 : 0) + (HAS(m, F_FIN) -> 1 : 0) == RCV(i)) ->     /* first */
                if
                :: HAS(m, F_RST)
                :: else ->
#ifdef RST_ON_SYN
                        if
                        :: HAS(m, F_SYN) && SEQI(m) != irs[i] -> put(1 - i, MSG(F_RST, NXT(i), iss[i], 0, 0)); leave(i, true)
                        :: else -> not_wanted(i, m)
                        fi
#else
                        not_wanted(i, m)
#endif
                fi
        :: else ->
                if :: UNA(i) == NXT(i) -> tries[i] = 0 :: else fi;                              /* it lives */
                if
                :: HAS(m, F_RST) && SEQ(m) == RCV(i) -> give_up(i)                              /* second */
                :: HAS(m, F_RST) && SEQ(m) != RCV(i) -> ack_now(i)                              /* RFC 5961 3 */
                :: !HAS(m, F_RST) && HAS(m, F_SYN) -> ack_now(i)                                /* fourth, RFC 5961 4 */
                :: !HAS(m, F_RST) && !HAS(m, F_SYN) && !HAS(m, F_ACK)
                :: else ->                                                                      /* fifth */
                        if
                        :: ACKI(m) != iss[i] || ACK(m) > NXT(i) ->
                                if :: ON(i, SYN_ACK_RX) -> ack_now(i) :: else -> reset_for(i, m) fi
                        :: else ->
                                if
                                :: ACK(m) >= 1 && !ON(i, SYN_ACK_RX) -> set(i, SYN_ACK_RX); tries[i] = 0
                                :: else
                                fi;
                                if
                                :: ACK(m) == 2 && !ON(i, FIN_ACK_RX) -> set(i, FIN_ACK_RX); tries[i] = 0
                                :: else
                                fi;
                                if                                                              /* eighth */
                                :: HAS(m, F_FIN) && SEQ(m) == RCV(i) && ON(i, SYN_ACK_RX) -> set(i, FIN_RX | FIN_ACK_TX); ack_now(i)
                                :: else
                                fi;
                                both_done(i)
                        fi
                fi
        fi
}

#ifdef DEAD
#define SILENT(i) (crashed && i == 1)
#else
#define SILENT(i) false
#endif

inline arrives(i)
{
        take_any(i);
        if
        :: SILENT(i)
        :: !slot[i] && !SILENT(i) -> closed_or_listen(i, got[i])
        :: slot[i] && !ON(i, SYN_RX) -> syn_sent(i, got[i])
        :: slot[i] && ON(i, SYN_RX) && time_wait[i] ->
                if :: HAS(got[i], F_FIN) && !HAS(got[i], F_RST) && SEQI(got[i]) == irs[i] -> ack_now(i) :: else fi
        :: slot[i] && ON(i, SYN_RX) && !time_wait[i] -> synchronised(i, got[i])
        fi;
        got[i] = 0
}

/* A timer fires when nothing moves any more (`timeout`), and a bounded number of times too early. */
inline timer(i)
{
        if
        :: time_wait[i] -> leave(i, false)                                                       /* 2 MSL */
#ifndef NO_R2
        :: !time_wait[i] && tries[i] == R2 -> give_up(i)
#endif
        :: else ->
                if :: tries[i] < R2 -> tries[i]++ :: else fi;
                if
                :: !ON(i, SYN_RX) -> put(1 - i, MSG(F_SYN, 0, iss[i], 0, 0))
#ifndef NO_SYNACK_TIMER
                :: ON(i, SYN_RX) && !ON(i, SYN_ACK_RX) -> say(i, F_SYN, 0)
#endif
#ifndef NO_FIN_TIMER
                :: ON(i, FIN_TX) && !ON(i, FIN_ACK_RX) -> say(i, F_FIN, 1)
#endif
#ifndef NO_KEEPALIVE
                :: ON(i, SYN_ACK_RX) && (!ON(i, FIN_TX) || ON(i, FIN_ACK_RX)) -> say(i, 0, NXT(i) - 1)   /* an old number asks for an answer */
#endif
                :: else
                fi
        fi
}
/* 2 MSL and keep-alive times outlast the peer's retransmissions: those are waited for first. */
#define OUTLASTED(i) ((time_wait[i] || UNA(i) == NXT(i)) && slot[1 - i] && UNA(1 - i) < NXT(1 - i))
#ifdef NO_KEEPALIVE
#define TIMER_RUNS(i) (slot[i] && (time_wait[i] || UNA(i) < NXT(i)))
#else
#define TIMER_RUNS(i) slot[i]
#endif

/* When the application at i may close. */
#ifdef SERVER_FIRST
#define MAY_CLOSE(i) (i == 1 || ON(i, FIN_RX))
#else
#define MAY_CLOSE(i) true
#endif

proctype endpoint(byte i; bool opens)
{
        if
        :: opens -> atomic { slot[i] = true; set(i, SYN_TX); put(1 - i, MSG(F_SYN, 0, iss[i], 0, 0)) }
        :: !opens -> listening[i] = true
        fi;
end:    do
        :: atomic { !EMPTY(i) -> arrives(i) }
        :: atomic { slot[i] && BOTH_SYN(i) && !ON(i, FIN_TX) && MAY_CLOSE(i) ->
                first[i] = !ON(i, FIN_RX); set(i, FIN_TX); tries[i] = 0; say(i, F_FIN, 1) }
        :: atomic { early > 0 && slot[i] && !time_wait[i] && tries[i] < R2 - 1 && UNA(i) < NXT(i) -> early--; timer(i) }
        :: atomic { timeout && TIMER_RUNS(i) && EMPTY(0) && EMPTY(1) && !OUTLASTED(i) -> timer(i) }
#if defined(CRASH) || defined(DEAD)
        :: atomic { i == 1 && crash_may && slot[1] -> crash_may = false; crashed = true; slot[1] = false; st[1] = 0; over[1] = true; time_wait[1] = false }
#endif
        od
}

init
{
        atomic {
                iss[0] = 1;
                iss[1] = 2;
#ifdef OLD_SYN
                put(1, MSG(F_SYN, 0, OLD, 0, 0));
#endif
#ifdef BOTH_ACTIVE
                run endpoint(1, true);
#else
                run endpoint(1, false);
#endif
                run endpoint(0, true)
        }
}

#if defined(CRASH) || defined(DEAD)
#define CLEAN true
#else
#define CLEAN (!failed[0] && !failed[1])
#endif
ltl whole { [] CLEAN }
ltl ends { <> (over[0] && !slot[0] && !slot[1]) }
