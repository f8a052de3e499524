/* block.c - the control block on the wire: big-endian, in this order, its length checked once and its sense afterwards.
 *
 *   0 version, connection byte, length (2) | 4 nonce (8) | 12 service, client (4 each), their ports (2 each)
 *  24 flags | 28 SND.UNA, SND.NXT, SND.WND, SND.WL1, SND.WL2, largest SND.WND, urgent pointer
 *  56 RCV.NXT, right edge advertised, last acknowledgement sent, urgent pointer, window in use | 76 TS.Recent, TSval
 *  84 cwnd, ssthresh, W_max, srtt, rttvar, rto, smallest rtt | 112 keep-alive, since something came, since data went, since
 *     progress | 128 bytes of send queue, of unread text | 136 four times: place ahead of RCV.NXT, bytes there (4 each)
 * 168 MSS of the peer, of its segments, path MTU, user time-out, 2 MSL (2 each) | 178 scale to send, to receive, time-outs in
 *     a row, congestion control and RFC 5482, TTL, TOS | 184 flags of QuRe, what our SYN offers, our MSS (2), number of the
 *     peer's SYN, end of our SYN's data, bytes that an unproven address may still get | 200 wish (4), bytes of scope, returned,
 *     2 bytes 0 | 208 scope, then the service's place: the rest of the length
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

/* One table for both directions, so that they cannot differ: fields in their order on the wire. Addresses and nonce are bytes. */
#define AT(size, field) {offsetof(struct control_block, field), size}
static const struct { u16 at; u8 size; } layout[] = {
        AT(8, nonce), AT(8, service), AT(2, service_port), AT(2, client_port), AT(4, flags), AT(4, snd_una), AT(4, snd_nxt),
        AT(4, snd_wnd), AT(4, snd_wl1), AT(4, snd_wl2), AT(4, max_snd_wnd), AT(4, snd_up), AT(4, rcv_nxt), AT(4, rcv_adv),
        AT(4, rcv_acked), AT(4, rcv_up), AT(4, rcv_space), AT(4, ts_recent), AT(4, tsval), AT(4, cwnd), AT(4, ssthresh),
        AT(4, w_max), AT(4, srtt_us), AT(4, rttvar_us), AT(4, rto_ms), AT(4, min_rtt_us), AT(4, keepalive_ms),
        AT(4, rx_age_ms), AT(4, tx_age_ms), AT(4, progress_age_ms), AT(4, snd_bytes), AT(4, rcv_bytes), AT(4, ahead[0].at),
        AT(4, ahead[0].n), AT(4, ahead[1].at), AT(4, ahead[1].n), AT(4, ahead[2].at), AT(4, ahead[2].n), AT(4, ahead[3].at),
        AT(4, ahead[3].n), AT(2, peer_mss), AT(2, rcv_mss), AT(2, pmtu), AT(2, user_timeout), AT(2, timewait_cs),
        AT(1, snd_scale), AT(1, rcv_scale), AT(1, retries), AT(1, cc), AT(1, ttl), AT(1, tos), AT(1, conv_flags),
        AT(1, offers), AT(2, our_mss), AT(4, irs), AT(4, syn_end), AT(4, credit),
};
_Static_assert(offsetof(struct control_block, client) == offsetof(struct control_block, service) + 4, "written as one");

/* Between a field and its place on the wire, at w; both directions turn a number's bytes round. */
static void copy(u8 *to, const u8 *from, u32 size)
{
        for (u32 i = 0; i < size; i++)
                to[i] = from[size == 8 ? i : size - 1 - i];
}

void block_put(u8 dst[BLOCK_MAX], const struct control_block *b)
{
        u8 *w = dst + 4;
        u32 len = block_len(b);
        memset(dst, 0, BLOCK_BYTES);
        dst[0] = BLOCK_VERSION;
        dst[1] = b->state;
        dst[2] = (u8)(len >> 8);
        dst[3] = (u8)len;
        for (u32 i = 0; i < COUNT_OF(layout); w += layout[i++].size)
                copy(w, (const u8 *)b + layout[i].at, layout[i].size);
        memcpy(w, &b->wish, sizeof b->wish);
        w[4] = b->scope.n;
        w[5] = b->returned;
        memcpy(dst + BLOCK_BYTES, b->scope.b, b->scope.n);
        memcpy(dst + BLOCK_BYTES + b->scope.n, b->place, b->n_place);
}

static bool somebody(ipaddr a)
{
        return !ipaddr_is_any(a) && !ipaddr_is_mcast(a) && !ipaddr_is_bcast(a) && !ipaddr_is_loopback(a);
}

/* States that can go on elsewhere: what is open, and what is being closed. */
static bool state_ok(const struct control_block *b)
{
        u8 state = b->state;
        if (block_is_early(b))
                return early_sensible(b);
        bool rx = (state & (FIN_RX | FIN_ACK_TX)) != FIN_ACK_TX, tx = (state & (FIN_TX | FIN_ACK_RX)) != FIN_ACK_RX;
        return tcp_both_open(state) && rx && tx && state != TCP_B_GONE &&
               !(b->flags & (TF_SYN_PENDING | TF_TFO_ACCEPTED));
}

u32 block_ahead(const struct control_block *b)
{
        u32 n = 0;
        for (u32 i = 0; i < BLOCK_AHEAD; i++)
                n += b->ahead[i].n;
        return n;
}

/* In order, apart from each other, within the window; nothing lies behind FIN. */
static bool ahead_ok(const struct control_block *b)
{
        u32 end = 0, edge = b->rcv_adv - b->rcv_nxt;
        for (u32 i = 0; i < BLOCK_AHEAD && b->ahead[i].n; i++) {
                if (b->ahead[i].at <= end || b->ahead[i].at > edge || b->ahead[i].n > edge - b->ahead[i].at ||
                    (b->state & FIN_RX))
                        return false;
                end = b->ahead[i].at + b->ahead[i].n;
        }
        return true;
}

/* Options and flags that fit each other and the state. */
static bool flags_ok(const struct control_block *b)
{
        bool eof = (b->state & FIN_RX) != 0, ending = (b->flags & TF_FIN_QUEUED) || (b->state & FIN_TX);
        u32 unread = b->rcv_up - block_replay(b);
        return !(b->flags & ~(u32)BLOCK_FLAGS) && eof == !!(b->flags & TF_EOF) && (ending || !(b->flags & TF_USER_CLOSED)) &&
               (!(b->flags & TF_URG_TX) || b->snd_up - b->snd_una <= b->snd_bytes) &&
               (!(b->flags & TF_URG_RX) || (unread && unread <= ADOPT_BYTES_MAX + (1u << 30))) &&
               (b->cc & 3) <= TCP_CC_NEWRENO && b->cc >> 2 <= UTO_OURS && b->ttl && b->pmtu >= 68;
}

/* What an engine could have written; everything that adopt.c relies on. */
static bool sensible(const struct control_block *b)
{
        bool syn = (b->state & (SYN_TX | SYN_ACK_RX)) == SYN_TX && !(b->flags & TF_SYN_PENDING);
        u32 out = b->snd_nxt - b->snd_una, most = b->snd_bytes + syn + ((b->state & (FIN_TX | FIN_ACK_RX)) == FIN_TX);
        bool whole = !(b->state & FIN_TX) || out == most;               /* behind FIN nothing waits */
        return state_ok(b) && whole && out <= most && b->snd_bytes <= ADOPT_BYTES_MAX &&
               b->rcv_bytes <= ADOPT_BYTES_MAX && b->snd_scale <= 14 && b->rcv_scale <= 14 &&
               b->rcv_adv - b->rcv_nxt <= 1u << 30 && b->rcv_nxt - b->rcv_acked <= ADOPT_BYTES_MAX + 1 &&
               b->rcv_space <= 1u << 30 && b->peer_mss && b->rcv_mss && b->rto_ms && b->rto_ms <= TCP_RTO_MAX_MS && b->cwnd &&
               b->service_port && b->client_port && somebody(b->service) && somebody(b->client) && ahead_ok(b) && flags_ok(b);
}

bool block_get(const u8 *src, u32 n, struct control_block *b)
{
        if (n < BLOCK_BYTES || n > BLOCK_MAX || src[0] != BLOCK_VERSION || (src[2] << 8 | src[3]) != (int)n)
                return false;
        const u8 *w = src + 4;
        b->state = src[1];
        for (u32 i = 0; i < COUNT_OF(layout); w += layout[i++].size)
                copy((u8 *)b + layout[i].at, w, layout[i].size);
        memcpy(&b->wish, w, sizeof b->wish);
        b->scope.n = w[4];
        b->returned = w[5] & 1;
        u32 place = n - BLOCK_BYTES - b->scope.n;
        if (b->scope.n > min_u32(HANDOFF_SCOPE, n - BLOCK_BYTES) || place > TCP_PLACE_MAX)
                return false;
        b->n_place = (u16)place;
        memcpy(b->scope.b, src + BLOCK_BYTES, b->scope.n);
        memcpy(b->place, src + BLOCK_BYTES + b->scope.n, place);
        return sensible(b);
}
