/* block.c - the control block on the wire: big-endian, in this order, its length checked once and its sense afterwards.
 *
 *   0 version, flags, length (2) | 4 nonce (8) | 12 service, client (4 each), their ports (2 each)
 *  24 SND.UNA, SND.NXT, SND.WND, SND.WL1, SND.WL2, largest SND.WND | 48 RCV.NXT, right edge advertised, last acknowledgement sent
 *  60 TS.Recent, TSval | 68 cwnd, ssthresh, srtt, rttvar, rto, smallest rtt | 92 bytes of send queue, of unread text
 * 100 MSS of the peer, of its segments (2 each) | 104 connection byte, scale to send, to receive, 5 bytes 0
 * 112 the service's place: the rest of the length
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

/* One walk for both directions, so that they cannot differ. */
struct walk { u8 *at; bool put; };

static void f8(struct walk *w, u8 *v)
{
        if (w->put)
                *w->at = *v;
        else
                *v = *w->at;
        w->at++;
}

static void f16(struct walk *w, u16 *v)
{
        be16 b = be16_of(*v);
        if (w->put)
                memcpy(w->at, &b, 2);
        memcpy(&b, w->at, 2);
        *v = be16_get(b);
        w->at += 2;
}

static void f32(struct walk *w, u32 *v)
{
        be32 b = be32_of(*v);
        if (w->put)
                memcpy(w->at, &b, 4);
        memcpy(&b, w->at, 4);
        *v = be32_get(b);
        w->at += 4;
}

static void bytes(struct walk *w, void *v, u32 n)
{
        if (w->put)
                memcpy(w->at, v, n);
        else
                memcpy(v, w->at, n);
        w->at += n;
}

static void fields(struct walk *w, struct control_block *b)
{
        bytes(w, b->nonce, HANDOFF_NONCE);
        bytes(w, &b->service, 4);
        bytes(w, &b->client, 4);
        f16(w, &b->service_port);
        f16(w, &b->client_port);
        u32 *const words[] = {&b->snd_una,     &b->snd_nxt,    &b->snd_wnd,   &b->snd_wl1,   &b->snd_wl2,
                              &b->max_snd_wnd, &b->rcv_nxt,    &b->rcv_adv,   &b->rcv_acked, &b->ts_recent,
                              &b->tsval,       &b->cwnd,       &b->ssthresh,  &b->srtt_us,   &b->rttvar_us,
                              &b->rto_ms,      &b->min_rtt_us, &b->snd_bytes, &b->rcv_bytes};
        for (u32 i = 0; i < COUNT_OF(words); i++)
                f32(w, words[i]);
        f16(w, &b->peer_mss);
        f16(w, &b->rcv_mss);
        f8(w, &b->state);
        f8(w, &b->snd_scale);
        f8(w, &b->rcv_scale);
}

void block_put(u8 dst[BLOCK_MAX], const struct control_block *b)
{
        struct control_block copy = *b;
        struct walk w = {dst, true};
        u8 version = BLOCK_VERSION;
        u16 len = (u16)block_len(b);
        memset(dst, 0, BLOCK_BYTES);
        f8(&w, &version);
        f8(&w, &copy.flags);
        f16(&w, &len);
        fields(&w, &copy);
        memcpy(dst + BLOCK_BYTES, b->place, b->n_place);
}

static bool somebody(ipaddr a)
{
        return !ipaddr_is_any(a) && !ipaddr_is_mcast(a) && !ipaddr_is_bcast(a) && !ipaddr_is_loopback(a);
}

/* States that can go on elsewhere. */
static bool state_ok(u8 state)
{
        return state == TCP_B_ESTABLISHED || state == TCP_B_CLOSE_WAIT || state == TCP_B_FIN_WAIT_1 ||
               state == TCP_B_FIN_WAIT_2 || state == TCP_B_LAST_ACK;
}

/* What an engine could have written; everything that adopt.c relies on. */
static bool sensible(const struct control_block *b)
{
        u32 out = b->snd_nxt - b->snd_una, fin = (b->state & (FIN_TX | FIN_ACK_RX)) == FIN_TX;
        bool whole = !(b->state & FIN_TX) || out == b->snd_bytes + fin;         /* behind FIN nothing waits */
        return state_ok(b->state) && whole && out <= b->snd_bytes + fin && b->snd_bytes <= ADOPT_BYTES_MAX &&
               b->rcv_bytes <= ADOPT_BYTES_MAX && b->snd_scale <= 14 && b->rcv_scale <= 14 &&
               b->rcv_adv - b->rcv_nxt <= 1u << 30 && b->rcv_nxt - b->rcv_acked <= ADOPT_BYTES_MAX + 1 && b->peer_mss &&
               b->rcv_mss && b->rto_ms && b->rto_ms <= TCP_RTO_MAX_MS && b->cwnd && b->service_port && b->client_port &&
               somebody(b->service) && somebody(b->client) && !(b->flags & ~BLOCK_FLAGS);
}

bool block_get(const u8 *src, u32 n, struct control_block *b)
{
        if (n < BLOCK_BYTES || n > BLOCK_MAX || src[0] != BLOCK_VERSION || (src[2] << 8 | src[3]) != (int)n)
                return false;
        struct walk w = {(u8 *)(uintptr_t)src + 4, false};
        b->flags = src[1];
        fields(&w, b);
        b->n_place = (u16)(n - BLOCK_BYTES);
        memcpy(b->place, src + BLOCK_BYTES, b->n_place);
        return sensible(b);
}
