/* qure.h - the stack for programs outside: link build/libqure.a (32 bit), include this, make instances, feed packets.
 * Nothing here reads a clock, allocates by itself or keeps a global: time, memory and entropy are passed in, so the same
 * packets at the same times give the same packets out. doc/library.md shows a whole program.
 *
 * Two ways to use it, also together:
 *   sockets    sock.h over qure_stack(q); the program calls qure_input, qure_time and reads what comes out
 *   by packet  qure_listen / qure_connect, then one qure_receive per packet, whose result says what it meant, and one qure_send
 *              per free buffer. Bytes are acknowledged when the program takes them, and may be refused (ethox's Recv and Send).
 *
 * Knobs of a conformance test: window and buffers tcp_opts.rcvbuf / sndbuf / wscale (of a socket: sock_tcp_opts); MSS tcp_opts.mss or mtu; which options a SYN has, in
 * which order, tcp_opts.syn_layout, no_wscale, no_sack, no_timestamps; initial sequence number tcp_opts.fixed_isn and isn;
 * smallest RTO tcp_set_rto_min; inspection struct tcb in net/tcp/tcb.h and tcp_info.
 * SPDX-License-Identifier: MIT */
#ifndef QURE_H
#define QURE_H

#ifdef __cplusplus
#include "types.h"
extern "C" {
#endif

#include "cksum.h"
#include "route.h"
#include "sock.h"
#include "stack.h"
#include "tcp.h"
#include "udp.h"

struct qure;

struct qure_config {
        struct stack_config stack;   /* pool sizes, seed; alloc must be set */
        ipaddr  addr;                /* ours */
        u8      plen;                /* its network, e.g. 24 */
        ipaddr  gateway;             /* default route, any() = none */
        u16     mtu;                 /* IP bytes, 68 to 1500, 0 = 1500 */
        bool    ethernet;            /* packets have Ethernet headers (ARP is answered); else they begin with the IP header */
        macaddr mac;                 /* for Ethernet */
        /* Called for each packet that goes out; NULL: they wait for qure_send. It must not call this instance: it runs inside of it. */
        void  (*output)(void *ctx, const void *packet, u32 n);
        void   *output_ctx;
};

/* Lets the checksum use what this processor and its operating system have (SSE2, AVX2). For the whole process, once, before
 * packets flow; without it the code for a Pentium runs. What is sent is the same either way. */
static inline void qure_use_cpu(void)
{
        __builtin_cpu_init();
        cksum_use(__builtin_cpu_supports("avx2") ? CKSUM_AVX2 : __builtin_cpu_supports("sse2") ? CKSUM_SSE2 : CKSUM_BASE);
}

/* An instance; NULL when memory or sizes do not suffice. now_us: the clock (microseconds, any origin, monotonic). */
struct qure *qure_new(const struct qure_config *cfg, u64 now_us);
struct stack *qure_stack(struct qure *q);

/* One packet from the network at this time. qure_input_part: more of the same batch follow; their acknowledgements go out
 * together. */
void qure_input(struct qure *q, const void *packet, u32 n, u64 now_us);
void qure_input_part(struct qure *q, const void *packet, u32 n, u64 now_us);

/* Moves the clock: timers fire, what was queued by the program goes out. Call it at the latest after qure_next milliseconds. */
void qure_time(struct qure *q, u64 now_us);
u32 qure_next(const struct qure *q);                /* UINT32_MAX: nothing is pending */

/* The next packet to send into buf; its length, 0 when there is none. A packet longer than `room` is dropped (counted), which is
 * legal: it is repeated (R163 to R165). Only without `output`. */
u32 qure_send(struct qure *q, void *buf, u32 room, u64 now_us);

/* The state, as the RFC calls it, of what has these names here: connections, half-open ones and what is in TIME_WAIT; where nothing has
 * them, "LISTEN" if somebody listens there, else "CLOSED". */
const char *qure_state(struct qure *q, const struct tcp_names *names);

/* --- by packet: what did it mean? --- */
enum qure_kind {
        QURE_NOTHING,    /* handled: an acknowledgement, a duplicate, ARP, ICMP, a handshake under way */
        QURE_STRAY,      /* TCP that belongs to no connection and no listener: answered as the standard says */
        QURE_OPEN,       /* a handshake on a listener is complete: `key` is new; qure_refuse resets it */
        QURE_CONNECTED,  /* our qure_connect succeeded */
        QURE_SEGMENT,    /* `bytes` wait in order: look with tcp_peek, then qure_take or qure_refuse */
        QURE_END,        /* as QURE_SEGMENT (bytes may be 0), and the peer will send no more */
        QURE_CLOSED,     /* the connection is over; err 0 or why; key is void */
};
enum { QURE_LISTENS = 8 };
/* A connection that ends between packets, by a time-out for instance, is told by nobody: qure_tcb of its key is NULL then. */
struct qure_result { enum qure_kind kind; struct tcp_key key; u32 bytes; int err; };

/* Listens on port for `slots` connections, each of which takes one; with the last one the port is closed again, as if nobody
 * ever listened (R170, R176). qure_listen again reserves more, with the options of the first time. At most QURE_LISTENS ports at a
 * time. 0 or negative. */
int qure_listen(struct qure *q, u16 port, u32 slots, const struct tcp_opts *opts);
/* Begins a connection; *key names it. 0 or negative. */
int qure_connect(struct qure *q, ipaddr addr, u16 port, const struct tcp_opts *opts, struct tcp_key *key);

/* One packet; what it meant most (in the order of enum qure_kind, later wins). */
enum qure_kind qure_receive(struct qure *q, const void *packet, u32 n, u64 now_us, struct qure_result *r);

int qure_take(struct qure *q, struct tcp_key key, u32 n);     /* n bytes are the program's: now they are acknowledged (R180) */
/* unread bytes will come again; a fresh QURE_OPEN is reset instead */
int qure_refuse(struct qure *q, struct tcp_key key);
struct tcb *qure_tcb(struct qure *q, struct tcp_key key);     /* for tcp_send and the rest of tcp.h; NULL when it is over */

#ifdef __cplusplus
}
#endif

#endif
