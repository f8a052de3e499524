/* states_oracle.h - what RFC 9293 3.10.7 and RFC 5961 ask for at every state and kind of segment, written from their text and
 * not from the code. The names of states and kinds stand here, too. SPDX-License-Identifier: MIT */
#ifndef STATES_ORACLE_H
#define STATES_ORACLE_H

#include "trace.h"

enum point { CLOSED, LISTEN, SYN_SENT, HALF, SYN_RECEIVED, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, CLOSING, LAST_ACK,
            TIME_WAIT, POINTS };
static const char *const point_name[] = {"CLOSED", "LISTEN", "SYN_SENT", "SYN_RECEIVED (passive)", "SYN_RECEIVED (active)",
                                         "ESTABLISHED", "FIN_WAIT_1",
                                         "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT"};
enum seq_class { SEQ_NEXT, SEQ_OLD, SEQ_OVERLAP, SEQ_AHEAD, SEQ_OUTSIDE, SEQ_SYN, SEQS };
static const char *const seq_name[] = {"in order", "duplicate", "overlap", "ahead", "outside", "of its SYN"};
enum ack_class { ACK_NOTHING, ACK_OLD, ACK_ANCIENT, ACK_PART, ACK_ALL, ACK_FUTURE, ACKS };
static const char *const ack_name[] = {"nothing new", "old", "ancient", "part of data", "all (SYN, data, FIN)", "future"};

enum reply { R_NONE, R_ACK, R_RST, R_RST_ACK, R_SYN_ACK };
static const char *const reply_name[] = {"-", "ACK", "RST", "RST,ACK", "SYN,ACK"};

struct outcome { enum point to; bool gone; enum reply reply; u32 got; };
struct in { enum point at; u8 flags; enum seq_class sc; enum ack_class ac; u32 n; };

/* the sequence space at each point, relative: what we sent and what came */
enum { OUT = 100, WND = 4000, N = 10 };
static u32 rcv_nxt_of(enum point p) { return p == CLOSE_WAIT || p == CLOSING || p == LAST_ACK ||
                                     p == TIME_WAIT ? 2 : p <= SYN_SENT ? 0 : 1; }
static u32 una_of(enum point p) { return p <= SYN_RECEIVED ? 0 : p == FIN_WAIT_2 || p == TIME_WAIT ? OUT + 2 : 1; }
static u32 nxt_of(enum point p)
{
        switch (p) {
        case CLOSED: case LISTEN: return 0;
        case SYN_SENT: case HALF: case SYN_RECEIVED: return 1;
        case ESTABLISHED: case CLOSE_WAIT: return OUT + 1;
        default: return OUT + 2;
        }
}

static u32 seq_of(const struct in *i)
{
        static const int off[] = {0, -N, -N / 2, 50, 2 * WND, -1};
        return rcv_nxt_of(i->at) + (u32)off[i->sc];
}

static u32 ack_of(const struct in *i)
{
        u32 una = una_of(i->at), nxt = nxt_of(i->at);
        switch (i->ac) {
        case ACK_NOTHING: return una;
        case ACK_OLD: return una - 50;
        case ACK_ANCIENT: return una - 1000000;
        case ACK_PART: return nxt - una > 2 ? una + 50 : nxt;
        case ACK_ALL: return nxt;
        default: return nxt + 1;
        }
}

static bool between(u32 x, u32 lo, u32 n) { return x - lo < n; }

/* RFC 9293 3.10.7.4 seventh and eighth, once the acknowledgement is dealt with */
static void text_and_fin(struct outcome *o, const struct in *i, u32 seq, u32 rcv_nxt)
{
        bool fin = i->flags & T_FIN;
        u32 end = seq + i->n;
        if (o->to != ESTABLISHED && o->to != FIN_WAIT_1 && o->to != FIN_WAIT_2)
                return; /* "should not occur": ignored */
        if (!i->n && !fin)
                return;
        o->reply = R_ACK;
        if ((s32)(seq - rcv_nxt) > 0)
                return; /* ahead: kept, not counted */
        o->got = (s32)(end - rcv_nxt) > 0 ? end - rcv_nxt : 0;
        if (fin && (s32)(end - rcv_nxt) >= 0)
                o->to = o->to == ESTABLISHED ? CLOSE_WAIT : o->to == FIN_WAIT_1 ? CLOSING : TIME_WAIT;
}

static struct outcome oracle_closed(const struct in *i)
{
        if (i->flags & T_RST)
                return (struct outcome){CLOSED, 0, R_NONE, 0};
        return (struct outcome){CLOSED, 0, i->flags & T_ACK ? R_RST : R_RST_ACK, 0};
}

static struct outcome oracle_listen(const struct in *i)
{
        struct outcome o = {LISTEN, 0, R_NONE, 0};
        if (i->flags & T_RST)
                return o;
        if (i->flags & T_ACK)
                o.reply = R_RST;
        else if (i->flags & T_SYN)
                o = (struct outcome){HALF, 0, R_SYN_ACK, 0};
        return o;
}

static struct outcome oracle_syn_sent(const struct in *i)
{
        struct outcome o = {SYN_SENT, 0, R_NONE, 0};
        u32 ack = ack_of(i);
        bool good = ack == 1;
        if ((i->flags & T_ACK) && !good) {
                o.reply = i->flags & T_RST ? R_NONE : R_RST;
        } else if (i->flags & T_RST) {
                o.gone = i->flags & T_ACK;
        } else if ((i->flags & T_SYN) && (i->flags & T_ACK)) {
                o.to = ESTABLISHED;
                text_and_fin(&o, i, 1, 1);
                o.reply = R_ACK;
        } else if (i->flags & T_SYN) {
                o = (struct outcome){SYN_RECEIVED, 0, R_SYN_ACK, 0};
        }
        return o;
}

static struct outcome oracle_time_wait(const struct in *i)
{
        struct outcome o = {TIME_WAIT, 0, R_NONE, 0};
        u32 seq = seq_of(i), space = i->n + ((i->flags & T_SYN) != 0) + ((i->flags & T_FIN) != 0);
        if (i->flags & T_RST)
                return o; /* RFC 1337 */
        if ((i->flags & (T_SYN | T_ACK)) == T_SYN && (s32)(seq - rcv_nxt_of(TIME_WAIT)) >= 0)
                return (struct outcome){HALF, 0, R_SYN_ACK, 0}; /* MAY-2 */
        if (!(i->flags & (T_SYN | T_ACK)) && (s32)(seq - rcv_nxt_of(TIME_WAIT)) >= 0)
                return o; /* fifth: without ACK */
        /* every one that is not what would come next; its window is not known any more */
        o.reply = space || seq != rcv_nxt_of(TIME_WAIT) ? R_ACK : R_NONE;
        return o;
}

static struct outcome oracle(const struct in *i)
{
        struct outcome o = {i->at, 0, R_NONE, 0};
        u32 seq = seq_of(i), ack = ack_of(i), nxt = rcv_nxt_of(i->at), una = una_of(i->at), snd = nxt_of(i->at);
        u32 space = i->n + ((i->flags & T_SYN) != 0) + ((i->flags & T_FIN) != 0);
        switch (i->at) {
        case CLOSED: return oracle_closed(i);
        case LISTEN: return oracle_listen(i);
        case SYN_SENT: return oracle_syn_sent(i);
        case TIME_WAIT: return oracle_time_wait(i);
        default: break;
        }
        if (i->at == HALF && i->sc == SEQ_SYN && (i->flags & (T_SYN | T_ACK | T_RST)) == T_SYN)
                return (struct outcome){HALF, 0, R_SYN_ACK, 0}; /* R156: our SYN,ACK was lost */
        if (i->at == SYN_RECEIVED && i->sc == SEQ_SYN && (i->flags & (T_SYN | T_ACK | T_RST)) == (T_SYN | T_ACK) && ack == 1) {
                o.to = ESTABLISHED; /* figure 8, line 6 */
                text_and_fin(&o, i, 1, 1);
                o.reply = R_ACK;
                return o;
        }
        bool acceptable = space == 0 ? between(seq, nxt, WND) : between(seq, nxt, WND) || between(seq + space - 1, nxt, WND);
        if (!acceptable) { /* first */
                o.reply = i->flags & T_RST ? R_NONE : R_ACK;
                return o;
        }
        if (i->flags & T_RST) { /* second, with RFC 5961 3.2 */
                if (seq != nxt)
                        o.reply = R_ACK;
                else if (i->at == HALF)
                        o.to = LISTEN;
                else
                        o.gone = true;
                return o;
        }
        if (i->flags & T_SYN) { /* fourth, with RFC 5961 4.2 */
                o.reply = R_ACK;
                return o;
        }
        if (!(i->flags & T_ACK)) /* fifth */
                return o;
        if (i->at == HALF || i->at == SYN_RECEIVED) {
                if (ack != 1) {
                        o.reply = R_RST;
                        return o;
                }
                o.to = ESTABLISHED;
        } else if ((s32)(ack - snd) > 0 || (s32)(ack - (una - 65535)) < 0) { /* RFC 5961 5.2 */
                o.reply = R_ACK;
                return o;
        }
        if (ack == snd && i->at == FIN_WAIT_1)
                o.to = FIN_WAIT_2;
        if (ack == snd && i->at == CLOSING)
                return (struct outcome){TIME_WAIT, 0, R_NONE, 0};
        if (ack == snd && i->at == LAST_ACK) {
                o.gone = true;
                return o;
        }
        text_and_fin(&o, i, seq, nxt);
        return o;
}

#endif
