/* hdr.h - the TCP header on the wire, its flags and options (RFC 9293 3.1), and a segment as the engine sees it.
 * SPDX-License-Identifier: MIT */
#ifndef TCP_HDR_H
#define TCP_HDR_H

#include "addr.h"
#include "seq.h"

/* A header's word (u32_any) as the number that it means, and back. */
static inline u32 be(u32 v) { return __builtin_bswap32(v); }

struct tcp_hdr {
        be16 src, dst;
        be32 seq, ack;
        u8   off;   /* header words << 4, and the bit that was NS */
        u8   flags;
        be16 wnd, cksum, urg;
};
_Static_assert(sizeof(struct tcp_hdr) == 20, "RFC 9293 3.1");

enum tcp_flag {
        TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32, TCP_ECE = 64, TCP_CWR = 128,
        TCP_NS = 1 << 8, TCP_RESERVED = 7 << 9, /* in the 16-bit word that off and flags form */
};

enum tcp_option {
        TCP_OPT_EOL = 0, TCP_OPT_NOP = 1, TCP_OPT_MSS = 2, TCP_OPT_WSCALE = 3, TCP_OPT_SACK_OK = 4, TCP_OPT_SACK = 5,
        TCP_OPT_TS = 8, TCP_OPT_UTO = 28, TCP_OPT_TFO = 34,
        TCP_OPTS_MAX = 40, TCP_TS_LEN = 12, /* two NOPs and the 10 bytes of a timestamp ... */
        TCP_TS_WORD = 0x0a080101,           /* ... whose first four lie like this (RFC 7323 A) */
        TCP_SCALE_MAX = 14, /* RFC 7323 2.3 */
};

/* Options as most machines lay them out, words as in memory: what one begins with, or is. */
enum tcp_option_word {
        TCP_W_MSS = 0x0402, TCP_W_SACK_OK_TS = 0x0a080204, TCP_W_SACK_OK_SCALE = 0x03010204, TCP_W_NOP_SCALE = 0x030301,
        TCP_W_NOPS_SACK_OK = 0x02040101, TCP_W_SACK_OK_END = 0x0204,
};

struct sack_block { u32 start, end; };

/* What a received segment says, in host order; SYN and FIN are not in len. */
struct tcp_seg {
        u32  seq, ack, len;
        u32  wnd;              /* as in the header: scaled by who knows the scale */
        u16  urg;
        u8   flags;
        bool ce;               /* IP said congestion experienced (RFC 3168) */
        u8   hlen;             /* bytes of header and options */
        u8   tos;              /* of the datagram (MAY-9) */
        /* options, valid when their `has_` is set */
        bool has_mss, has_wscale, has_sack_ok, has_ts, has_tfo, has_uto;
        u8   wscale, n_sack, tfo_len;
        u16  mss, uto;
        u32  tsval, tsecr;
        const u8 *tfo;         /* tfo_len bytes of cookie inside the packet; length 0 asks for one */
        struct sack_block sack[4];
};

/* Sequence space that a segment takes (R35). */
static inline u32 seg_space(const struct tcp_seg *s)
{
        return s->len + (s->flags & TCP_SYN ? 1 : 0) + (s->flags & TCP_FIN ? 1 : 0);
}

#endif
