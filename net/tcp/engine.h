/* engine.h - one stack's TCP: pools, tables, and what the files of net/tcp/ call of each other, file by file.
 * SPDX-License-Identifier: MIT */
#ifndef TCP_ENGINE_H
#define TCP_ENGINE_H

#include "channel.h"
#include "ip.h"
#include "seq.h"
#include "stack.h"
#include "tcb.h"

/* Limits and times, each with its reason. */
enum {
        TCP_MSS_DEFAULT   = 536,     /* MUST-15 */
        TCP_MSS_MIN       = 48,      /* smallest that a peer can force: 8 bytes beside 40 of options */
        TCP_WINDOW_INIT   = 65535,   /* offered at first; grows to rcvbuf */
        TCP_DELACK_MS     = 40,      /* MUST-40: under 500; what Linux uses */
        TCP_RTO_INIT_MS   = 1000,    /* RFC 6298 2.1 */
        TCP_RTO_SYN_LOST_MS = 3000,  /* RFC 6298 5.7 */
        TCP_RTO_MIN_MS    = 200,     /* RFC 6298 2.4 says SHOULD 1 s; every modern peer uses 200 ms, and RACK-TLP needs it */
        TCP_RTO_MAX_MS    = 60000,   /* RFC 6298 2.5 */
        TCP_R1            = 3,       /* SHLD-10: retransmissions before IP is asked for another way */
        TCP_USER_TIMEOUT_MS = 300000,/* R2, SHLD-11 (at least 100 s); RFC 9293 3.9.1's five minutes */
        TCP_SYN_TIMEOUT_MS  = 185000,/* MUST-23: at least 3 minutes */
        TCP_TIMEWAIT_MS   = 60000,   /* 2 MSL, MSL 30 s */
        TCP_FIN_WAIT_2_MS = 60000,   /* nobody is left to read: do not wait for ever */
        TCP_KEEPALIVE_INTERVAL_MS = 75000,
        TCP_KEEPALIVE_PROBES = 9,    /* MUST-29: one lost answer is not death */
        TCP_CHALLENGE_MS  = 500,     /* RFC 5961 7: per connection, so that counting across connections tells nothing */
        TCP_TX_RETRY_MS   = 10,      /* out of buffers: try again */
        TCP_SWS_MS        = 200,     /* sender's override, RFC 9293 3.8.6.2.1: 0.1 to 1 s */
        TCP_WORST_DELACK_MS = 200,   /* RFC 8985 7.2: how long a peer may delay the acknowledgement of one segment */
        TCP_TLP_MIN_MS    = 10,      /* as RFC 8985 7.2 recommends for coarse clocks */
        TCP_TTL           = 64,      /* MUST-49 */
        TCP_REASM_PKTS    = 64,      /* buffers that one connection's out-of-order data may hold, and never more than rcvbuf */
        TCP_LISTEN_BUCKETS = 16,
        TCP_BACKLOG       = 16,
        TCP_TFO_CACHE     = 32,
        TCP_TIMEWAITS     = 0xfffff, /* most entries that TIME_WAIT can have */
        TCP_DUE           = 16,      /* connections of a batch that are noted without a list */
};

/* Equal objects on a free list. */
struct cellpool { void *free; u32 n_free, n_total; };

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
 * sure that it is not calm any more; tcp_predict does it for whatever ends header prediction. */
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
        char           rest[0];
        u32            sacked, lost, retrans; /* bytes; pipe = outstanding - sacked - lost + retrans (RFC 6675) */
        u32            n_sacked;    /* records with SENT_SACKED */
        u32            delivered;   /* bytes newly acknowledged or sacked by the ACK in hand */
        u32            prior_cwnd, prior_ssthresh;
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
        bool           undo_on;     /* the reduction may still prove needless */
        u32            rtx_stamp;   /* our timestamp clock when recovery began */
        u32            probe_end;   /* end of a segment larger than mss, 0 = none is out (pmtu.c) */
        u32            reo_wait_us; /* RACK: look again after this, 0 = no need */
        /* CUBIC */
        bool           epoch_on;
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
};

/* Kept in the first bytes of a queued packet's buffer, in front of its data: its place in the stream. */
struct ooo { u32 seq, end; bool fin, psh; };
static inline struct ooo *ooo_of(struct pkt *p) { return (struct ooo *)p->head; }

struct listener {
        struct listener         *next;
        struct tcp_state        *ts;
        const struct tcp_events *ev;
        void                    *user;
        ipaddr                   addr;
        u16                      port;      /* host order; 0 = slot free */
        u16                      index;
        u32                      n_half;    /* entries in the SYN queue */
        u32                      n_waiting; /* accepted, not yet taken (sock.c counts) */
        u8                       rcv_scale;
        struct tcb               like;      /* what its connections begin as */
        bool                     usual;     /* offers what usual SYNs ask for, in the usual layout (syn.c) */
        struct tcp_opts          opts;      /* rcvbuf and backlog are never 0 */
};

/* A half-open connection: SYN came, SYN,ACK went out. Those that wait equally long for its repetition are in one list, in order of
 * time; one timer serves all lists. */
struct synq {
        struct synq     *next;           /* hash chain, or free list */
        u32              raddr, laddr, ports;
        u32              irs, iss, ts_recent, ts_off, tsval, sent_us;
        struct listener *l;
        struct synq     *later, *earlier;
        u32              due_ms, born_ms;
        u16              peer_mss, wnd;
        u16              our_mss;
        u8               snd_scale, rcv_scale, tries;
        bool             live;           /* an entry of the queue; what a cookie gives is none */
        bool             ts_ok, sack_ok, ecn_ok, has_wscale, tfo_ask;
        bool             qure, late; /* option 144 came; late: answered without our SYN */
        bool             foreign; /* to another machine, through this one (through.h) */
};
_Static_assert(sizeof(struct synq) <= 80, "half-open connections are small");
enum { SYNACK_LISTS = 7 }; /* waits of 1, 2, 4 ... 32 s, then 60 s each (TCP_RTO_MAX_MS) */

/* A connection in TIME_WAIT. */
struct timewait {
        u32 raddr, laddr, ports;
        u32 rcv_nxt, snd_nxt, ts_recent;
        u32 due_ms;
        u32 next : 20;          /* index + 1 in the hash chain */
        u32 ts_ok : 1, live : 1, wait : 10; /* wait: 2 MSL in units of 640 ms, for when it starts anew */
};
_Static_assert(sizeof(struct timewait) <= 32, "design 4");

struct tfo_peer { u32 addr; u8 len, cookie[16]; u16 mss; u32 used; };

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
        u32               rekey_ms, rto_min_ms;
        const u8         *isn_key;      /* the stack's own, or the cluster's */
        struct tcb       *free_tcb, *pool;
        u32               n_pool, n_tcbs, hand; /* hand: where reclaim looks next */
        struct listener  *listeners, *free_listener;
        struct synq      *synq_pool, *free_synq, **sbucket;
        u32               n_synq, n_half, sshift, n_fastopen;
        struct { struct synq *first, *last; } half[SYNACK_LISTS]; /* by tries */
        struct timer      half_timer;
        struct timewait  *tw;
        u32              *tbucket;      /* index + 1 */
        u32               n_tw, tw_first, tw_count, tshift;
        struct timer      tw_timer;
        struct through   *through;      /* NULL: there is no transparent proxy (net/handoff) */
        struct cellpool   cells;        /* struct sndent, struct sent */
        struct cellpool   flights, reasms;
        struct tcb       *due[TCP_DUE]; /* noted for the end of the batch, in order; NULL = gone since */
        u32               n_due;
        struct tcblist    batch, delack; /* batch: those that found `due` full */
        struct timer      delack_timer, batch_timer;
        u32               depth;        /* the stack is delivering: what users queue leaves when they return */
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
static inline u32 tcb_rcv_wnd(const struct tcb *t) { return t->rcv_adv - t->rcv_nxt; }

/* The last sixteenth of the buffers is for acknowledgements, ours and theirs: text is not queued any more. If it were, queues
 * that wait for each other's acknowledgement could hold every buffer, and nothing would ever come in or go out again. */
static inline bool tcp_short_of_buffers(const struct stack *st) { return st->pkts.n_free < st->pkts.n_total >> 4; }

/* pool.c */
bool pool_make(struct stack *st, struct cellpool *pool, u32 n, u32 size);
static inline void *pool_get(struct cellpool *pool) /* not zeroed; NULL when empty */
{
        void *cell = pool->free;
        if (likely(cell != NULL)) {
                pool->free = *(void **)cell;
                pool->n_free--;
        }
        return cell;
}
static inline void pool_put(struct cellpool *pool, void *cell)
{
        *(void **)cell = pool->free;
        pool->free = cell;
        pool->n_free++;
}
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
bool tcp_tables(struct tcp_state *ts);
struct synq *synq_unhash(struct tcp_state *ts);
void synq_rehash(struct tcp_state *ts, struct synq *all);
void timewait_rehash(struct tcp_state *ts);
void tcp_insert(struct tcb *t);
void tcp_remove(struct tcb *t);

/* tcp_receive.c, twin of asm/tcp_receive.S: the straight line for the frame that is most likely next. Takes p as it came from the
 * driver and returns true when it has been dealt with: a datagram without options for a connection whose link header is known,
 * with right sums, which is what header prediction expects - in-order data that fits the window, an acknowledgement of something
 * new, or both at once, in ESTABLISHED. false leaves everything untouched for eth_rx and who follows it. netif_rx
 * calls it (tcp.h). */
/* tcp_respond.c, twin of asm/tcp_respond.S: the header from the connection's template. Consumes p, whose bytes (frags included)
 * are `len` bytes of further options and payload with the partial checksum `sum`; puts the header in front - ports, seq,
 * RCV.NXT, flags, window, timestamp - and hands it to IP. What is said about acknowledgement and window is then noted as said. */
enum tcp_respond_flag {                          /* beside the TCP flags in the low 8 bits of `flags` */
        TCP_R_ECT     = 1 << 8,                  /* new data of an ECN connection: IP says ECT(0) */
        TCP_R_NO_SUM  = 1 << 9,                  /* `sum` is not known: the device or nif_xmit computes it */
        TCP_R_OPT_SHIFT = 12,                    /* bits 12 to 15: words of options at the front of p */
};
void tcp_respond(struct tcb *t, struct pkt *p, u32 seq, u32 flags, u32 len, u32 sum);

/* unpredicted.c: the straight line goes on for what is not predicted and yet belongs to every connection. p is as tcp_receive found
 * it: link and IP header are right; t is its connection, whose link header is good, or NULL. false: nothing was changed. */
bool tcp_unpredicted(struct netif *nif, struct pkt *p, struct tcb *t);
bool tcp_header_sum_right(const struct pkt *p, const u32_any *ip, u32 n); /* ip at IP's header, n bytes of TCP's and no text */
/* syn.c, ack_of_syn.c: such a segment that belongs to no connection, a SYN alone and an ACK alone. */
bool tcp_syn_arrives(struct netif *nif, struct pkt *p, const u32_any *ip, u32 n);
bool tcp_ack_of_syn(struct netif *nif, struct pkt *p, const u32_any *ip, u32 n);
bool tcp_last_arrives(struct pkt *p, struct tcb *t, const u32_any *ip, u32 n); /* last.c: an ACK, perhaps with FIN, for t */

void tcp_ack_bare(struct tcb *t); /* an acknowledgement without data or SACK, or owed for later when there is no buffer */

/* hop.c */
void tcb_set_hop(struct tcb *t);                                          /* looks for the ready link header */
void tcp_respond_by_ip(struct tcb *t, struct pkt *p, u32 seq, u32 flags, u32 len, u32 sum); /* as tcp_respond, the long way */

/* rx.c */
void tcp_arrives(struct tcb *t, struct tcp_seg *s, struct pkt *p);        /* RFC 9293 3.10.7.4 and .3, step by step; consumes p */
void tcp_enter(struct tcb *t);                                            /* the stack enters a connection ... */
/* ... and leaves it: sends what is due, frees it when dead */
void tcp_leave(struct tcb *t);
void tcp_owing(struct tcb *t);                                            /* an acknowledgement that it left owing is noted */
extern const struct tcp_events tcp_no_events;
void tcp_finish(struct tcb *t, int err);                                  /* the connection is over: tells the user, frees */
void tcp_try_finish(struct tcb *t);                                       /* after FF: finishes once the user has all data */

void tcp_syn_sent_rx(struct tcb *t, struct tcp_seg *s, struct pkt *p);    /* synsent.c: 3.10.7.3; consumes p */
void tcp_take_syn(struct tcb *t, const struct tcp_seg *s);                /* the peer's numbers and what it offered */
void tcp_got_syn_ack(struct tcb *t, struct tcp_seg *s, struct pkt *p, bool late); /* late: its SYN is still to come */
void tcp_opened(struct tcb *t);                                           /* a handshake of ours is complete */

/* ack.c */
bool tcp_ack_arrives(struct tcb *t, const struct tcp_seg *s);             /* the whole of an acceptable acknowledgement */
void tcp_ack_advance(struct tcb *t, u32 ack, const u32 *tsecr);           /* SND.UNA moves to ack: queue, samples */
/* the same and congestion window and timer, while all is well */
void tcp_acked(struct tcb *t, u32 ack, const u32 *tsecr);
void tcp_window_update(struct tcb *t, const struct tcp_seg *s);
void tcp_tell_writable(struct tcb *t, u32 bytes);

/* text.c */
void tcp_take_data(struct tcb *t, struct tcp_seg *s, struct pkt *p);      /* seventh and eighth step; consumes p (payload) */
void tcp_append(struct tcb *t, struct pkt *p, u32 len, bool psh);         /* in-order bytes into the receive queue */
void tcp_ack_policy(struct tcb *t, u32 len);                              /* now, at the end of the batch, or delayed */
void tcp_tell_readable(struct tcb *t);
void tcp_got_fin(struct tcb *t);

/* recv.c */
void tcp_consume_part(struct tcb *t, u32 n);                              /* tcp_consume, whatever there is */
void tcp_window_read(struct tcb *t);                                      /* something was read: is a window update due? */

/* reasm.c */
void reasm_insert(struct tcb *t, struct pkt *p, u32 seq, u32 len, bool fin, bool psh, struct sack_block *dup);
/* moves what is now in order; true when the FIN was reached */
bool reasm_collect(struct tcb *t);
void reasm_free(struct tcb *t);

/* window.c */
u32 tcp_edge(struct tcb *t);                                              /* right edge to advertise now; never left of rcv_adv */
/* acknowledgement to send (application mode: what was read) */
u32 tcp_rcv_ack(const struct tcb *t);

/* options.c */
struct syn_options {
        const u8 *layout;      /* kinds in order, 0 ends; NULL or empty = as usual */
        u16  mss, uto;         /* 0 = not sent */
        u8   wscale, tfo_len;
        bool ws, sack, ts, tfo_on;
        u32  tsval, tsecr;
        const u8 *tfo;
};
void tcp_parse(const struct tcp_hdr *h, struct tcp_seg *s);               /* options of a header whose length is checked */
/* A SYN's options from w to end, as nearly every peer lays them out, word by word; s has none yet. false: tcp_parse has to. */
bool tcp_usual_syn(const u32_any *w, const u32_any *end, struct tcp_seg *s);
u32 tcp_put_usual_syn(u32_any *w, const struct syn_options *so);          /* the same way round: bytes of options */
u32 tcp_put_syn(u8 *o, const struct syn_options *so);                     /* bytes written, a multiple of 4 */
u32 tcp_put_ts(u8 *o, u32 tsval, u32 tsecr);
u32 tcp_put_sack(const struct tcb *t, u8 *o, u32 room, const struct sack_block *dsack);

/* sack.c: the peer's blocks onto the scoreboard. */
void tcp_sack_arrives(struct tcb *t, const struct tcp_seg *s);

/* sent.c: the scoreboard. */
bool sent_room(const struct tcb *t);
void sent_add(struct tcb *t, u32 seq, u32 end);                           /* new at SND.NXT */
bool sent_split(struct tcb *t, struct sent *r, u32 at);
void sent_join(struct tcb *t);
void sent_ack(struct tcb *t, u32 ack, u32 *rtt_us);
void sent_mark(struct tcb *t, struct sent *r, u8 flag);                   /* sets SACKED or LOST, keeping the sums */
struct sent *sent_next_lost(struct tcb *t);
u32 tcp_pipe(const struct tcb *t);
bool flight_make(struct tcb *t);
static inline bool flight_get(struct tcb *t) { return likely(t->flight != NULL) || flight_make(t); }
void flight_put(struct tcb *t);

/* rack.c: RFC 8985. */
void rack_update(struct tcb *t, const struct sent *r);
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

/* rtt.c: RFC 6298. */
void rtt_sample(struct tcb *t, u32 rtt_us);
void rtt_init(struct tcb *t);
void rtt_backoff(struct tcb *t);
u32 rtt_base_rto(const struct tcb *t);

/* sndq.c */
int tcp_send_ref_any(struct tcb *t, const void *ptr, u32 n, const u32 *sum); /* tcp_send_ref, whatever there is */
void sndq_trim(struct tcb *t, u32 n);                                     /* n bytes from the front are acknowledged */
void sndq_free(struct tcb *t);

/* whole.c */
/* all that is queued as one segment; false: tx.c does it */
bool tcp_send_whole(struct tcb *t);

/* segment.c: a segment of the send queue as a packet. */
int tcp_send_range(struct tcb *t, u32 seq, u32 len, u32 flags, bool fresh);
/* urgent.c: URG and its pointer into a finished header */
void tcp_mark_urgent(struct tcb *t, struct tcp_hdr *h, u32 seq, bool no_sum);

/* What a segment without data takes as its number: SND.NXT, but with a window probe outstanding, or the peer's window shrunk, not
 * beyond that window, since the peer would drop the acknowledgement or the RST (RFC 9293 3.4, 3.10.7.4). A window that is less than one
 * of its units short was only rounded down (RFC 7323 2.4): what it held was taken, and a number in front of that would be dropped, too. */
static inline u32 tcp_bare_seq(const struct tcb *t)
{
        u32 edge = t->snd_una + t->snd_wnd, beyond = t->snd_nxt - edge;
        if (likely((s32)beyond <= 0) || !(t->state & SYN_ACK_RX))
                return t->snd_nxt;
        return (t->flight && (t->flight->last->flags & SENT_PROBE)) || beyond >> t->snd_scale ? edge : t->snd_nxt;
}

/* tx.c */
/* sends what may be sent now, and the acknowledgement that is due */
void tcp_tx(struct tcb *t);
/* the same without a pure acknowledgement, which waits for the end of the batch */
void tcp_tx_data(struct tcb *t);
void tcp_tx_rest(struct tcb *t);                                          /* what tcp_send_whole did not do of it */
void tcp_ack_now(struct tcb *t, const struct sack_block *dsack);          /* a pure acknowledgement at once */
void tcp_send_syn(struct tcb *t);                                         /* SYN or SYN,ACK of an active open */
void tcp_want_tx(struct tcb *t);                                          /* the user queued something */
/* RFC 5961: acknowledge, but not too often; drops p */
void tcp_challenge(struct tcb *t, const struct tcp_seg *s, struct pkt *p, enum drop why);
/* the front of a run once more, whatever the windows say */
void tcp_retransmit(struct tcb *t, struct sent *r);
void tcp_probe(struct tcb *t);                                            /* a zero window: one byte, or FIN, beyond it */
u32 tcp_unsent(const struct tcb *t);                                      /* bytes queued and never sent */
bool tcp_fin_due(const struct tcb *t);

/* batch.c: what waits for the end of the batch, and delayed acknowledgements. */
void tcp_queue_batch(struct tcb *t);                                      /* a batch is being processed: its end will come */
void tcp_queue_soon(struct tcb *t);                                       /* perhaps outside of any batch */
void tcp_ack_later(struct tcb *t);
void tcp_into_delack(struct tcb *t);                                      /* owed since tcp_ack_later: onto the list */
void tcp_unlink(struct tcb *t);

/* reply.c: segments without a connection. */
struct tcp_reply {
        ipaddr src, dst;
        u32    ports;        /* as the header that is answered holds them */
        u32    seq, ack;
        u16    wnd;
        u8     flags, ttl, tos, n_opts;
        const u8 *opts;
};
void tcp_reply(struct tcp_state *ts, const struct tcp_reply *r);
void tcp_reset_for(struct tcp_state *ts, const struct ip_hdr *ip, const struct tcp_hdr *h, const struct tcp_seg *s);
void tcp_reset(struct tcb *t);                                            /* RST of a connection */
void tcp_reset_at(struct tcb *t, u32 seq, u8 flags);                      /* the same with a number of its own, TCP_ACK or not */

/* listen.c, synq.c, cookie.c, accept.c */
/* how a segment came, and its answers leave: hop as in arp.h */
struct tcp_way { struct netif *nif; u16 hop; };
struct listener *listener_find(struct tcp_state *ts, ipaddr addr, u16 port);
void tcp_listen_rx(struct tcp_state *ts, struct listener *l, struct tcp_seg *s, struct pkt *p, const struct ip_hdr *ip,
                   const struct tcp_hdr *h, u32 iss);
struct synq *synq_find(struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports);
void synq_rx(struct tcp_state *ts, struct synq *q, struct tcp_seg *s, struct pkt *p, const struct ip_hdr *ip);
void synq_open(struct tcp_state *ts, struct listener *l, struct tcp_seg *s, struct pkt *p, const struct ip_hdr *ip,
               const struct tcp_hdr *h, u32 iss);                         /* iss: beyond an old connection's numbers, or 0 */
void synq_fill(struct tcp_state *ts, struct listener *l, const struct tcp_seg *s, const struct ip_hdr *ip,
               const struct tcp_hdr *h, struct synq *q);
void synq_send(struct tcp_state *ts, struct synq *q);
void synq_wait(struct tcp_state *ts, struct synq *q);                     /* until the SYN,ACK goes out again */
void synq_timer(struct timer *tm);
void synq_free(struct tcp_state *ts, struct synq *q);
void synq_flush(struct listener *l);
/* q may be no entry but a cookie's; consumes p */
void synq_accept(struct tcp_state *ts, struct synq *q, struct tcp_seg *s, struct pkt *p, const struct tcp_way *way);
struct tcb *tcp_accept_make(struct tcp_state *ts, const struct synq *q, const struct tcp_way *way); /* in SYN_RECEIVED; NULL when slots have run out */
bool tcp_ask_user(struct tcb *t);                                         /* false: refused, the connection is over */
bool tcp_fastopen(struct tcp_state *ts, struct synq *q, struct tcp_seg *s, struct pkt *p);
void tcp_fastopen_over(struct tcb *t);
u32 cookie_make(struct tcp_state *ts, struct synq *q);
bool cookie_check(struct tcp_state *ts, struct synq *q, const struct tcp_seg *s);

/* open.c */
void tcb_set_opts(struct tcb *t, const struct tcp_opts *o);
void tcp_opts_agree(struct tcp_opts *o);                                  /* what syn_layout leaves out is switched off */
void tcb_set_names(struct tcb *t, u32 raddr, u32 laddr, u32 ports, const struct tcp_way *way); /* way NULL: by route */
void tcb_reroute(struct tcb *t);
void tcb_set_mss(struct tcb *t);
u16 tcp_announce_mss(struct tcp_state *ts, ipaddr dst, const struct tcp_opts *o);
u8 tcp_scale_for(const struct tcp_state *ts, const struct tcp_opts *o);
/* Full segments of the peer are about as long, as far as we know before any came. */
static inline void tcb_expect_mss(struct tcb *t, u32 ours)
{
        t->rcv_mss = (u16)min_u32(TCP_MSS_DEFAULT, max_u32(ours, 2 * TCP_TS_LEN) - TCP_TS_LEN);
}
u32 tcp_rcvbuf(const struct tcp_state *ts, const struct tcp_opts *o);

/* timewait.c */
struct timewait *timewait_find(struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports);
void timewait_enter(struct tcb *t);
bool timewait_rx(struct tcp_state *ts, struct timewait *w, struct tcp_seg *s, struct pkt *p, const struct ip_hdr *ip, u32 *iss);
void timewait_free(struct tcp_state *ts, struct timewait *w);
void timewait_timer(struct timer *tm);
/* timestamps: a new connection would use them */
bool timewait_may_reuse(const struct timewait *w, const struct tcp_seg *s, bool timestamps);

/* net/handoff/handoff.c: segments of no connection here. true: p is consumed. */
struct handoff;
bool handoff_rx(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p);
/* net/handoff/tunnel.c: the largest segment that clients of v may send, when v is a service address and a node behind a router may
 * get them. */
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

/* tfo.c: RFC 7413. */
void tfo_cookie(struct tcp_state *ts, u32 raddr, u8 cookie[8]);
bool tfo_cookie_ok(struct tcp_state *ts, u32 raddr, const u8 *cookie, u32 n);
struct tfo_peer *tfo_find(struct tcp_state *ts, u32 addr);
void tfo_learn(struct tcp_state *ts, u32 addr, const u8 *cookie, u8 n, u16 mss);

#endif
