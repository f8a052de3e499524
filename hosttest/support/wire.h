/* wire.h - test support: one stack on a wire whose other end is the test, with the clock passed in.
 * Ours is 10.0.0.1/24, 02:00:00:00:00:01; the peer is 10.0.0.2, 02:00:00:00:00:02 with a static ARP entry.
 * SPDX-License-Identifier: MIT */
#ifndef WIRE_H
#define WIRE_H

#include "ip.h"
#include "netif.h"
#include "stack.h"

enum { WIRE_OUT = 1024, WIRE_FRAME = 66000 };

struct frame { u32 n; u8 *b; };         /* bytes from the link header (IP header on an L3 wire) */

struct wire {
        struct stack *st;
        struct netif  nif;
        u64           now_us;
        struct frame  out[WIRE_OUT]; /* ring of what the stack sent */
        u32           out_head, out_tail;
        void         *blocks[64];
        u32           n_blocks;
        char          log[2048];     /* lines of stack_log, newline separated */
        struct frame  last;          /* the frame wire_tx returned last; freed by the next call */
};

#define WIRE_US   IPADDR(10, 0, 0, 1)
#define WIRE_PEER IPADDR(10, 0, 0, 2)
extern const macaddr wire_mac_us, wire_mac_peer;

/* A wire with a stack made from cfg (NULL = defaults; alloc, log and seed are filled in). caps: of the interface, e.g. NETIF_L3. */
struct wire *wire_new(const struct stack_config *cfg, u8 caps);
/* As wire_new, but without address and ARP entry. */
struct wire *wire_new_bare(const struct stack_config *cfg, u8 caps);

/* Proves that every packet buffer is back (fails the test otherwise), then frees everything. */
void wire_free(struct wire *w);
/* Free without the leak check. */
void wire_discard(struct wire *w);

/* Hands a frame to the stack, then ends the batch. wire_rx_part does not end it. */
void wire_rx(struct wire *w, const void *frame, u32 n);
void wire_rx_part(struct wire *w, const void *frame, u32 n);
void wire_batch_end(struct wire *w);

/* Moves the clock by ms in one step / in steps of 1 ms, timers firing, and ends the batch. */
void wire_wait(struct wire *w, u32 ms);

/* Fails unless each buffer of p holds what is in it: neighbours in the pool look like one block to the sanitizer. Every sent frame is so
 * checked; for those of a test's own interface. */
void wire_check(const struct pkt *p);

/* The oldest frame not yet taken, or NULL. Valid until the next call. wire_pending: how many wait. */
const struct frame *wire_tx(struct wire *w);
u32 wire_pending(const struct wire *w);
void wire_flush_out(struct wire *w);

/* --- building frames; each returns the length --- */
u32 build_eth(u8 *f, macaddr dst, macaddr src, u16 type);
/* IPv4 header with right checksum in front of n payload bytes (already at ip + 20). */
void build_ip(u8 *ip, ipaddr src, ipaddr dst, u8 proto, u32 n);
/* A whole Ethernet frame from the peer to us (or an IP packet on an L3 wire): UDP with data. */
u32 build_udp(const struct wire *w, u8 *f, ipaddr src, u16 sport, ipaddr dst, u16 dport, const void *data, u32 n);
struct seg { u16 sport, dport; u32 seq, ack; u8 flags; u16 wnd; const u8 *opts; u8 n_opts; const void *data; u32 n; u16 urg; };
/* TCP from the peer to us; n_opts is a multiple of 4. */
u32 build_tcp(const struct wire *w, u8 *f, const struct seg *s);
/* Reads a captured frame as TCP over IPv4, checking both checksums (fails the test when wrong). false when it is not TCP. opts and data point into the frame. */
bool parse_tcp(const struct wire *w, const struct frame *f, struct seg *out);
enum { T_FIN = 1, T_SYN = 2, T_RST = 4, T_PSH = 8, T_ACK = 16, T_URG = 32, T_ECE = 64, T_CWR = 128 };

/* The counter of a drop reason. */
static inline u32 wire_drops(const struct wire *w, enum drop why) { return w->st->pkts.drops[why]; }

#endif
