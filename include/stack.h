/* stack.h - one instance of the network stack. It owns no globals, reads no clock, draws no random
 * number and touches no hardware: frames, time and entropy are passed in, frames come out by
 * netif->xmit. The same frames at the same times give the same frames out, byte for byte.
 * SPDX-License-Identifier: MIT */
#ifndef STACK_H
#define STACK_H

#include "netif.h"
#include "pkt.h"
#include "wheel.h"

enum { STACK_NIFS = 8, STACK_POOL_MAX = 1 << 21 };

/* What calls return when they cannot do it; always negative. */
enum stack_err {
        E_NOMEM = -1,      /* a pool is exhausted */
        E_INVAL = -2,      /* argument makes no sense */
        E_INUSE = -3,      /* address or port is taken */
        E_NOROUTE = -4,    /* no route to there */
        E_TIMEDOUT = -5,   /* peer silent until R2 / user timeout */
        E_RESET = -6,      /* peer reset the connection */
        E_REFUSED = -7,    /* peer refused the connection (RST to SYN) */
        E_UNREACH = -8,    /* ICMP unreachable */
        E_CLOSED = -9,     /* closed here, or already gone */
        E_AGAIN = -10,     /* would block */
        E_NOTCONN = -11,
        E_EXIST = -12,
        E_NOENT = -13,
        E_MSGSIZE = -14,
};
/* "connection refused" for E_REFUSED and so on; "ok" for >= 0. */
const char *stack_strerror(int err);

/* Sizes of every pool, given when the stack is made, below STACK_POOL_MAX; 0 takes the default in brackets. */
struct stack_config {
        u32 n_pkts;       /* packet buffers [256] */
        u32 n_tcbs;       /* TCP connections [64] */
        u32 n_listeners;  /* [16], 65,535 at most count */
        u32 n_synq;       /* half-open connections [64] */
        u32 n_timewait;   /* TIME_WAIT entries [128] */
        u32 n_udp;        /* UDP sockets [32] */
        u32 n_socks;      /* sockets of sock.h [n_listeners + 48] */
        u32 n_arp;        /* ARP entries [64] */
        u32 n_routes;     /* [32] */
        u32 n_reass;      /* datagrams in reassembly [8] */
        u8  seed[16];     /* entropy: key of every hash and random number in this instance */
        /* Memory for the pools: called only while the stack is made, never given back; zeroed. NULL = failure. `align` is a power of two. */
        void *(*alloc)(void *ctx, size_t n, size_t align);
        void *alloc_ctx;
        /* Called by blocking socket calls while they wait, until *something* may have changed; run the event loop or another thread, for at most `ms`. May be NULL: then nothing blocks. */
        void (*wait)(void *ctx, u32 ms);
        void *wait_ctx;
        /* One line of log for people (address conflict, lease lost, ...), without a newline; may be NULL. */
        void (*log)(void *ctx, const char *line);
        void *log_ctx;
};

struct eth_state;
struct hop;
struct arp_state;
struct claim_state;
struct route_state;
struct ip_state;
struct icmp_state;
struct igmp_state;
struct udp_state;
struct dhcp_state;
struct echo_state;
struct dns_state;
struct tcp_state;
struct sock_state;

/* What is used most comes first: small offsets make short instructions. */
struct stack {
        struct tcp_state   *tcp;
        struct eth_state   *eth;
        struct arp_state   *arp;
        struct claim_state *claim;
        struct route_state *route;
        struct ip_state    *ip;
        struct hop         *hop;        /* link headers towards neighbours, ready to send (arp.h); numbered from 1 */
        struct icmp_state  *icmp;
        struct igmp_state  *igmp;
        struct udp_state   *udp;
        struct dhcp_state  *dhcp;       /* NULL until the first dhcp_start */
        struct echo_state  *echo;       /* made by the first echo_listen (net/service/echo.c) */
        struct dns_state   *dns;        /* NULL until the first server or query */
        struct sock_state  *sock;
        __extension__ union {
                __extension__ struct {
                        u8   n_due;     /* connections that wait for the end of the batch (net/tcp/batch.c) */
                        bool loop_waits; /* and what we sent ourselves */
                        u8   n_doorbells; /* interfaces with a flush */
                };
                u32          at_batch_end; /* 0: none of these; 1: one connection */
        };
        u16                 hop_gen;    /* moves on whenever a hop, a route or an address of ours changes; never 0 */
        u8                  n_nifs;
        struct netif       *nif[STACK_NIFS];
        /* netdump: sees every frame in (out = false) and out, at the link header; may be NULL. stack_watch sets it. */
        void              (*tap)(void *ctx, struct netif *nif, const struct pkt *p, bool out);
        void               *tap_ctx;
        u64                 now_us;     /* passed in, monotonic */
        struct wheel        wheel;
        struct pktpool      pkts;
        u64                 ms_base_us; /* now_us at which wheel.now_ms last changed */
        u8                  key[16];    /* secret of this instance */
        u64                 rnd_count;
        struct stack_config cfg;
};

/* Makes a stack in memory from cfg->alloc (the struct too); NULL when that fails. now_us: the clock at this moment. */
struct stack *stack_new(const struct stack_config *cfg, u64 now_us);

/* Sets the clock (microseconds, monotonic) and fires due timers. Call before every batch of frames and when stack_next says so. */
void stack_tick(struct stack *st, u64 now_us);

/* After the last frame of a batch: sends the acknowledgements that could wait (RFC 9293 MUST-58, 59) and rings the doorbells. */
void stack_batch_end(struct stack *st);
void stack_batch_rest(struct stack *st); /* the same, whatever waits */

/* Sets the tap. */
void stack_watch(struct stack *st, void (*tap)(void *ctx, struct netif *nif, const struct pkt *p, bool out), void *ctx);

/* Milliseconds until stack_tick must be called again, UINT32_MAX when nothing is pending. */
u32 stack_next(const struct stack *st);

/* Mixes 16 more bytes of entropy into the instance key (before traffic starts). */
void stack_seed(struct stack *st, const u8 seed[16]);

/* What a hop number stood for may have changed: numbers kept beside an older hop_gen count no more. */
void stack_hops_changed(struct stack *st);

/* A random number, deterministic for a seed; SipHash-2-4 in counter mode under the instance key. */
u32 stack_random(struct stack *st);

/* Zeroed memory for a protocol's pools while the stack is being made. NULL on failure. */
void *stack_alloc(struct stack *st, size_t n, size_t align);

static inline u32 stack_now_ms(const struct stack *st) { return st->wheel.now_ms; }

/* printf-like line to cfg.log (%s %d %u %x %c, %I for an ipaddr pointer, %M for a macaddr pointer). */
void stack_log(struct stack *st, const char *fmt, ...);

#endif
