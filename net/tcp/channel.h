/* channel.h - conversations: the two directions of a connection toward a peer that speaks QuRe, the memory of such peers, proof
 * of their addresses, and the SYNs whose data was used. doc/conversations.md has the rules.
 * SPDX-License-Identifier: MIT */
#ifndef TCP_CHANNEL_H
#define TCP_CHANNEL_H

#include "option144.h"
#include "wheel.h"

enum conv_flag {
        CV_MET       = 1,   /* the peer's numbers are known */
        CV_TOLD      = 2,   /* the peer acknowledged something: our options and our ISN reached it */
        CV_PROVEN    = 4,   /* its address is proven: by that acknowledgement, or by its cookie */
        CV_LATE      = 8,   /* our SYN waits for something to say (R38) */
        CV_OPEN_NOW  = 16,  /* ... or for tcp_reopen */
        CV_HOLD_DATA = 32,  /* a SYN that opens again is acknowledged without its data (R42) */
        CV_KNOWN     = 64,  /* client: the peer is remembered, its SYN takes data along */
        CV_GIVE_COOKIE = 128,/* server: our SYN carries a cookie for the peer */
};

/* What a connection has more when its peer speaks QuRe. */
struct conv {
        struct conv *next;    /* free list */
        u8   flags;           /* enum conv_flag */
        bool ws, ts, sack;    /* offered in our SYN */
        u16  our_mss;
        u16  peer_port;       /* client: as it is remembered */
        u32  credit;          /* bytes that may still go to an unproven address */
        u32  irs;             /* number of the peer's SYN, of its present incarnation */
        u32  syn_end;         /* the data that our SYN took along ends here */
        u32  rcvbuf;          /* limit of the receiving direction while it is closed */
        u8   cookie[OPTION144_PROOF]; /* client: the peer's cookie for us */
        bool has_cookie;
};

enum peer_kind { PEER_NONE, PEER_PLAIN, PEER_QURE, PEER_MEMBER };

/* A service whose manner is known. */
struct peer {
        u32  addr;            /* as in memory; 0 = free */
        u16  port;            /* host order */
        u8   kind;            /* enum peer_kind */
        bool has_cookie;
        u16  mss;
        u8   cookie[OPTION144_PROOF];
        u32  learned_ms;
        u32  used;            /* the one used longest ago makes room */
};

/* A SYN whose data was used. */
struct seen { u32 raddr, laddr, ports, isn, at_ms; };

enum {
        PEERS = 256, PEER_WAYS = 4,                   /* 8 KiB: four places for each hash */
        PEER_QURE_MS = 3600 * 1000, PEER_PLAIN_MS = 600 * 1000,
        PROOF_KEY_MS = 3600 * 1000,                   /* a cookie is good for one to two of these */
        COOKIE_KEYS = 2,
        REPLAY_MS = 60 * 1000,
        TAKEOVER_MS = 10 * 60 * 1000,                 /* longer than anything that just_took_over is asked for */
        CONV_AMPLIFY = 3,                             /* bytes that an unproven address may get for each that it sent */
        CONV_SYNACK_TRIES = 3,                        /* to an unproven address that our state waits for */
        SYNACK_SOURCES = 64, SYNACK_PER_SECOND = 32,  /* SYN,ACKs with the option to unproven addresses, per hash */
};

struct conv_counters {
        u32 hellos, early, held, replays, unproven, refused_rate, fallbacks, reopened, cookies_bad;
};

/* One stack's share. */
struct conv_state {
        u8          kind;            /* of the option */
        struct peer peer[PEERS];
        u32         peer_clock;
        u8          key[COOKIE_KEYS][16]; /* of cookies: the present one and the one before */
        u8          isn_key[16];     /* the cluster's */
        bool        have_key, shared_keys, took_over;
        u32         key_ms, takeover_ms;
        struct seen *seen;           /* ring, oldest first; in hash chains through `link` */
        u32        *seen_link, *seen_bucket; /* index + 1 */
        u32         n_seen, seen_first, seen_count, seen_shift;
        struct { u32 second; u32 n; } rate[SYNACK_SOURCES];
        struct conv *pool, *free;
        u32         n_pool, n_used;
        struct conv_counters count;
};

struct tcp_state;
struct tcb;
struct synq;
struct listener;
struct tcp_seg;
struct tcp_opts;
struct tcp_hdr;
struct pkt;
struct stack;

/* peers.c */
struct peer *peer_find(struct tcp_state *ts, u32 addr, u16 port);           /* what is known and not too old, or NULL */
/* cookie: 8 bytes or NULL */
void peer_learn(struct tcp_state *ts, u32 addr, u16 port, enum peer_kind kind, const u8 *cookie, u16 mss);

/* proof.c */
const u8 (*cookie_keys(struct tcp_state *ts))[16];                          /* COOKIE_KEYS of them, the present one first */
bool just_took_over(struct tcp_state *ts, u32 ms);                          /* tcp_takeover was called less than ms ago */
void proof_make(struct tcp_state *ts, u32 raddr, u8 proof[OPTION144_PROOF]);
bool proof_good(struct tcp_state *ts, u32 raddr, const u8 proof[OPTION144_PROOF]);
bool synack_rate_ok(struct tcp_state *ts, u32 raddr);                       /* counts one SYN,ACK toward an unproven address */

/* replay.c */
enum replay { REPLAY_NEW, REPLAY_SEEN, REPLAY_FULL };
bool replay_init(struct tcp_state *ts);
enum replay replay_note(struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports, u32 isn); /* notes a new one */

/* The data of a SYN may be used: the listener says that running it twice does no harm, and it was not seen before. */
bool replay_may_use(struct tcp_state *ts, const struct synq *q, const struct tcp_seg *s, const struct pkt *p);

/* channel.c: directions. */
bool channel_may_send(const struct tcb *t);                  /* not both SYNs are acknowledged: may data go? */
bool channel_arrives(struct tcb *t, struct tcp_seg *s, struct pkt *p); /* before the steps of rx.c; true: p is consumed */
void channel_acked(struct tcb *t, u32 una);                  /* SND.UNA is at una, perhaps behind our SYN */
void channel_rx_closed(struct tcb *t);                       /* the peer's FIN came: its direction's buffers go */
bool channel_over(const struct tcb *t);                      /* nothing can come or go any more */
void channel_tx(struct tcb *t);                              /* our SYN is pending: opens, or acknowledges */

/* conversation.c */
bool conv_init(struct tcp_state *ts);
struct conv *conv_new(struct tcb *t);           /* to be filled; NULL when all are taken */
void conv_free(struct tcb *t);

/* conv_syn.c */
void conv_send_syn(struct tcb *t);              /* our SYN, for the first time or again, with what may go along */
void conv_ack(struct tcb *t);                   /* an acknowledgement, with our options while the peer lacks them */
/* The option behind n bytes that tcp_put_syn wrote; bytes in all. */
u32 conv_append_option(struct tcp_state *ts, u8 *o, u32 n, const struct option144 *x);

/* conv_client.c */
void conv_connect(struct tcb *t, const struct tcp_opts *o, u16 dport);  /* may attach a conv, and let the SYN wait for data */
bool conv_first_answer(struct tcb *t, struct tcp_seg *s, struct pkt *p); /* before CV_MET; true: consumed */
void conv_go_plain(struct tcb *t);              /* nobody answered the SYN with the option */

/* conv_listen.c: a SYN with the option on a listener. */
bool conv_listen(struct tcp_state *ts, struct listener *l, struct synq *q, struct tcp_seg *s, struct pkt *p,
                 const struct tcp_hdr *h);
void conv_synq_send(struct tcp_state *ts, struct synq *q);   /* SYN,ACK, or ACK of a late listener, with the option */
bool conv_accepted(struct tcb *t, const struct synq *q);     /* a half-open entry became a connection */

#endif
