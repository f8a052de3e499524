/* handoff_impl.h - inside the handoff: keys, control segments, flow table, both ends. Only net/handoff and its tests read this.
 * SPDX-License-Identifier: MIT */
#ifndef HANDOFF_IMPL_H
#define HANDOFF_IMPL_H

#include "handoff.h"
#include "../ip_state.h"
#include "../tcp/engine.h"
#include "../tcp/option144.h"

/* Limits and times, each with its reason. */
enum {
        HANDOFF_TAG = 8,                /* authenticator */
        HANDOFF_NONCE = 8,
        HANDOFF_PORT = 144,             /* notices: both ports */
        TRANSFER_RTO_MS = 100,          /* first wait for 52: many times what a LAN takes */
        TRANSFER_TRIES = 5,             /* 0.1 + 0.2 + 0.4 + 0.8 + 1.6 s, then the next node */
        TRANSFER_EARLY_MS = 50,         /* the same while the client's SYN waits for its answer, and ... */
        TRANSFER_EARLY_TRIES = 2,       /* ... 0.05 + 0.1 s, then the front answers the SYN and begins anew */
        TRANSFER_WINDOW = 16,           /* segments of one connection on their way to the node */
        TRANSFER_KEEP = 32,             /* packets of the client kept from 51 to 52 */
        TRANSFER_LINGER_MS = 30000,     /* how long 53 is repeated when asked; longer than 52 is */
        BACK_EXPIRE_S = 30,             /* the node's entry of what it gave back: what was on its way has come by then */
        ADOPT_RTO_MS = 100,
        ADOPT_GIVE_UP_MS = 20000,       /* 52 is repeated so long */
        ADOPT_BYTES_MAX = 1 << 20,      /* of queues that come with a connection */
        FLOW_REFRESH_S = 60,            /* design 7 */
        FLOW_EXPIRE_S = 180,
        SWEEP_MS = 1000,
        SWEEP_MIN = 1024,               /* entries looked at in one sweep, or a share of all if that is more */
        SWEEP_ROUND = 8,                /* sweeps until every connection that came here was looked at */
        CTL_OVERHEAD = 20 + 20 + 40,
};

/* --- keys.c --- */
struct cluster_keys { u8 auth[16], text[16], cookie[16], isn[16]; };
/* Separate keys from a secret of n bytes. */
void cluster_keys_derive(const u8 *secret, u32 n, struct cluster_keys *out);

/* --- auth.c --- */
/* What a message is; part of what is authenticated, so that none can be taken for another. */
enum ctl_kind { CTL_51 = 1, CTL_MORE, CTL_52, CTL_53, CTL_REFUSAL, CTL_NOTICE, CTL_WITHDRAWN };

/* Everything that the authenticator covers beside the bytes. Addresses and ports as the receiver's header holds them. */
struct auth_scope {
        u8        kind, flags;
        ipaddr    src, dst;
        u32       ports, seq, ack;
        u32       first;                /* SEQ of 51, except in notices */
        const u8 *nonce; /* the sender's fresh number of this handoff; NULL in notices, whose entries have theirs, and in 51,
                          * whose block has it: unless it gives back, then that of the handoff that brought the connection */
};
/* opts: the TCP options with the tag's last 8 bytes as if zero. */
void auth_make(const struct cluster_keys *k, const struct auth_scope *a, const u8 *opts, u32 n_opts, const void *text, u32 n,
               u8 tag[HANDOFF_TAG]);
/* In constant time. */
bool auth_equal(const u8 a[HANDOFF_TAG], const u8 b[HANDOFF_TAG]);

/* --- block.c: the control block, version 2: a fixed part, and the service's place behind it --- */
enum { BLOCK_VERSION = 2, BLOCK_BYTES = 208, BLOCK_MAX = BLOCK_BYTES + TCP_PLACE_MAX + HANDOFF_SCOPE, BLOCK_AHEAD = 4 };
/* Of enum tcb_flag: what goes along, with the bits that they have here. Another order of them is another version. */
enum { BLOCK_FLAGS = TF_NODELAY | TF_CORK | TF_TS | TF_SACK | TF_ECN | TF_ECE | TF_CWR | TF_APP_MODE | TF_PSH_MESSAGE | TF_FIN_QUEUED |
                     TF_USER_CLOSED | TF_ACTIVE_CLOSE | TF_EOF | TF_PSHED | TF_NO_DF | TF_SYN_PENDING | TF_TFO_ACCEPTED |
                     TF_ABORT_ON_ACK | TF_URG_TX | TF_URG_RX | TF_ACK_ON_READ | TF_NO_PMTUD | TF_PERSIST_ACKD };
struct control_block {
        u8     nonce[HANDOFF_NONCE];
        ipaddr service, client;
        u16    service_port, client_port;
        u32    flags;                   /* BLOCK_FLAGS */
        u8     state;                   /* the connection byte */
        u8     snd_scale, rcv_scale, retries, cc, ttl, tos;
        u32    snd_una, snd_nxt, snd_wnd, snd_wl1, snd_wl2, max_snd_wnd, snd_up;
        u32    rcv_nxt, rcv_adv, rcv_acked, rcv_up, rcv_space;
        u32    ts_recent, tsval;        /* tsval: our clock when it was frozen; the node goes on at + 1 */
        u32    cwnd, ssthresh, w_max, srtt_us, rttvar_us, rto_ms, min_rtt_us;
        u32    keepalive_ms;
        u32    rx_age_ms, tx_age_ms, progress_age_ms; /* since last_rx_ms and its like */
        u32    snd_bytes, rcv_bytes;    /* of the queues that follow the block */
        u16    peer_mss, rcv_mss, pmtu, user_timeout, timewait_cs;
        struct { u32 at, n; } ahead[BLOCK_AHEAD]; /* what came ahead of its turn: n bytes at RCV.NXT + at; n = 0 ends */
        /* what our SYN says when it is sent (again), and of QuRe (early.c) */
        u8     conv_flags, offers;      /* enum conv_flag, 0 of a plain connection; enum block_offer */
        u16    our_mss;
        u32    irs, syn_end, credit;    /* as in struct conv */
        u16    n_place;                 /* of place, which only the service understands; who passes the block on keeps them */
        u8     place[TCP_PLACE_MAX];
        ipaddr wish;                    /* of who gives back: hand it on to this node at once; all ones: to any other */
        bool   returned;                /* nobody else takes it: also who drains */
        struct handoff_scope scope;
};
static inline u32 block_len(const struct control_block *b) { return BLOCK_BYTES + b->n_place + b->scope.n; }
void block_put(u8 dst[BLOCK_MAX], const struct control_block *b); /* writes block_len bytes */
/* false: not this version, not this long, or it contradicts itself. */
bool block_get(const u8 *src, u32 n, struct control_block *b);
/* Bytes that follow the block: what came ahead of its turn, the send queue, what is unread. */
u32 block_ahead(const struct control_block *b);
static inline u32 block_bytes(const struct control_block *b) { return block_ahead(b) + b->snd_bytes + b->rcv_bytes; }
/* Sequence numbers of the first replayed byte and of 51. */
static inline u32 block_replay(const struct control_block *b) { return b->rcv_nxt - (b->state & FIN_RX ? 1 : 0) - b->rcv_bytes; }
static inline u32 block_first(const struct control_block *b)
{
        return block_replay(b) - (block_bytes(b) - b->rcv_bytes) - block_len(b) - 1;
}

/* --- export.c, adopt.c: a connection and its block --- */
const char *tcb_stays(const struct tcb *t);            /* why it cannot be moved as it is, in words; NULL: it can be */
static inline bool tcb_movable(const struct tcb *t) { return !tcb_stays(t); }
/* Asks the service for its place. false with *why: it stays. Behind true the service waits for `closed` or tcb_resume. */
bool tcb_place(struct tcb *t, u8 place[TCP_PLACE_MAX], u32 *n, const char **why);
void tcb_resume(struct tcb *t);                         /* thawed, and it stays here: the service goes on */
void tcb_freeze(struct tcb *t);                         /* out of the table, no timer, nothing owed */
void tcb_thaw(struct tcb *t);
void tcb_export(const struct tcb *t, struct control_block *b); /* without nonce and place */
/* Bytes [off, off + n) of what follows the block. */
void tcb_export_bytes(const struct tcb *t, u32 off, u8 *dst, u32 n);
/* A connection as the block has it, not in the table; queue: exactly the bytes that follow the block, taken in every case.
 * HANDOFF_OK and *out, or why not. */
enum handoff_reason tcb_adopt(struct tcp_state *ts, struct listener *l, const struct control_block *b, struct pktq *queue,
                              struct tcb **out);
/* The listener's service takes the place that the block brought: HANDOFF_OK, or HANDOFF_PLACE. Not asked, the connection may be
 * handed on with its place unread. tcb_discard frees one that was not started; taken: tcb_take_place said OK. */
enum handoff_reason tcb_take_place(struct tcb *t, const struct control_block *b);
void tcb_discard(struct tcb *t, const struct control_block *b, bool taken);
void tcb_start(struct tcb *t);                          /* into the table; its listener's user gets it */

/* --- early.c: what a connection has more before its SYN is acknowledged, and when its directions are decoupled --- */
enum block_offer { OFFER_WS = 1, OFFER_TS = 2, OFFER_SACK = 4, OFFERS = 7 };
static inline bool block_is_early(const struct control_block *b) { return b->conv_flags || !(b->state & SYN_ACK_RX); }
/* The byte, beside flags of enum tcb_flag, is of such a connection and can go on elsewhere. */
bool early_state_ok(bool qure, u32 flags, u8 state);
bool early_sensible(const struct control_block *b);     /* what other blocks do not have */
void early_export(const struct tcb *t, struct control_block *b);
/* t has the rest of the block, nothing of it was sent, its byte is 00. false: out of something. */
bool early_adopt(struct tcb *t, const struct listener *l, const struct control_block *b);

/* --- flow.c --- */
/* COMING: ACTIVE, and the node gives it back: from our 52 until its 53 the client's packets are kept. DOUBT: that 53 never came;
 * nothing is forwarded until the node has said whose it is. */
enum flow_state { FLOW_FREE, FLOW_PENDING, FLOW_ACTIVE, FLOW_COMING, FLOW_DOUBT };
struct flow {
        u32 raddr, laddr, ports;
        u32 next;                       /* index + 1 in the chain or of the free list */
        u8  nonce[HANDOFF_NONCE];       /* of the handoff; while PENDING the transfer's number */
        u8  node, state;
        u16 seen_s;                     /* the node's last word, seconds modulo 2^16 */
};
_Static_assert(sizeof(struct flow) == 28, "with its share of the buckets 32 bytes (design 4)");
struct flow_table {
        struct flow *flow;
        u32 *bucket;
        u32 n, n_used, free, shift, key[2], swept;
};
bool flow_init(struct flow_table *f, struct stack *st, u32 n);
struct flow *flow_find(const struct flow_table *f, u32 raddr, u32 laddr, u32 ports);
struct flow *flow_add(struct flow_table *f, u32 raddr, u32 laddr, u32 ports);   /* PENDING; NULL: all are in use */
void flow_del(struct flow_table *f, struct flow *e);
/* Looks at the next entries; true and *out: one that nobody spoke for since FLOW_EXPIRE_S. Call until false, with *left entries
 * to look at. */
bool flow_expired(struct flow_table *f, u16 now_s, u32 *left, struct flow **out);

/* --- who hands over (transfer.c): the front, or a node that gives back --- */
enum transfer_state { TRANSFER_FREE, TRANSFER_SENDING, TRANSFER_DONE, TRANSFER_WITHDRAWN };
struct transfer {
        struct handoff  *h;
        struct transfer *next;          /* free list */
        struct tcb      *t;             /* frozen; NULL once handed over */
        struct flow     *flow;          /* while SENDING */
        struct timer     timer;
        handoff_done_fn *done;
        void            *ctx;
        ipaddr           node, own;
        u32              ports;         /* as the node's header holds them */
        u32              first, total, acked, sent; /* offsets in block and bytes */
        u32              fresh;         /* the node's SEQ */
        u32              rto_ms;
        u8               state, tries, node_index;
        bool             heard, fin;
        bool             early;         /* the client's SYN waits for its answer */
        bool             asked;         /* the service wrote its place, and waits */
        bool             back;          /* a node gives back what came by the handoff `prior` */
        bool             on;            /* handed on at once (onward.c) */
        u8               from, step;    /* then: from which node, which attempt */
        u8               prior[HANDOFF_NONCE], nonce[HANDOFF_NONCE];
        u32              n_block;
        u8               block[BLOCK_MAX];
        struct pktq      kept;
};
/* What goes along with a connection. */
struct rider {
        const struct handoff_scope *scope;
        const u8 *place;
        u32       n_place;
        ipaddr    wish;
        bool      frozen, returned;     /* t is not in the table; control_block.returned */
};
enum handoff_reason transfer_begin(struct handoff *h, struct tcb *t, ipaddr node, const struct rider *r, handoff_done_fn *done,
                                   void *ctx, struct transfer **out);
bool transfer_rx(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s,
                 struct pkt *p); /* true: consumed */
void transfer_keep(struct transfer *x, struct pkt *p); /* a packet of the client, from its TCP header on */
void transfer_fire(struct timer *tm);
struct transfer *transfer_of(struct handoff *h, const struct flow *f);

/* --- who takes (adoption.c): a node, or the front that gets back --- */
enum adoption_state { ADOPTION_FREE, ADOPTION_FILLING, ADOPTION_WAITING };
struct adoption {
        struct handoff  *h;
        struct adoption *next;          /* free list */
        struct tcb      *t;             /* WAITING: silent, not in the table */
        struct timer     timer;
        ipaddr           front, own;
        u32              ports;         /* as the front's header holds them */
        u32              first, total, got;
        u32              fresh, born_ms, rto_ms;
        u8               state, node_index, key;
        bool             back;          /* our flow entry's node gives it back */
        struct control_block block;
        struct pktq      queue, kept;   /* what follows the block; packets of the client since 52 */
};
bool adoption_rx(struct handoff *h, u8 node, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s,
                 struct pkt *p); /* true: consumed */
void adoption_fire(struct timer *tm);
struct adoption *adoption_of(struct handoff *h, u32 raddr, u32 laddr, u32 ports);      /* by the client's names */
void adoption_keep(struct adoption *a, struct pkt *p); /* a packet of the client, from its TCP header on */

/* --- owned.c: connections that came here by a handoff, those in TIME_WAIT included --- */
struct owned { u32 raddr, laddr, ports, slot; u16 gen, told_s; u8 node, live, scope, first; u8 nonce[HANDOFF_NONCE]; };
_Static_assert(sizeof(struct owned) <= 32, "as a flow entry");
bool owned_init(struct handoff *h);
void owned_add(struct handoff *h, const struct tcb *t, u8 node, const struct control_block *b);
struct owned *owned_find(struct handoff *h, u32 raddr, u32 laddr, u32 ports); /* a connection that lives; NULL in TIME_WAIT */
struct owned *owned_of(struct handoff *h, const struct tcb *t); /* the same, also of one that is frozen */
void owned_drop(struct handoff *h, struct owned *o);            /* given back: nobody is told of its end */
void owned_sweep(struct handoff *h);

/* --- onward.c --- */
/* t, silent and in no table, came back by b with a wish: on to the next node, without a pause. */
void onward_begin(struct handoff *h, struct tcb *t, const struct control_block *b, u8 from);
void onward_failed(struct handoff *h, struct tcb *t, const struct transfer *x); /* x is over, its block still there */

/* --- drain.c --- */
void drain_sweep(struct handoff *h);

/* --- scope.c: what connections may be answered here, each kept once --- */
enum { SCOPES = 64 };
struct scope { u32 users; struct handoff_scope s; };
u8   scope_take(struct handoff *h, const struct handoff_scope *s); /* its number; 0, which holds none, when all are in use */
void scope_leave(struct handoff *h, u8 number);

/* --- notice.c: what nodes say about flows --- */
enum notice { NOTICE_REFRESH = 1, NOTICE_GONE, NOTICE_UNKNOWN, NOTICE_PROBE };
enum { NOTICE_HEAD = 4, NOTICE_ENTRY = 20, NOTICE_MAX = 60 };
void notice_add(struct handoff *h, u8 node, enum notice what, u32 raddr, u32 laddr, u32 ports, const u8 *nonce);
void notice_flush(struct handoff *h);
void notice_rx(struct handoff *h, u8 node, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p);

/* --- forward.c --- */
/* How a node is reached: on the same LAN, or behind a router and therefore in IP in IP. room: bytes of a datagram that fit. */
struct way { struct ip_dst d; ipaddr node, own; u32 room; bool tunnel; };
bool handoff_way(struct handoff *h, ipaddr node, struct way *w);        /* false: there is none */
/* p (consumed; data at the TCP or ICMP header, l3 set) goes on to a node with one hop less. */
void handoff_forward(struct handoff *h, struct pkt *p, const struct ip_hdr *ip, ipaddr node);
/* The last step: p (consumed, data at the IP header) fits the way. */
void handoff_send(struct handoff *h, struct pkt *p, const struct way *w);
/* A packet of a client for a silent address, whose connection is not here. */
void handoff_unknown(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p);

/* --- tunnel.c, untunnel.c: IP in IP (RFC 2003) --- */
enum { HANDOFF_ROOM_MAX = 0xffff };
void tunnel_tx(struct handoff *h, struct pkt *p, const struct way *w);  /* consumes p, data at the IP header */
void tunnel_rx(struct stack *st, struct pkt *p, const struct ip_hdr *outer); /* an ip_proto_fn */
/* The MTU towards a node behind a router: what ICMP has told, at most the link's. */
u32  node_mtu(struct handoff *h, ipaddr node, u32 link);
void node_mtu_learn(struct handoff *h, u32 node, u32 mtu);
void node_mtu_sweep(struct handoff *h);                                 /* forgets what is old */

/* --- quote.c: an icmp_quote_fn --- */
bool handoff_quote(void *ctx, struct pkt *p, const struct ip_hdr *ip, const struct ip_hdr *q, u32 n);

/* --- segment.c: control segments --- */
struct ctl {
        struct auth_scope scope;        /* src is ours, ports as they go out */
        struct option144  opt;          /* beside hello and authenticator */
        u8                key;          /* of which secret: who asks uses the newest, who answers that of the question */
};
/* Sends p (consumed), whose bytes are the segment's text. */
void ctl_send(struct handoff *h, struct ctl *c, struct pkt *p);
/* A received segment: its option, and where its text lies. false: there is none, or it does not end the header, or the text is in
 * pieces. */
struct ctl_in { struct option144 opt; const u8 *opts, *text; u32 n_opts, n; u8 key; /* set by ctl_good */ };
bool ctl_read(const struct handoff *h, const struct tcp_hdr *th, const struct tcp_seg *s, const struct pkt *p, struct ctl_in *in);
/* The authenticator is right under one of the secrets. */
bool ctl_good(const struct handoff *h, struct ctl_in *in, u8 kind, const struct ip_hdr *ip, const struct tcp_hdr *th,
              const struct tcp_seg *s, u32 first, const u8 *nonce);

struct service { ipaddr addr; struct netif *nif; bool silent; };

struct handoff {
        struct stack       *st;
        struct tcp_state   *ts;
        u8                  kind;                       /* of the option */
        u8                  n_keys;
        struct cluster_keys keys[2];                    /* the present secret's, the one before */
        u8                  node_key[HANDOFF_NODES];    /* which of them the node's last 51 had */
        ipaddr              node[HANDOFF_NODES];        /* any() = free; none is behind n_nodes */
        struct { u16 mtu; u32 until_ms; } narrow[HANDOFF_NODES]; /* mtu 0: nothing was learnt */
        u32                 n_narrow;
        u32                 clamp;                      /* largest segment for service addresses; 0: look (handoff_mss) */
        u16                 clamp_gen;
        u8                  tunnel_from;                /* while a tunnel's packet is delivered: its node's number + 1 */
        struct service      service[HANDOFF_SERVICES];
        struct flow_table   flows;
        struct transfer    *transfer, *free_transfer;
        struct adoption    *adoption, *free_adoption;
        struct owned       *owned;
        u32                *owned_at;                   /* by the slot of a TCB: index + 1 */
        u32                 n_nodes, n_transfers, n_adoptions, n_owned, all_owned, owned_next, owned_swept;
        struct timer        sweep_timer, notice_timer;
        struct { u8 node, what, n; u8 b[NOTICE_HEAD + NOTICE_MAX * NOTICE_ENTRY]; } notice;
        struct scope        scope[SCOPES];
        handoff_choose_fn  *choose;
        void               *choose_ctx;
        bool                draining;
        u32                 drain_ms;                   /* last attempt */
        struct handoff_counters count;
};
/* --- handoff.c --- */
int  handoff_node_index(const struct handoff *h, ipaddr node);          /* -1: no node */
bool handoff_own(const struct handoff *h, ipaddr node, ipaddr *out);    /* our address towards a node, never a service address */
bool handoff_is_service(const struct handoff *h, ipaddr v);
bool handoff_is_silent(const struct handoff *h, ipaddr v);              /* a service address whose front is another */
static inline u16 handoff_now_s(const struct handoff *h) { return (u16)(stack_now_ms(h->st) / 1000); }
static inline void handoff_nonce(struct handoff *h, u8 nonce[HANDOFF_NONCE])
{
        u32 r[2] = {stack_random(h->st), stack_random(h->st)};
        __builtin_memcpy(nonce, r, HANDOFF_NONCE);
}

#endif
