/* through_impl.h - inside the transparent proxy: passages, and how one is opened. Only passage.c, opening.c, through.c and their
 * tests read this.
 * SPDX-License-Identifier: MIT */
#ifndef THROUGH_IMPL_H
#define THROUGH_IMPL_H

#include "through.h"
#include "tuples.h"
#include "../ip_state.h"
#include "../tcp/engine.h"

/* Limits and times, each with its reason. */
enum {
        PASSAGE_IDLE_MS = 7440000,      /* RFC 5382 5, REQ-5: 2 hours and 4 minutes */
        PASSAGE_CLOSED_MS = 240000,     /* the same for what has ended, or not begun */
        PASSAGE_LINGER_MS = 250,        /* the last FIN's acknowledgement, and that FIN once more, have passed by then, mostly */
        PASSAGE_SWEEP_MS = 1000,
        PASSAGE_SWEEP_ROUND = 8,        /* sweeps until every entry was looked at */
        OPENINGS_MAX = 256,
        OPENING_KEEP = 16,              /* packets of the client kept until his target has what he said before */
        OPENING_SILENT_MS = 10000,      /* a target that does not answer: four SYNs, 15 s */
        PLAIN_TARGETS = 16,             /* targets remembered for refusing timestamps */
};

/* A connection that is let through. Of the client's numbers nothing changes, for his target was shown the client's own. */
enum passage_state { PASSAGE_FREE, PASSAGE_OPENING, PASSAGE_OPEN };
enum passage_end { END_CLIENT = 1, END_TARGET = 2, END_RESET = 4 };
struct passage {
        u32 raddr, laddr, ports, next;  /* struct tuple; as the client's packets have them: his address, the target's */
        u32 seq;                        /* the target's sequence numbers + seq are those that the client sees */
        u32 ts_client, ts_target;       /* the client's timestamps + ts_client (0 as a rule) are what the target sees, and the other way */
        u32 seen_ms;
        u16 most;                       /* bytes of a datagram that the target takes */
        s8  shift;                      /* the target's window field << shift is what the client is to see */
        u8  state, ends;                /* ends: who sent FIN or RST */
        u16 opening;
};
_Static_assert(sizeof(struct passage) == 40, "with its share of the buckets under a cache line");

/* A passage that is not open yet: both connections are ours still. */
struct opening {
        struct through *th;
        struct opening *next;           /* free list */
        struct tcb     *client, *target;/* frozen; the target's knows the client's address as its own */
        struct passage *e;
        struct pktq     kept;
};

struct through {
        struct stack     *st;
        struct tcp_state *ts;
        struct { u16 port; u8 plen; ipaddr net; } port[THROUGH_PORTS];  /* port 0: free */
        u32               n_ports;
        struct tuples     passages;
        struct opening   *opening, *free_opening;
        u32               plain[PLAIN_TARGETS], n_plain;
        struct timer      sweep_timer;
        struct through_counters count;
};

/* --- through.c --- */
bool through_passing(void *ctx, struct pkt *p, struct ip_hdr *ip);     /* an ip_passing_fn */

/* --- passage.c: the table, and packets of open passages --- */
static inline bool passage_over(const struct passage *e) { return (e->ends & END_RESET) || (e->ends & 3) == 3; }
bool passage_init(struct through *th, u32 n);
static inline struct passage *passage_at(const struct through *th, u32 i) { return (struct passage *)th->passages.at + i; }
/* By the names of a packet of either side; *from_client tells whose. */
struct passage *passage_find(const struct through *th, u32 src, u32 dst, u32 ports, bool *from_client);
struct passage *passage_add(struct through *th, u32 raddr, u32 laddr, u32 ports);      /* OPENING; NULL: all are in use */
void passage_del(struct through *th, struct passage *e);
void passage_sweep(struct timer *tm);
/* p (consumed, data at the IP header), TCP with a whole header, goes on to the other side. */
void passage_send(struct through *th, struct passage *e, struct pkt *p, bool from_client);

/* --- opening.c --- */
/* A packet for a passage that is not open yet (consumed, data at the IP header). */
void opening_rx(struct through *th, struct passage *e, struct pkt *p, bool from_client);

#endif
