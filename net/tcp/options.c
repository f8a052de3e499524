/* options.c - TCP options read from and written to headers (RFC 9293 3.1, 3.2; RFC 7323, 2018, 7413).
 * Reading accepts any order and alignment, skips what it does not know, and survives every length (MUST-4 to 7, 64, 68).
 * SPDX-License-Identifier: MIT */
#include "engine.h"
#include "mem.h"

static u16 get16(const u8 *p) { return (u16)(p[0] << 8 | p[1]); }
static u32 get32(const u8 *p) { return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3]; }

static void put32(u8 *p, u32 v)
{
        be32 w = be32_of(v);
        memcpy(p, &w, 4);
}

static void read_sack(struct tcp_seg *s, const u8 *o, u32 len)
{
        for (u32 at = 2; at + 8 <= len && s->n_sack < COUNT_OF(s->sack); at += 8)
                s->sack[s->n_sack++] = (struct sack_block){get32(o + at), get32(o + at + 4)};
}

/* One option of `len` bytes at o. Lengths that do not belong to the kind make it unknown (MUST-7). */
static void read_option(struct tcp_seg *s, const u8 *o, u32 len)
{
        switch (o[0]) {
        case TCP_OPT_MSS:
                if (len == 4 && (s->flags & TCP_SYN)) {
                        s->has_mss = true;
                        s->mss = get16(o + 2);
                }
                break;
        case TCP_OPT_WSCALE:
                if (len == 3 && (s->flags & TCP_SYN)) {
                        s->has_wscale = true;
                        s->wscale = (u8)min_u32(o[2], TCP_SCALE_MAX);
                }
                break;
        case TCP_OPT_SACK_OK:
                s->has_sack_ok |= len == 2 && (s->flags & TCP_SYN);
                break;
        case TCP_OPT_SACK:
                if ((len - 2) % 8 == 0 && !(s->flags & TCP_SYN))
                        read_sack(s, o, len);
                break;
        case TCP_OPT_TS:
                if (len == 10) {
                        s->has_ts = true;
                        s->tsval = get32(o + 2);
                        s->tsecr = get32(o + 6);
                }
                break;
        case TCP_OPT_UTO:
                if (len == 4) {
                        s->has_uto = true;
                        s->uto = get16(o + 2);
                }
                break;
        case TCP_OPT_TFO:
                if ((s->flags & TCP_SYN) && (len == 2 || (len >= 6 && len <= 18 && len % 2 == 0))) {
                        s->has_tfo = true;
                        s->tfo = o + 2;
                        s->tfo_len = (u8)(len - 2);
                }
                break;
        }
}

static inline void usual_ts(const u32_any *w, struct tcp_seg *s)
{
        s->has_ts = true;
        s->tsval = be(w[0]);
        s->tsecr = be(w[1]);
}

bool tcp_usual_syn(const u32_any *w, const u32_any *end, struct tcp_seg *s)
{
        while (w < end) {
                u32 x = *w++;
                if ((x & 0xffff) == TCP_W_MSS) {
                        s->has_mss = true;
                        s->mss = __builtin_bswap16((u16)(x >> 16));
                } else if ((x & 0xffffff) == TCP_W_NOP_SCALE) {
                        s->has_wscale = true;
                        s->wscale = (u8)min_u32(x >> 24, TCP_SCALE_MAX);
                } else if ((x == TCP_W_SACK_OK_TS || x == TCP_TS_WORD) && end - w >= 2) {
                        s->has_sack_ok |= x == TCP_W_SACK_OK_TS;
                        usual_ts(w, s);
                        w += 2;
                } else if (x == TCP_W_NOPS_SACK_OK || (x == TCP_W_SACK_OK_END && w == end)) {
                        s->has_sack_ok = true;
                } else {
                        return false;
                }
        }
        return true;
}

/* Behind the SYN it is the timestamp alone. */
static bool parse_usual(const u32_any *w, struct tcp_seg *s)
{
        if (s->flags & TCP_SYN)
                return tcp_usual_syn(w, w + (s->hlen / 4 - 5), s);
        if (s->hlen != 32 || w[0] != TCP_TS_WORD)
                return false;
        usual_ts(w + 1, s);
        return true;
}

void tcp_parse(const struct tcp_hdr *h, struct tcp_seg *s)
{
        const u8 *o = (const u8 *)(h + 1), *end = (const u8 *)h + s->hlen;
        if (o == end || parse_usual((const u32_any *)o, s))
                return;
        while (o < end && *o != TCP_OPT_EOL) {
                if (*o == TCP_OPT_NOP) {
                        o += end - o >= 4 && *(const u32_any *)o == 0x01010101 ? 4 : 1;
                        continue;
                }
                if (end - o < 2 || o[1] < 2 || o[1] > end - o)
                        return; /* nothing behind a broken length can be trusted */
                read_option(s, o, o[1]);
                o += o[1];
        }
}

u32 tcp_put_ts(u8 *o, u32 tsval, u32 tsecr)
{
        o[0] = o[1] = TCP_OPT_NOP;
        o[2] = TCP_OPT_TS;
        o[3] = 10;
        put32(o + 4, tsval);
        put32(o + 8, tsecr);
        return TCP_TS_LEN;
}

/* One option of a SYN, if it is to be offered; its bytes. */
static u32 put_one(u8 *o, u8 kind, const struct syn_options *so)
{
        switch (kind) {
        case TCP_OPT_NOP:
                o[0] = TCP_OPT_NOP;
                return 1;
        case TCP_OPT_MSS:
                o[0] = TCP_OPT_MSS, o[1] = 4, o[2] = (u8)(so->mss >> 8), o[3] = (u8)so->mss;
                return so->mss ? 4 : 0;
        case TCP_OPT_WSCALE:
                o[0] = TCP_OPT_WSCALE, o[1] = 3, o[2] = so->wscale;
                return so->ws ? 3 : 0;
        case TCP_OPT_SACK_OK:
                o[0] = TCP_OPT_SACK_OK, o[1] = 2;
                return so->sack ? 2 : 0;
        case TCP_OPT_TS:
                o[0] = TCP_OPT_TS, o[1] = 10;
                put32(o + 2, so->tsval);
                put32(o + 6, so->tsecr);
                return so->ts ? 10 : 0;
        case TCP_OPT_UTO:
                o[0] = TCP_OPT_UTO, o[1] = 4, o[2] = (u8)(so->uto >> 8), o[3] = (u8)so->uto;
                return so->uto ? 4 : 0;
        case TCP_OPT_TFO:
                o[0] = TCP_OPT_TFO, o[1] = (u8)(2 + so->tfo_len);
                memcpy(o + 2, so->tfo, so->tfo_len);
                return so->tfo_on ? 2u + so->tfo_len : 0;
        }
        return 0;
}

/* The usual layout with nothing left out but perhaps the timestamp, or with nothing but the MSS. */
u32 tcp_put_usual_syn(u32_any *w, const struct syn_options *so)
{
        w[0] = TCP_W_MSS | (u32)__builtin_bswap16(so->mss) << 16;
        if (!so->sack)
                return 4;
        if (!so->ts) {
                w[1] = TCP_W_SACK_OK_SCALE;
                w[2] = 3u | (u32)so->wscale << 8; /* and zeros to the end */
                return 12;
        }
        w[1] = TCP_W_SACK_OK_TS;
        w[2] = be(so->tsval);
        w[3] = be(so->tsecr);
        w[4] = TCP_W_NOP_SCALE | (u32)so->wscale << 24;
        return 20;
}

u32 tcp_put_syn(u8 *o, const struct syn_options *so)
{
        /* what Linux sends, so that middle boxes meet nothing new; NOP only beside the scale */
        static const u8 usual[] = {TCP_OPT_MSS, TCP_OPT_SACK_OK, TCP_OPT_TS, TCP_OPT_NOP, TCP_OPT_WSCALE, TCP_OPT_TFO, TCP_OPT_UTO, 0};
        const u8 *layout = so->layout && so->layout[0] ? so->layout : usual;
        u32 n = 0;
        if (layout == usual && so->mss && so->sack == so->ws && (so->sack || !so->ts) && !so->tfo_on && !so->uto)
                return tcp_put_usual_syn((u32_any *)o, so);
        for (u32 i = 0; i < TCP_SYN_LAYOUT && layout[i]; i++) {
                u8 one[20];
                if (layout == usual && layout[i] == TCP_OPT_NOP && !so->ws)
                        continue;
                u32 len = put_one(one, layout[i], so);
                if (n + len <= TCP_OPTS_MAX) {
                        memcpy(o + n, one, len);
                        n += len;
                }
        }
        while (n % 4)
                o[n++] = TCP_OPT_EOL; /* MUST-69: zero to the end */
        return n;
}

static void put_block(u8 *o, struct sack_block b)
{
        put32(o, b.start);
        put32(o + 4, b.end);
}

/* As many blocks as fit: a duplicate first (RFC 2883 4), then newest first (RFC 2018 4). What is acknowledged when it is read, and not
 * read yet, is no duplicate that could be told: in front of the acknowledgement it is one, behind it the block would be a plain one. */
u32 tcp_put_sack(const struct tcb *t, u8 *o, u32 room, const struct sack_block *dsack)
{
        u32 n = 0, have = t->reasm ? t->reasm->n_blocks : 0, ack = tcp_rcv_ack(t);
        if (dsack && room >= 12) {
                struct sack_block d = *dsack;
                if (seq_le(d.start, t->rcv_nxt) && seq_gt(d.end, ack))
                        d.end = ack;
                if (seq_lt(d.start, d.end))
                        put_block(o + 4 + 8 * n++, d);
        }
        for (u32 i = 0; i < have && 4 + (n + 1) * 8 <= room; i++)
                put_block(o + 4 + 8 * n++, t->reasm->block[i]);
        if (!n)
                return 0;
        o[0] = o[1] = TCP_OPT_NOP;
        o[2] = TCP_OPT_SACK;
        o[3] = (u8)(2 + 8 * n);
        return 4 + 8 * n;
}
