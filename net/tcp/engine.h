/* engine.h - one stack's TCP: its state, and what its files call of each other. Not segments (segments.h), nor what is
 * outstanding (flight.h) or no connection (passive.h).
 * SPDX-License-Identifier: MIT */
#ifndef TCP_ENGINE_H
#define TCP_ENGINE_H

#include "channel.h"
#include "flight.h"
#include "ip.h"
#include "limits.h"
#include "passive.h"
#include "segments.h"
#include "seq.h"
#include "stack.h"
#include "tcb.h"

/* Equal objects on a free list (pool.c). */
struct cellpool { void *free; u32 n_free, n_total, keep; }; /* keep: an eighth. More may be linked than n_free: those are promised (calm.c) */

bool pool_make(struct stack *st, struct cellpool *pool, u32 n, u32 size);
static inline void *pool_get(struct cellpool *pool) /* not zeroed; NULL when empty */
{
        if (unlikely(!pool->n_free))
                return NULL;
        void *cell = pool->free;
        pool->free = *(void **)cell;
        pool->n_free--;
        return cell;
}
static inline void pool_put(struct cellpool *pool, void *cell)
{
        *(void **)cell = pool->free;
        pool->free = cell;
        pool->n_free++;
}

struct tcblist { struct tcb *first, *last; };

struct tcp_counters {
        u32 active_opens, passive_opens, in_segs, out_segs, retrans_segs, out_rsts, cookies_sent, cookies_good, challenges,
            tlp_probes, fast_recoveries, timeouts, undos, timewait_evicted, reclaimed, rekeys, blackholes, tfo_accepted,
                    tfo_fallback;
};

struct tcp_state {
        struct stack     *st;
        struct conv_state *conv;
        struct handoff   *handoff;      /* NULL: not configured (net/handoff) */
        struct tcb      **bucket;
        u32               key[2];       /* of the lookup hash, odd */
        u32               shift;        /* 32 - log2(buckets) */
        u32               rekey_ms;
        u32               rto_min_ms, rto_floor_ms; /* least of the variance's share, and of all of it (tcp_set_rto_min) */
        u32               calm_ms;      /* no calm run has to be looked at earlier (calm.c) */
        const u8         *isn_key;      /* the stack's own, or the cluster's */
        struct tcb       *free_tcb, *pool;
        u32               n_pool, n_tcbs, hand; /* hand: where reclaim looks next */
        struct listener  *listeners, *free_listener;
        struct tcp_others *others;      /* who is not yet, or no longer, a connection: buckets by the same hash, ... */
        u32               oshift;       /* ... this many bits less of it */
        struct synq      *synq_pool, *free_synq;
        u32               n_synq, n_half, n_fastopen;
        struct { struct synq *first, **end; } half[SYNACK_LISTS]; /* by tries; end: where the next one goes */
        struct timer      half_timer;
        struct timewait  *tw;
        u32               n_tw, tw_first, tw_count;
        struct timer      tw_timer;
        u32               tw_ahead_ms;  /* when an empty segment ahead of TIME_WAIT was answered last */
        struct through   *through;      /* NULL: there is no transparent proxy (net/handoff) */
        struct cellpool   cells;        /* struct sndent, struct sent */
        struct cellpool   flights, reasms;
        struct tcb       *due[TCP_DUE]; /* st->n_due wait for the end of the batch, in order; NULL = gone since, if not alone */
        struct pkt       *answer;       /* of the one in `due`, alone: read when it came to owe an answer, which goes out in it */
        struct tcblist    batch, delack; /* batch: those that found `due` full */
        struct timer      delack_timer, batch_timer;
        u32               depth;        /* the stack is delivering: what users queue leaves when they return */
        const void       *line;         /* the buffer that the straight line tells a user of, while it is to be given back when it is read; else
                                         * this struct, which is no queue's first */
        u32               cookie_ms;    /* when a SYN cookie was last sent */
        bool              cookies_out;
        u32               challenge_ms, challenge_n;
        u32               tfo_clock;
        struct tcp_counters count;
        struct listener  *lbucket[TCP_LISTEN_BUCKETS];
        struct tfo_peer   tfo[TCP_TFO_CACHE];
};

static inline struct stack *tcb_stack(const struct tcb *t) { return t->ts->st; }
static inline struct conv *conv_of(const struct tcb *t) { return &t->ts->conv->pool[t->conv - 1]; } /* only where t->conv */
static inline u32 tcb_now_ms(const struct tcb *t) { return t->ts->st->wheel.now_ms; }
static inline u32 tcb_now_us(const struct tcb *t) { return (u32)t->ts->st->now_us; }
static inline u32 tcb_outstanding(const struct tcb *t) { return t->snd_nxt - t->snd_una; }
/* Something is outstanding, and it is a calm run. */
static inline bool tcb_calm(const struct tcb *t) { return t->timer_kind >= TT_CALM && t->snd_una != t->snd_nxt; }
static inline u32 tcb_rto(const struct tcb *t) { return t->rto_ms ? t->rto_ms : rtt_base_rto(t); }
static inline u32 tcb_rcv_wnd(const struct tcb *t) { return t->rcv_adv - t->rcv_nxt; }

/* On its way to another node (tcb_freeze): nobody speaks for it here. It may be so since its own event, which went on. */
static inline bool tcb_frozen(const struct tcb *t) { return t->next == t; }

/* The last sixteenth of the buffers is for acknowledgements, ours and theirs: text is not queued any more. If it were, queues
 * that wait for each other's acknowledgement could hold every buffer, and nothing would ever come in or go out again. */
static inline bool tcp_short_of_buffers(const struct stack *st) { return st->pkts.n_free < st->pkts.n_short; }

/* pool.c */
struct tcb *tcb_take(struct tcp_state *ts);      /* a slot, nothing queued, not in the table; NULL when all are taken */
struct tcb *tcb_new(struct tcp_state *ts);       /* the same, zeroed */
void tcb_free(struct tcb *t);                    /* everything it holds too; at the end of its event when BUSY */

/* lookup.c: one keyed multiply hash for all tables. Addresses and ports as in memory; ports as an arriving header holds them. */
static inline u32 tcp_hash(const struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports)
{
        return (raddr ^ laddr) * ts->key[0] + ports * ts->key[1];
}
static inline struct tcb *tcp_lookup(const struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports)
{
        struct tcb *t = ts->bucket[tcp_hash(ts, raddr, laddr, ports) >> ts->shift];
        while (t && (t->ports != ports || t->raddr != raddr || t->laddr != laddr))
                t = t->next;
        return t;
}
static inline struct tcp_others *tcp_others(const struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports)
{
        return &ts->others[tcp_hash(ts, raddr, laddr, ports) >> ts->shift >> ts->oshift];
}
static inline u32 tcp_n_others(const struct tcp_state *ts) { return 1u << (32 - ts->shift - ts->oshift); }
u32 tcp_ip_id(u32 laddr, u32 raddr, u8 ttl, u8 tos);     /* open.c: tcb.h's ip_id */
/* synq.c: a free entry that is filled in becomes one of this bucket, and waits for its SYN,ACK's acknowledgement from now on. */
static inline void synq_enter(struct tcp_state *ts, struct synq *q, struct synq **bucket)
{
        q->next = *bucket;
        *bucket = q;
        ts->n_half++;
        q->ip_id = tcp_ip_id(q->laddr, q->raddr, q->l->like.ttl, q->l->like.tos);
        q->sent_us = (u32)ts->st->now_us;
        q->live = true;
        synq_wait(ts, q);
}
bool tcp_tables(struct tcp_state *ts);
struct synq *synq_unhash(struct tcp_state *ts);
void synq_rehash(struct tcp_state *ts, struct synq *all);
void timewait_rehash(struct tcp_state *ts);
void tcp_insert(struct tcb *t);
void tcp_remove(struct tcb *t);
void tcp_forget_flow(const struct tcb *t);       /* it has names, but is not in the table */

/* recv.c */
/* Of a receive queue that is not empty: rcv_last is noted when there are two buffers, and the first of two is not all of it. */
static inline struct pkt *rcvq_last(const struct tcb *t)
{
        return t->rcv_first->len == t->rcv_queued ? t->rcv_first : t->rcv_last;
}
static inline struct pkt *rcvq_get(struct tcb *t)                         /* the first buffer is the caller's; NULL: there is none */
{
        struct pkt *p = t->rcv_queued ? t->rcv_first : NULL;
        if (p) {
                t->rcv_queued -= p->len;
                t->rcv_first = p->next;
        }
        return p;
}
void rcvq_free(struct tcb *t);                                            /* pool.c: what is not read goes back */
void tcp_consume_part(struct tcb *t, u32 n);                              /* tcp_consume, whatever there is */
void tcp_window_read(struct tcb *t);                                      /* something was read: is a window update due? */

/* batch.c: what waits for the end of the batch, and delayed acknowledgements. */
void tcp_queue_batch(struct tcb *t);                                      /* a batch is being processed: its end will come */
void tcp_batch_rest(struct stack *st);                                    /* tcp_batch_end, whatever waits */
void tcp_queue_soon(struct tcb *t);                                       /* perhaps outside of any batch */
void tcp_ack_later(struct tcb *t);
void tcp_into_delack(struct tcb *t);                                      /* owed since tcp_ack_later: onto the list */
void tcp_unlink(struct tcb *t);

/* open.c */
void tcb_set_opts(struct tcb *t, const struct tcp_opts *o);
void tcp_opts_agree(struct tcp_opts *o);                                  /* what syn_layout leaves out is switched off */
void tcb_set_names(struct tcb *t, u32 raddr, u32 laddr, u32 ports, const struct tcp_way *way); /* way NULL: by route */
/* IP's checksum of what it sends is then the complement of the length. A datagram that may not be fragmented needs no number of its
 * own (RFC 6864 4.1), and this one tells nobody how busy we are. After a change of addresses, TTL or TOS. */
void tcb_set_ip_id(struct tcb *t);
void tcb_reroute(struct tcb *t);
void tcb_set_mss(struct tcb *t);
u16 tcp_announce_mss(struct tcp_state *ts, ipaddr dst, const struct tcp_opts *o);
u8 tcp_scale_for(const struct tcp_state *ts, const struct tcp_opts *o);
/* Full segments of the peer are about as long, as far as we know before any came. */
static inline void tcb_expect_mss(struct tcb *t, u32 ours)
{
        t->rcv_mss = (u16)min_u32(TCP_MSS_DEFAULT, max_u32(ours, 2 * TCP_TS_LEN) - TCP_TS_LEN);
}
/* `len` bytes came in one piece: no segment is larger than its interface carries, what is was merged from several on its way up. */
static inline void tcb_saw_mss(struct tcb *t, u32 len)
{
        if (unlikely(len > t->rcv_mss))
                t->rcv_mss = (u16)max_u32(t->rcv_mss, min_u32(len, tcb_stack(t)->nif[t->nif]->mtu - 40u));
}
u32 tcp_rcvbuf(const struct tcp_state *ts, const struct tcp_opts *o);

/* net/handoff/handoff.c: segments of no connection here. true: p is consumed. */
struct handoff;
bool handoff_rx(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p);
/* net/handoff/tunnel.c: the largest segment that clients of v may send, when v is a service address and a node behind a router
 * may get them. */
u32 handoff_mss(struct handoff *h, ipaddr v);
/* net/handoff/through.c: on behalf of another machine's address nothing is offered that cannot be translated. */
struct through;
void through_offers(const struct through *th, struct synq *q);

/* uto.c: RFC 5482. */
u16 uto_field(u32 ms);                                                    /* the option's value; 0 ms = what we do by default */
u32 uto_put(struct tcb *t, u8 *o);                                        /* the option, 4 bytes */
void uto_arrives(struct tcb *t, u16 field);

/* timer.c */
void tcp_timer_fired(struct timer *tm);
void tcp_timer(struct tcb *t, enum tcp_timer_kind kind, u32 in_ms);
void tcp_timer_rearm(struct tcb *t);                                      /* picks what the connection needs now */
u32 tcp_rtx_wait(const struct tcb *t);                                    /* ms: the time-out, or the user's, if that is sooner */
void tcp_timer_keep(struct tcb *t);                                       /* the same, but what runs already is not put off */
void tcp_delack_fired(struct timer *tm);
void tcp_batch_fired(struct timer *tm);

/* isn.c */
u32 tcp_isn(struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports, u32 *ts_off);
u16 tcp_pick_port(struct tcp_state *ts, ipaddr src, ipaddr dst, u16 dport);
bool tcp_tuple_taken(struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports);

/* error.c, pmtu.c: what ICMP says. */
void tcp_icmp(struct stack *st, u8 type, u8 code, u16 mtu, const struct ip_hdr *quoted, const u8 *l4);
void pmtu_learn(struct tcb *t, u16 mtu);
void pmtu_blackhole(struct tcb *t);
u32 pmtu_probe(const struct tcb *t, u32 unsent);
void pmtu_acked(struct tcb *t, u32 ack);                                  /* only while a probe is out */
bool pmtu_probe_lost(struct tcb *t);
static inline bool pmtu_is_low(const struct tcb *t) { return unlikely(t->pmtu < tcb_stack(t)->nif[t->nif]->mtu); }

#endif
