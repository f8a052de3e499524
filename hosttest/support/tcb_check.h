/* tcb_check.h - what must be true of every connection whenever the stack is at rest; a broken one ends the program.
 * SPDX-License-Identifier: MIT */
#ifndef TCB_CHECK_H
#define TCB_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../net/tcp/engine.h"
#include "cksum.h"

/* A fuzzer learns nothing from the way through these checks, and would spend most of its time on noting it. */
#ifdef __clang__
#define UNSEEN __attribute__((no_sanitize("coverage")))
#else
#define UNSEEN
#endif

#define MUST(what) do { if (!(what)) { fprintf(stderr, "invariant broken: %s (%s:%d, %s)\n", #what, __FILE__, __LINE__, tcp_state_name(t)); abort(); } } while (0)

/* SND.UNA to SND.NXT is covered by runs without gaps, and the sums over them are right. */
UNSEEN static inline void check_scoreboard(const struct tcb *t, u32 *cells)
{
        const struct flight *f = t->flight;
        u32 sacked = 0, lost = 0, retrans = 0, n_sacked = 0, at = t->snd_una;
        MUST(t->rto_ms || t->timer_kind >= TT_CALM);
        MUST(t->timer_kind != TT_REPLY && t->timer_kind != TT_READY); /* sent, listed, or given back at the end of the event */
        if (t->timer_kind >= TT_CALM) {
                u32 least = t->ts->calm_ms;
                MUST(!f && !t->reasm && !t->conv && t->srtt_us && t->min_rtt_us && t->cwnd / 2 > t->mss && tcb_rto(t) >= least);
                MUST(timer_running(&t->timer) && (s32)(t->timer.due_ms - tcb_now_ms(t) - least) <= 0);
                MUST(tcb_now_us(t) - t->calm_tx_us < (2 * least + 2) * 1000);
                const struct sndent *e = t->snd_first;
                MUST(!e || (e->has_sum && (!e->next || (e->next->has_sum && !e->next->next))));
                MUST(t->timer_kind != TT_REPLIED || (!e && tcb_calm(t) && t->snd_queued <= t->mss));
                MUST(t->timer_kind != TT_REPLIED || t->reply_most <= min_u32(min_u32(t->mss, t->snd_wnd), t->sndbuf));
                *cells += t->timer_kind == TT_REPLIED; /* promised */
                MUST(!tcb_calm(t) || t->snd_queued == tcb_outstanding(t) - (t->state & FIN_TX ? 1u : 0u));
                return;
        }
        if (!f) {
                MUST(tcb_outstanding(t) == 0);
                return;
        }
        const struct sent *last = NULL, *again = NULL;
        u32 n_again = 0;
        bool settled = f->settled != NULL;
        for (const struct sent *r = f->first; r; last = r, r = r->next) {
                *cells += r != &f->one; /* which lies in the flight */
                u32 n = r->end - r->seq;
                MUST(r->seq == at && (s32)n > 0);
                at = r->end;
                MUST(!((r->flags & SENT_SACKED) && (r->flags & (SENT_LOST | SENT_RTX))));
                sacked += r->flags & SENT_SACKED ? n : 0;
                n_sacked += r->flags & SENT_SACKED ? 1 : 0;
                lost += r->flags & SENT_LOST ? n : 0;
                n_again += r->flags & SENT_RTX ? 1 : 0;
                MUST(!settled || (r->flags & (SENT_SACKED | SENT_LOST | SENT_RTX)));
                settled &= r != f->settled;
                retrans += r->flags & SENT_RTX ? n : 0;
        }
        MUST(f->last == last);
        MUST(!settled); /* it is one of the runs */
        for (const struct sent *r = f->again_first; r; again = r, r = r->again, n_again--)
                MUST((r->flags & SENT_RTX) && (!again || again->tx_us - r->tx_us - 1 > 1u << 28)); /* the clock goes round in 71 minutes */
        MUST(f->again_last == again && !n_again);
        MUST(!f->first || at == t->snd_nxt);
        MUST(sacked == f->sacked && lost == f->lost && retrans == f->retrans && n_sacked == f->n_sacked);
}

UNSEEN static inline void check_send_queue(const struct tcb *t, u32 *cells)
{
        u32 n = 0, n_sent = t->snd_nxt - t->snd_una - (t->state & SYN_ACK_RX ? 0 : 1);
        const struct sndent *last = NULL;
        bool cur = !t->flight || !t->flight->cur || (t->state & FIN_TX);
        for (const struct sndent *e = t->snd_first; e; last = e, e = e->next, ++*cells) {
                MUST(e->len > 0);
                n += e->len;
                if (t->flight && t->flight->cur == e && !(t->state & FIN_TX)) {
                        cur = true; /* its place may be told from an entry further in front */
                        MUST(n - e->len + t->flight->cur_off == n_sent);
                }
        }
        MUST(cur);
        MUST(!last || last == t->snd_last);
        MUST(t->timer_kind == TT_REPLIED || n == t->snd_queued);
        n = t->snd_queued;
        u32 syn = t->state & SYN_ACK_RX ? 0 : t->snd_nxt != t->iss, fin = (t->state & FIN_TX) && !(t->state & FIN_ACK_RX);
        MUST(tcb_outstanding(t) <= n + syn + fin);
        MUST(!fin || tcb_outstanding(t) == n + syn + fin);
}

UNSEEN static inline void check_receive(const struct tcb *t)
{
        u32 n = 0;
        const struct pkt *last = NULL;
        for (const struct pkt *p = t->rcv_first; n < t->rcv_queued; last = p, p = p->next) {
                MUST(p->len > 0 && p->refs >= 1);
                n += p->len;
        }
        MUST(!(t->flags & TCB_MORE_FLAGS) || !t->pred || (t->pred & (TCB_MORE | TCB_KNOWN)) == TCB_MORE);
        MUST((!n || last == rcvq_last(t)) && n == t->rcv_queued);
        MUST(!(t->state & SYN_RX) || seq_le(t->rcv_nxt, t->rcv_adv + 1)); /* a FIN may take one more */
        if (!t->reasm)
                return;
        u32 at = t->rcv_nxt, bytes = 0, pkts = 0;
        MUST(t->reasm->first && !(t->state & FIN_RX));
        for (struct pkt *p = t->reasm->first; p; p = p->next, pkts++) {
                const struct ooo *o = ooo_of(p);
                MUST(seq_gt(o->seq, t->rcv_nxt) && seq_ge(o->seq, at) && o->end - o->seq == p->len);
                at = o->end;
                bytes += p->len;
                MUST(p->next || t->reasm->last == p);
        }
        MUST(bytes == t->reasm->bytes && pkts == t->reasm->n_pkts && seq_le(at, t->rcv_adv));
        for (u32 i = 0; i < t->reasm->n_blocks; i++)
                MUST(seq_lt(t->reasm->block[i].start, t->reasm->block[i].end) && seq_gt(t->reasm->block[i].end, t->rcv_nxt));
}

UNSEEN static inline void tcb_check(const struct tcb *t, u32 *cells)
{
        MUST(t->conv ? tcp_byte_legal_qure(t->state) : tcp_byte_legal(t->state));
        MUST(tcp_lookup(t->ts, t->raddr, t->laddr, t->ports) == t);
        MUST(!(t->flags & (TF_BUSY | TF_DEAD)));
        MUST(!(t->state & FIN_TX) || (t->flags & TF_FIN_QUEUED)); /* may_queue asks for no more */
        MUST(cksum_fold(cksum_plus(cksum_plus(t->laddr, t->raddr), cksum_plus(t->ip_id, 0x645u + t->ttl + (t->tos << 8)))) == 0xffff);
        MUST(t->mss > 0 || !(t->state & SYN_RX));
        MUST(t->cwnd >= t->mss || !(t->state & SYN_RX) || (t->flight && t->flight->ca == CA_RECOVERY));
        /* bytes on the way, or waiting with nothing on the way, always have a timer that will do something about it */
        bool waits = tcb_outstanding(t) || ((t->state & SYN_ACK_RX) && (tcp_unsent(t) || tcp_fin_due(t)) && !(t->flags & (TF_QUEUED | TF_WANT_TX)));
        MUST(!waits || (t->timer_kind != TT_NONE && timer_running(&t->timer)));
        check_scoreboard(t, cells);
        check_send_queue(t, cells);
        check_receive(t);
}

/* flight_get relies on it: behind `rest` a free flight is zero. */
UNSEEN static inline u32 check_free_flights(const struct tcp_state *ts)
{
        const struct tcb *t = &ts->pool[0];
        static const struct flight zero;
        u32 n = 0;
        for (const struct flight *f = ts->flights.free; f; f = *(struct flight *const *)f, n++)
                MUST(!memcmp(f->rest, zero.rest, sizeof *f - offsetof(struct flight, rest)));
        return n;
}

/* Every connection of a stack at rest, and its pools: what is not free is somebody's. */
UNSEEN static inline void tcp_check(struct stack *st)
{
        struct tcp_state *ts = st->tcp;
        u32 cells = 0, flights = 0, calm = 0, reasms = 0, n = 0;
        const struct tcb *t = NULL;
        for (u32 i = 0; i < ts->n_pool; i++) {
                t = &ts->pool[i];
                if (!t->ports)
                        continue;
                n++;
                flights += t->flight != NULL;
                calm += tcb_calm(t);
                reasms += t->reasm != NULL;
                tcb_check(t, &cells);
        }
        t = &ts->pool[0];
        MUST(ts->depth == 0 && n == ts->n_tcbs);
        MUST(cells == ts->cells.n_total - ts->cells.n_free);
        MUST(check_free_flights(ts) == ts->flights.n_free + calm); /* promised, and not taken */
        MUST(flights + calm == ts->flights.n_total - ts->flights.n_free && reasms == ts->reasms.n_total - ts->reasms.n_free);
}

#endif
