/* passive.h - what is not yet, or no longer, a connection: listeners, half-open entries, cookies, TIME_WAIT, Fast Open.
 * SPDX-License-Identifier: MIT */
#ifndef TCP_PASSIVE_H
#define TCP_PASSIVE_H

#include "limits.h"
#include "siphash.h"
#include "tcb.h"
#include "wheel.h"

struct tcp_state;

struct listener {
        struct listener         *next;
        struct tcp_state        *ts;
        ipaddr                   addr;
        u16                      port;      /* host order; 0 = slot free */
        u16                      index;
        u32                      n_waiting; /* accepted, not yet taken (sock.c counts) */
        u16                      wnd;       /* what SYN,ACKs promise: unscaled */
        u8                       rcv_scale;
        struct tcb               like;      /* what its connections begin as, its user and his events included */
        u16                      room;      /* its backlog, 0 unless it offers what usual SYNs ask for in the usual layout (syn.c) */
        u16                      mss;       /* of opts; 65535: what the interface takes */
        u32                      isn_laddr; /* our address that `isn` begins with, for which this is the listener; or nobody's */
        struct siphash_begun     isn;       /* what is the same in the hash of its connections' ISNs (isn.c) */
        struct tcp_opts          opts;      /* rcvbuf and backlog are never 0 */
};
#define ISN_NO_ADDR 0xffffffffu

/* A half-open connection: SYN came, SYN,ACK went out. Those that wait equally long for its repetition are in one list, in order
 * of time; one timer serves all lists. */
struct synq {
        struct synq     *next;           /* hash chain, or free list */
        u32              raddr, laddr, ports;
        u32              irs, iss, ts_recent, ts_off;
        u32              tsval;          /* only if ts_ok */
        u32              sent_us;
        struct listener *l;
        struct synq     *later, **at;    /* at: the `later` of who waits longer, or where the list begins */
        u32              due_ms, ip_id;  /* ip_id: as its connection has it (tcb.h) */
        u16              peer_mss, wnd;
        u16              our_mss;
        u16              hop, hop_gen;   /* the way back as a connection has it (tcb.h): known to be `hop` while these three */
        u8               nif, zero;      /* equal the interface's `straight` and `zero`, which are read as one word */
        u8               snd_scale, rcv_scale, tries;
        bool             live;           /* an entry of the queue; what a cookie gives is none */
        bool             ts_ok, sack_ok, has_wscale;
        bool             ecn_ok : 1, tfo_ask : 1;
        bool             qure : 1, late : 1; /* option 144 came; late: answered without our SYN */
        bool             foreign : 1;    /* to another machine, through this one (through.h) */
        bool             again : 1;      /* the SYN came twice, and so went the answer: what is acknowledged measures nothing (MUST-18) */
};
_Static_assert(sizeof(struct synq) <= 80, "half-open connections are small");
enum { SYNACK_LISTS = 7 }; /* waits of 1, 2, 4 ... 32 s, then 60 s each (TCP_RTO_MAX_MS) */

/* A connection in TIME_WAIT. */
struct timewait {
        u32 raddr, laddr, ports;
        u32 rcv_nxt, snd_nxt, ts_recent;
        u32 due_ms;
        u32 next : 20;          /* index + 1 in the hash chain */
        u32 ts_ok : 1, live : 1, active : 1; /* active: we opened it (MUST-11) */
        u32 wait : 9;           /* 2 MSL in units of 640 ms, for when it starts anew; 5.4 minutes at most */
};
_Static_assert(sizeof(struct timewait) <= 32, "design 4");

/* Those of one bucket: a chain, and index + 1 of the first in TIME_WAIT. */
struct tcp_others { struct synq *half; u32 tw; };

struct tfo_peer { u32 addr; u8 len, cookie[16]; u16 mss; u32 used; };

/* listen.c, synq.c, synq_rx.c, cookie.c, accept.c */
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
/* isn.c */
void isn_begin(struct listener *l, u32 laddr);                            /* for connections of this address */
void isn_forget(struct tcp_state *ts);                                    /* the key is another */
void synq_number(struct tcp_state *ts, struct synq *q);                   /* ISN, the timestamps' offset, TSval if ts_ok */
void synq_send(struct tcp_state *ts, struct synq *q);
void synq_wait(struct tcp_state *ts, struct synq *q);                     /* until the SYN,ACK goes out again */
void synq_timer(struct timer *tm);
void synq_free(struct tcp_state *ts, struct synq *q);
void synq_flush(struct listener *l);
/* q may be no entry but a cookie's; consumes p */
void synq_accept(struct tcp_state *ts, struct synq *q, struct tcp_seg *s, struct pkt *p, const struct tcp_way *way);
/* in SYN_RECEIVED; NULL when slots have run out */
struct tcb *tcp_accept_make(struct tcp_state *ts, const struct synq *q, const struct tcp_way *way);
bool tcp_ask_user(struct tcb *t);                                         /* false: refused, the connection is over */
bool tcp_fastopen(struct tcp_state *ts, struct synq *q, struct tcp_seg *s, struct pkt *p);
void tcp_fastopen_over(struct tcb *t);
u32 cookie_make(struct tcp_state *ts, struct synq *q);
bool cookie_check(struct tcp_state *ts, struct synq *q, const struct tcp_seg *s);

/* timewait.c */
struct timewait *timewait_find(struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports);
void timewait_enter(struct tcb *t);
bool timewait_rx(struct tcp_state *ts, struct timewait *w, struct tcp_seg *s, struct pkt *p, const struct ip_hdr *ip, u32 *iss);
void timewait_free(struct tcp_state *ts, struct timewait *w);
void timewait_timer(struct timer *tm);
/* timestamps: a new connection would use them */
bool timewait_may_reuse(const struct timewait *w, const struct tcp_seg *s, bool timestamps);

/* tfo.c: RFC 7413. */
void tfo_cookie(struct tcp_state *ts, u32 raddr, u8 cookie[8]);
bool tfo_cookie_ok(struct tcp_state *ts, u32 raddr, const u8 *cookie, u32 n);
struct tfo_peer *tfo_find(struct tcp_state *ts, u32 addr);
void tfo_learn(struct tcp_state *ts, u32 addr, const u8 *cookie, u8 n, u16 mss);

#endif
