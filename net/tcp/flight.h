/* flight.h - what exists only while bytes are queued, outstanding or out of order, and what loss does to the rate.
 * SPDX-License-Identifier: MIT */
#ifndef TCP_FLIGHT_H
#define TCP_FLIGHT_H

#include "seq.h"
#include "tcb.h"

/* A piece of the send queue: bytes by reference. */
struct sndent {
        struct sndent *next;
        const u8      *ptr;
        u32            len;
        u32            sum;      /* partial checksum of exactly these bytes, when has_sum */
        struct pkt    *hold;     /* buffer that holds them, or NULL for memory that stays */
        bool           has_sum;
        bool           odd;      /* reserved for alignment of `sum`: false */
};

/* A run of sequence space sent at one time (RFC 8985's segment record). Sorted by seq, without gaps, from SND.UNA to SND.NXT. */
struct sent {
        struct sent *next;
        u32          seq, end;
        u32          tx_us;      /* when last sent */
        u8           flags;      /* enum sent_flag */
        u8           n_rtx;
        struct sent *again;      /* with SENT_RTX: the one that was sent again after it */
};
enum sent_flag { SENT_SACKED = 1, SENT_LOST = 2, SENT_RTX = 4 /* sent again since it was marked lost */, SENT_EVER_RTX = 8,
                SENT_PROBE = 16 };

enum ca_state { CA_OPEN, CA_CWR, CA_RECOVERY, CA_LOSS };

/* Everything that exists only while something is outstanding. What lies behind `rest` is zero in a free cell: flight_get sets
 * only what is in front, and flight_put clears the rest unless the flight was `calm` all its life. Who writes to the rest makes
 * sure that it is not calm any more; tcp_timer_fired, tcp_ack_arrives and, for what it sees in the flight, tcp_predict do it for most. */
struct flight {
        struct sent   *first, *last;
        struct sndent *cur;         /* entry that holds SND.NXT's byte, or the last one when all is sent */
        u32            cur_off;     /* bytes of cur already sent */
        u32            small_end;   /* end of the last segment that was not full (Minshall's Nagle) */
        bool           calm;
        bool           cwnd_limited;
        u8             reo_mult;    /* RACK's window, quarters of the smallest round trip */
        u32            recover;     /* recovery ends when SND.UNA reaches it */
        u32            fack;        /* highest byte sacked */
        u32            tlp_end;
        struct sent    one;         /* the first run, when it was a calm one (calm.c): not one of the cells */
        char           rest[0];
        u32            sacked, lost, retrans; /* bytes; pipe = outstanding - sacked - lost + retrans (RFC 6675) */
        u32            n_sacked;    /* records with SENT_SACKED */
        u32            delivered;   /* bytes newly acknowledged or sacked by the ACK in hand */
        u32            prior_cwnd, prior_ssthresh, prior_w_max;
        u32            undo_rtx;    /* retransmitted segments not yet proven needless */
        u32            prr_delivered, prr_out, recover_fs;
        /* RACK */
        struct sent   *again_first, *again_last; /* runs with SENT_RTX, in order of tx_us */
        struct sent   *settled;     /* up to here no run is left that was sent once and is neither sacked nor lost; or NULL */
        u32            rack_tx_us, rack_end, rack_rtt_us, dsack_round;
        u8             reo_persist;
        bool           reordering, dsack_seen, rack_on;
        /* TLP */
        bool           tlp_out, tlp_rtx, tlp_dsack;
        u8             ca;          /* enum ca_state */
        u8             dupacks;     /* without SACK: each stands for one segment that left the network */
        u8             dups;        /* ... since SND.UNA moved, by una_step (0: not since the time-out) */
        u32            una_step;
        bool           undo_on;     /* the reduction may still prove needless */
        u32            rtx_stamp;   /* our timestamp clock when recovery began */
        u32            probe_end;   /* end of a segment larger than mss, 0 = none is out (pmtu.c) */
        u32            reo_wait_us; /* RACK: look again after this, 0 = no need */
        /* HyStart++ (hystart.c): this acknowledgement's measure, 0 = none; the round's end, smallest and number; the smallest of the
         * round before, of the round that went over to the slow kind; and how many rounds are left of that, 0 = not in it */
        u32            hs_rtt, hs_end, hs_min, hs_last, hs_base;
        u8             hs_n, hs_css;
        /* CUBIC */
        bool           epoch_on, prior_epoch;
        u32            epoch_ms, k_ms, w_est, acked_part, cubic_origin;
        /* opening */
        u8             syn_layout[TCP_SYN_LAYOUT];
        u8             tfo_len, tfo_cookie[16];
        bool           tfo_ask, syn_data, ecn_ask;
        bool           offer_ws, offer_ts, offer_sack;
        u8             urg_pad;
        u16            our_mss;     /* announced in SYN */
};

/* Out-of-order data: packets sorted by sequence, and the blocks to tell, newest first (RFC 2018 4). */
struct reasm {
        struct pkt       *first, *last;
        u32               bytes, n_pkts;
        struct sack_block block[4];
        u8                n_blocks;
        bool              forgot;   /* there were more blocks than these: what is queued tells how far one reaches */
};

/* Kept in the first bytes of a queued packet's buffer, in front of its data: its place in the stream. */
struct ooo { u32 seq, end; bool fin, psh; };
static inline struct ooo *ooo_of(struct pkt *p) { return (struct ooo *)p->head; }

/* reasm.c */
void reasm_insert(struct tcb *t, struct pkt *p, u32 seq, u32 len, bool fin, bool psh, struct sack_block *dup);
/* text that is next reaches to `end`: what of it is queued already is told as *dup, unless that is known to repeat something */
void reasm_repeated(const struct reasm *r, u32 end, struct sack_block *dup);
/* moves what is now in order; true when the FIN was reached */
bool reasm_collect(struct tcb *t);
void reasm_free(struct tcb *t);
/* gives back the buffer that is the furthest ahead, for one that is next; false when there is none */
bool reasm_evict(struct tcb *t);

/* sack.c: the peer's blocks onto the scoreboard. */
void tcp_sack_arrives(struct tcb *t, const struct tcp_seg *s);

/* sent.c: the scoreboard. */
bool sent_room(const struct tcb *t);
void sent_add(struct tcb *t, u32 seq, u32 end);                           /* new at SND.NXT */
bool sent_split(struct tcb *t, struct sent *r, u32 at);
void sent_join(struct tcb *t);
void sent_ack(struct tcb *t, u32 ack, u32 *rtt_us, const u32 *tsecr);
void sent_mark(struct tcb *t, struct sent *r, u8 flag);                   /* sets SACKED or LOST, keeping the sums */
void sent_again(struct tcb *t, struct sent *r);                           /* it went out once more, behind all others */
u32 sent_since(const struct tcb *t, const struct sent *r);                /* microseconds since it was sent last, at least 1 */
struct sent *sent_next_lost(struct tcb *t);
u32 tcp_pipe(const struct tcb *t);
bool flight_make(struct tcb *t);
static inline bool flight_get(struct tcb *t) { return likely(t->flight != NULL) || flight_make(t); }
void flight_put(struct tcb *t);
void sent_put(struct tcb *t, struct sent *r);                             /* gives the record of a run back */

/* calm.c */
bool calm_begin(struct tcb *t);                                           /* the run that follows may be a calm one */
enum { CALM_NO_RTT = 0xffffffff };                                        /* min_rtt_us of who was calm before one was measured */
bool calm_enter(struct tcb *t);                                           /* the same, as far as the queue has no say in it */
void calm_acked(struct tcb *t);                                           /* all of it, and nothing else is queued */
void calm_ready(struct tcb *t);                                           /* of TT_REPLIED: the user may answer what came with that */
void calm_end(struct tcb *t);
void calm_settle(struct tcb *t);
/* What is queued is listed from snd_first on. */
static inline void sndq_list(struct tcb *t)
{
        if (unlikely(t->timer_kind > TT_CALM))
                calm_settle(t);
}
/* From here on everything is where it belongs: what is outstanding in a flight, times in their fields. */
static inline void flight_wake(struct tcb *t)
{
        if (unlikely(t->timer_kind >= TT_CALM))
                calm_end(t);
}

/* rack.c: RFC 8985. */
void rack_update(struct tcb *t, const struct sent *r);
u32 rack_reo_wnd(const struct tcb *t);                                    /* microseconds */
bool rack_detect(struct tcb *t);                                          /* true when something was newly marked lost */
void rack_reo_timeout(struct tcb *t);
void rack_dsack(struct tcb *t);
void rack_recovered(struct tcb *t);
void tlp_timeout(struct tcb *t);
void tlp_ack(struct tcb *t, const struct tcp_seg *s, bool dup);
u32 tlp_pto(const struct tcb *t);                                         /* ms from now, or 0: no probe, the RTO it is */

/* recovery.c: fast recovery, PRR, time-outs, undo. */
void recovery_ack(struct tcb *t, u32 old_una, bool dup);
void recovery_timeout(struct tcb *t);
void recovery_dsack(struct tcb *t, u32 segments, u32 end);
void recovery_echo(struct tcb *t, u32 tsecr);
void recovery_reduce(struct tcb *t);
void recovery_ecn(struct tcb *t);

/* cc.c, cc_newreno.c, cc_cubic.c */
struct cc_ops {
        void (*acked)(struct tcb *t, u32 bytes);   /* congestion avoidance; slow start is common */
        u32  (*ssthresh)(struct tcb *t);           /* on loss */
};
extern const struct cc_ops cc_newreno, cc_cubic;
u32 cc_initial_window(const struct tcb *t);
void cc_acked(struct tcb *t, u32 bytes);
u32 cc_ssthresh(struct tcb *t);
void cc_idle(struct tcb *t);

/* hystart.c: RFC 9406. Bytes by which the window grows for `bytes` acknowledged; it may set ssthresh, and slow start is over. */
u32 hystart_acked(struct tcb *t, u32 bytes);

/* rtt.c: RFC 6298. */
void rtt_sample(struct tcb *t, u32 rtt_us);
void rtt_smooth(struct tcb *t, u32 rtt_us);                               /* what it does with the sums, when there are any */
void rtt_init(struct tcb *t);
void rtt_backoff(struct tcb *t);
u32 rtt_base_rto(const struct tcb *t);

/* sndq.c */
int tcp_send_ref_any(struct tcb *t, const void *ptr, u32 n, const u32 *sum); /* tcp_send_ref, whatever there is */
/* e, just taken from the cells, becomes the last entry: n bytes at ptr, their partial sum or NULL, and who holds them or NULL. */
static inline void sndq_append(struct tcb *t, struct sndent *e, const void *ptr, u32 n, const u32 *sum, struct pkt *hold)
{
        sndq_list(t);
        if (!sum || (t->snd_first && t->snd_first->next))
                flight_wake(t); /* a calm run has two pieces at most, whose sums are known */
        e->next = NULL;
        e->ptr = ptr;
        e->len = n;
        e->hold = hold;
        e->has_sum = sum != NULL;
        e->sum = sum ? *sum : 0;
        if (t->snd_first)
                t->snd_last->next = e;
        else
                t->snd_first = e;
        t->snd_last = e;
        t->snd_queued += n;
}
void sndq_trim(struct tcb *t, u32 n);                                     /* n bytes from the front are acknowledged */
void sndq_free(struct tcb *t);

#endif
