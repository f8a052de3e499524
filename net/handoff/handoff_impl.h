/* handoff_impl.h - inside the handoff: flow table, both ends, its state. Only net/handoff and its tests read this.
 * Control segments (control.h) and the control block (block.h) have headers of their own.
 * SPDX-License-Identifier: MIT */
#ifndef HANDOFF_IMPL_H
#define HANDOFF_IMPL_H

#include "block.h"
#include "control.h"
#include "handoff.h"
#include "../ip_state.h"
#include "../tcp/engine.h"

/* Limits and times, each with its reason. */
enum {
        TRANSFER_RTO_MS = 100,          /* first wait for 52: many times what a LAN takes */
        TRANSFER_TRIES = 5,             /* 0.1 + 0.2 + 0.4 + 0.8 + 1.6 s, then the next node */
        TRANSFER_EARLY_MS = 50,         /* the same while the client's SYN waits for its answer, and ... */
        TRANSFER_EARLY_TRIES = 2,       /* ... 0.05 + 0.1 s, then the front answers the SYN and begins anew */
        TRANSFER_WINDOW = 16,           /* segments of one connection on their way to the node */
        TRANSFER_KEEP = 32,             /* packets of the client kept from 51 to 52 */
        ANEW_KEEP = 32,                 /* SYNs that wait for their node's GONE */
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
};

/* --- flow.c --- */
/* COMING: ACTIVE, and the node gives it back: from our 52 until its 53 the client's packets are kept. DOUBT: that 53 never came;
 * nothing is forwarded until the node has said whose it is. */
enum flow_state { FLOW_FREE, FLOW_PENDING, FLOW_ACTIVE, FLOW_COMING, FLOW_DOUBT };
struct flow {
        u32 raddr, laddr, ports, next;  /* struct tuple */
        u8  nonce[HANDOFF_NONCE];       /* of the handoff; while PENDING the transfer's number */
        u8  node, state;
        u16 seen_s;                     /* the node's last word, seconds modulo 2^16 */
};
_Static_assert(sizeof(struct flow) == 28, "with its share of the buckets 32 bytes (design 4)");
bool flow_init(struct tuples *f, struct stack *st, u32 n);
struct flow *flow_find(const struct tuples *f, u32 raddr, u32 laddr, u32 ports);
struct flow *flow_add(struct tuples *f, u32 raddr, u32 laddr, u32 ports);   /* PENDING; NULL: all are in use */
void flow_del(struct tuples *f, struct flow *e);
/* Looks at the next entries; true and *out: one that nobody spoke for since FLOW_EXPIRE_S. Call until false, with *left entries
 * to look at. */
bool flow_expired(struct tuples *f, u16 now_s, u32 *left, struct flow **out);

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
void transfer_keep(struct transfer *x, struct pkt *p); /* a packet of the client, from its TCP header on */
struct transfer *transfer_of(struct handoff *h, const struct flow *f);
void transfer_load(struct transfer *x, const struct rider *r);  /* its block, from a connection that is frozen with it */
struct transfer *transfer_find(struct handoff *h, ipaddr node, u32 ports);    /* ports as our header to the node holds them */
void transfer_release(struct transfer *x);

/* --- transfer_tx.c --- */
/* Block, bytes and FIN, counted from behind 51's SEQ. */
static inline u32 transfer_end(const struct transfer *x) { return x->total + (x->fin ? 1 : 0); }
void transfer_send(struct transfer *x);                 /* what is next, a window at most, and the time it may take */
void transfer_send_53(struct transfer *x);
void transfer_send_withdrawn(struct transfer *x, u32 fresh); /* fresh: of the answer that is not taken, 0 when none came */

/* --- transfer_rx.c --- */
bool transfer_rx(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s,
                 struct pkt *p); /* true: consumed */
void transfer_fire(struct timer *tm);

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
struct adoption *adoption_find(struct handoff *h, ipaddr front, u32 ports);            /* by the front's */
void adoption_keep(struct adoption *a, struct pkt *p); /* a packet of the client, from its TCP header on */
/* Text at its place in block and bytes; what is not next is sent again by the front. Consumes p. */
void adoption_text(struct adoption *a, struct pkt *p, const struct tcp_seg *s, u32 off);
void adoption_abandon(struct adoption *a, bool known);  /* it never was ours; known: it still is his who began */

/* --- adoption_tx.c --- */
void adoption_send_ack(struct adoption *a);             /* 52, or an acknowledgement of a part on the way to it */
/* ports: as the front's header holds them; first: SEQ of its 51. */
void adoption_refuse(struct handoff *h, ipaddr own, ipaddr front, u32 ports, u32 first, u8 key, const u8 *nonce,
                     enum handoff_reason why);

/* --- admit.c --- */
/* A SYN with the handoff in its option: 51, for the first time or again. Consumes p. */
void adoption_rx_51(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p,
                    struct ctl_in *in, u8 node);

/* --- owned.c: connections that came here by a handoff, those in TIME_WAIT included --- */
struct owned {
        u32 raddr, laddr, ports, next;  /* struct tuple */
        u32 slot : 24, scope : 7, first : 1;
        u16 gen;
        u8  told_s, node;               /* when node heard of it, seconds modulo 2^8 */
        u8  nonce[HANDOFF_NONCE];
};
enum { OWNED_SLOT = (1 << 24) - 1, OWNED_SCOPE = 127 };
_Static_assert(sizeof(struct owned) == 32, "as a flow entry");
bool owned_init(struct handoff *h);
void owned_add(struct handoff *h, const struct tcb *t, u8 node, const struct control_block *b);
struct owned *owned_find(struct handoff *h, u32 raddr, u32 laddr, u32 ports); /* a connection that lives; NULL in TIME_WAIT */
struct owned *owned_of(struct handoff *h, const struct tcb *t); /* the same, also of one that is frozen */
void owned_drop(struct handoff *h, struct owned *o);            /* given back: nobody is told of its end */
bool owned_over(struct handoff *h, u32 raddr, u32 laddr, u32 ports); /* true: it was here and is over, its front is told now */
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
void handoff_forward(struct handoff *h, struct pkt *p, ipaddr node);
/* The last step: p (consumed, data at the IP header) fits the way. */
void handoff_send(struct handoff *h, struct pkt *p, const struct way *w);
/* A packet of a client for a silent address, whose connection is not here. */
void handoff_unknown(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p);

/* --- kept.c: what a client sends while his connection is nobody's --- */
/* false: there are `most` already, or buffers are short; p was dropped. */
bool kept_put(struct pktq *q, u32 most, struct stack *st, struct pkt *p, enum drop why);
void kept_receive(struct pktq *q, struct stack *st);    /* the connection is here */
void kept_forward(struct pktq *q, struct handoff *h, ipaddr node);
void kept_drop(struct pktq *q, enum drop why);

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
        struct tuples       flows;
        struct transfer    *transfer, *free_transfer;
        struct adoption    *adoption, *free_adoption;
        struct tuples       owned;
        u32                 n_nodes, n_transfers, n_adoptions;
        struct timer        sweep_timer, notice_timer;
        struct pktq         anew[2];                    /* SYNs that came since the last sweep, and since the one before */
        struct { u8 node, what, n; u8 b[NOTICE_HEAD + NOTICE_MAX * NOTICE_ENTRY]; } notice;
        struct scope        scope[SCOPES];
        handoff_choose_fn  *choose;
        void               *choose_ctx;
        bool                draining;
        u32                 drain_ms;                   /* last attempt */
        struct handoff_counters count;
};

/* --- anew.c --- */
/* Copies a SYN that is about to be forwarded (p at its TCP header); kept for one to two sweeps, or not at all where room is
 * short. */
void anew_keep(struct handoff *h, const struct pkt *p);
void anew_open(struct handoff *h, u32 raddr, u32 laddr, u32 ports);     /* the flow is gone: what waited for that comes in */
void anew_sweep(struct handoff *h);

/* --- members.c --- */
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
