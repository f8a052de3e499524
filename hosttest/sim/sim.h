/* sim.h - the simulator: many stacks in one process under virtual time, joined by a network that loses,
 * repeats, reorders, spoils and cuts. Everything random comes from one seed, so a run is replayed byte for byte.
 * Reads with: queue.c (events), medium.c and path.c (the network), node.c (a machine), work.c and end.c (what the
 * machines say to each other), cluster.c (connections that move), check.c (what must hold), trace.c, main.c. How to use it: doc/simulator.md.
 * SPDX-License-Identifier: MIT */
#ifndef SIM_H
#define SIM_H

#include "netif.h"
#include "stack.h"
#include "tcp.h"

/* --- chance: splitmix64, one stream per subject so that an option changes only its own subject --- */
struct rng { u64 s; };
u32 rng_u32(struct rng *r);
static inline u32 rng_below(struct rng *r, u32 n) { return (u32)((u64)rng_u32(r) * n >> 32); }
static inline u32 rng_in(struct rng *r, u32 lo, u32 hi) { return lo + rng_below(r, hi - lo + 1); }
static inline bool rng_ppm(struct rng *r, u32 ppm) { return ppm && rng_below(r, 1000000) < ppm; }
/* lo..hi with every order of magnitude equally likely. */
u32 rng_log(struct rng *r, u32 lo, u32 hi);

/* What the command line or the seed decides. */
struct params {
        u32  seed, nodes, conns;
        u32  max_bytes;              /* of one direction of one connection */
        u32  span_ms;                /* connections begin within this */
        u32  loss_ppm, dup_ppm, reorder_ppm, corrupt_ppm, ce_ppm, narrow_ppm;
        u32  crashes, partitions;
        u32  cluster;                /* machines of a front and its nodes, or 0: all connections are to their service address */
        bool l3, slow, pressure;     /* IP links instead of Ethernet; slow links; pools too small for the work */
        bool plain;                  /* every connection well-behaved: no aborts, no application mode */
        bool trace;
};

enum ev_kind { EV_SWITCH, EV_ARRIVE, EV_POLL, EV_WAKE, EV_OPEN, EV_APP, EV_CRASH, EV_RESTART, EV_SPLIT, EV_HEAL, EV_MOVE };
struct event { u64 t; u32 n; u32 kind; u32 a; void *p; };

/* A frame on its way; shared by its copies. */
struct frame { struct frame *next; u32 refs, len, from; bool spoilt; u8 b[2048]; };

struct link { u32 ns_per_byte, limit_us; u64 busy_us; };   /* busy_us: when the last frame queued will be through */

struct block { struct block *next; void *mem; };

enum { SIM_CLUSTER = 16, SIM_PORTS = 6, SIM_PORT = 1000, SIM_RING = 64 };

struct node {
        struct sim      *sim;
        u32              id, life;          /* life counts restarts */
        struct stack    *st;                /* NULL: switched off */
        struct netif     nif;
        struct block    *blocks;
        bool             sealed;            /* stack_new has returned: no more memory */
        struct link      up, down;
        u32              delay_us, poll_us;
        bool             far;               /* other side of the partition */
        struct frame    *rx_first, **rx_last;
        u32              n_rx;
        bool             poll_set;
        u64              wake_us;
        struct listener *listener[SIM_PORTS];
        struct tcp_opts  port_opts[SIM_PORTS];
        u32              timers;            /* running before any traffic */
};

enum excuse {
        EX_CRASH = 1,      /* a machine of it went down */
        EX_CUT = 2,        /* a long partition lay between */
        EX_ABORT = 4,      /* an application aborted, or closed with data unread */
        EX_APP_MODE = 8,   /* close resets (R154-R162) */
        EX_REFUSED = 16,   /* accept said no */
        EX_PRESSURE = 32,  /* pools of its machines were too small */
        EX_FORGOT = 128,   /* TIME_WAIT may be shorter than the last retransmissions, which then meet nobody */
        EX_IMPATIENT = 64, /* user timeout below what the network may need */
};

enum read_how { READ_PEEK, READ_COPY, READ_TAKE, READ_SLOW, READ_HOWS };
enum write_how { WRITE_COPY, WRITE_REF, WRITE_REF_SUM, WRITE_PKT, WRITE_MIXED, WRITE_HOWS };

struct conn;
/* One application at one end of a connection. */
struct end {
        struct conn *c;
        struct node *node;
        struct tcb  *t;
        struct rng   rng;
        u8           side;            /* 0 opens, 1 is opened */
        u8           read_how, write_how;
        bool         echo;            /* sends back what it receives */
        u8           moving;          /* enum moving: of a cluster's server */
        bool         live, up, shut, eof, let_go, gone, aborted, crashed, app_set;
        int          err;             /* what `closed` said */
        u32          size, queued, got;
        u32          abort_at;        /* aborts once it has read and written so many bytes */
        bool         close_early;     /* ends by tcp_close with data unread instead */
        u32          pace_us;         /* slow reader and idle writer */
};

enum moving { MOVE_NONE, MOVE_ASKED /* frozen at its node */, MOVE_GONE /* handed over, not yet begun there */ };

struct conn {
        struct sim *sim;
        struct node *source;          /* of its last move */
        u32         speaker, target;  /* machine whose connection it is; where it is moved to */
        u32         said[SIM_CLUSTER]; /* SND.NXT of a machine when it last moved the connection away, and when that was */
        u64         frozen_us[SIM_CLUSTER];
        bool        hand_first;       /* handed over before its request is read */
        bool        doubt;            /* its target went down meanwhile */
        bool        via, any;         /* given to the front, who hands it on; with nobody to tell who has it in the end */
        u32         id;
        u64         open_us;
        u8          port;
        bool        both_open;        /* simultaneous open: no listener involved */
        bool        refuse;
        bool        started;
        u32         excuse;
        struct conn *next_found;
        u16         sport;            /* the client's port */
        u16         again;            /* the one from which a QuRe client asked again; his first request may have run */
        u16         moved_port;       /* the one whose connection was moved last */
        struct tcp_opts opts;
        struct end  end[2];
};

struct counts {
        u64 frames, bytes, lost, duplicated, delayed, spoilt, spoilt_rx, cut, queue_full, ring_full, marked, delivered;
        u64 content, orphans, told, cut_up;
        u64 moved, landed, stayed, refused, forged; /* moves: done, begun there, failed, not begun; control segments refused */
        u64 early;              /* handed over with the SYN not answered yet */
};

struct sim {
        struct params  p;
        struct rng     net, work, life, move;
        u64            now_us;
        struct event  *heap;
        u32            n_heap, cap_heap, ev_count;
        struct node   *node;
        struct conn   *conn;
        u32            open_ends;      /* ends that have not been told their end yet */
        bool           cut, cut_long;  /* long: connections across may break */
        struct conn   *found[4096];    /* by client and its port */
        u64            hash;           /* of all frames sent, with their times */
        struct counts  count;
        u32            format_drops;   /* frames refused as malformed by stacks that are gone (crashes) */
        struct frame  *spare;
        u8            *arena;
        u32            violations;
        u64            drain_us;
};

/* queue.c */
void ev_at(struct sim *s, u64 t, enum ev_kind kind, u32 a, void *p);
bool ev_next(struct sim *s, struct event *out);

/* medium.c */
void medium_send(struct node *from, struct frame *f);
void medium_switch(struct sim *s, u32 to, struct frame *f);
struct frame *frame_new(struct sim *s);
void frame_free(struct sim *s, struct frame *f);
void medium_split(struct sim *s);

/* path.c */
u32 path_mtu(const struct sim *s, u32 a, u32 b, bool *silent);
/* f on its way to one node (consumed): how many frames go on, none, itself or its two pieces. */
u32 path_pass(struct sim *s, struct frame *f, u32 to, struct frame *piece[2]);

/* node.c */
void node_start(struct node *n);
void node_crash(struct node *n);
void node_arrive(struct node *n, struct frame *f);
void node_poll(struct node *n);
void node_wake(struct node *n, u64 t);
/* Around every call into a node's stack from outside: sets its clock; ends the batch and sets its alarm. */
void node_enter(struct node *n);
void node_leave(struct node *n);
ipaddr node_addr(const struct sim *s, u32 id);
/* Frames refused as malformed so far: what corruption must end as. */
u32 node_format_drops(const struct node *n);

/* work.c: plans everything; end.c: carries it out */
u64  work_begins(const struct sim *s);  /* us behind the start */
void work_plan(struct sim *s);
void work_open(struct conn *c, u32 side);
void work_crashed(struct node *n);
/* A cut begins: excuses what it may break. */
void work_cut(struct sim *s);
struct conn *work_find(struct node *server, const struct tcp_names *names);
extern const struct tcp_events end_events, end_listen_events;
void end_app(struct end *e);
/* Fast Open, QuRe: what is written before the connection is up goes with its SYN, and of QuRe the FIN. */
void end_early(struct end *e);
void end_start(struct end *e, struct node *n, struct tcb *t);
/* The content of `side` at off: a run of at most n bytes; its length in *n. */
const u8 *content(struct end *e, u32 off, u32 *n);
enum { ARENA = 1048573, ARENA_RUN = 65536 };    /* prime: a shift by any power of two shows */

/* cluster.c */
bool cluster_member(const struct node *n);
ipaddr cluster_service(void);
void cluster_sizes(struct stack_config *c);
void cluster_start(struct node *n);
void cluster_port(struct tcp_opts *o);
void cluster_plan(struct conn *c);
void cluster_move(struct conn *c);
bool cluster_hand_first(struct end *e);
bool cluster_accept(struct conn *c, struct node *n, struct tcb *t);
bool cluster_closed(struct end *e, struct tcb *t, int err);
void cluster_crashed(struct node *n);
void cluster_heard(struct sim *s, const struct frame *f);
void cluster_check(struct node *n);
int  cluster_put(struct tcb *t, u8 *dst, u32 max, const char **why);
bool cluster_take(struct tcb *t, const u8 *src, u32 n);

/* check.c */
void check_run(struct sim *s);
void violation(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* trace.c */
void trace_frame(struct sim *s, const struct frame *f, u32 to, const char *fate);

#endif
