/* block.h - the control block of a connection: its bytes, and how a connection becomes one and comes out of one.
 * SPDX-License-Identifier: MIT */
#ifndef HANDOFF_BLOCK_H
#define HANDOFF_BLOCK_H

#include "control.h"
#include "tuples.h"

/* --- block.c: the control block, version 2: a fixed part, and the service's place behind it --- */
enum { BLOCK_VERSION = 2, BLOCK_BYTES = 208, BLOCK_MAX = BLOCK_BYTES + TCP_PLACE_MAX + HANDOFF_SCOPE,
       BLOCK_AHEAD = 4 };
/* Of enum tcb_flag: what goes along, with the bits that they have here. Another order of them is another version. */
enum { BLOCK_FLAGS = TF_NODELAY | TF_CORK | TF_TS | TF_SACK | TF_ECN | TF_ECE | TF_CWR | TF_APP_MODE | TF_PSH_MESSAGE |
                     TF_FIN_QUEUED | TF_USER_CLOSED | TF_ACTIVE_CLOSE | TF_EOF | TF_PSHED | TF_NO_DF | TF_SYN_PENDING |
                     TF_TFO_ACCEPTED | TF_ABORT_ON_ACK | TF_URG_TX | TF_URG_RX | TF_ACK_ON_READ | TF_NO_PMTUD | TF_PERSIST_ACKD };
struct control_block {
        u8     nonce[HANDOFF_NONCE];
        ipaddr service, client;
        u16    service_port, client_port;
        u32    flags;                   /* BLOCK_FLAGS */
        u8     state;                   /* the connection byte */
        u8     snd_scale, rcv_scale, retries, cc, ttl, tos;
        u32    snd_una, snd_nxt, snd_wnd, snd_wl1, snd_wl2, max_snd_wnd, snd_up;
        u32    rcv_nxt, rcv_adv, rcv_acked, rcv_up, rcv_space;
        u32    ts_recent, tsval;        /* tsval: our clock when it was frozen; the node goes on at + 1 */
        u32    cwnd, ssthresh, w_max, srtt_us, rttvar_us, rto_ms, min_rtt_us;
        u32    keepalive_ms;
        u32    rx_age_ms, tx_age_ms, progress_age_ms; /* since last_rx_ms and its like */
        u32    snd_bytes, rcv_bytes;    /* of the queues that follow the block */
        u16    peer_mss, rcv_mss, pmtu, user_timeout, timewait_cs;
        struct { u32 at, n; } ahead[BLOCK_AHEAD]; /* what came ahead of its turn: n bytes at RCV.NXT + at; n = 0 ends */
        /* what our SYN says when it is sent (again), and of QuRe (early.c) */
        u8     conv_flags, offers;      /* enum conv_flag, 0 of a plain connection; enum block_offer */
        u16    our_mss;
        u32    irs, syn_end, credit;    /* as in struct conv */
        u16    n_place;                 /* of place, which only the service understands; who passes the block on keeps them */
        u8     place[TCP_PLACE_MAX];
        ipaddr wish;                    /* of who gives back: hand it on to this node at once; all ones: to any other */
        bool   returned;                /* nobody else takes it: also who drains */
        struct handoff_scope scope;
};
static inline u32 block_len(const struct control_block *b) { return BLOCK_BYTES + b->n_place + b->scope.n; }
void block_put(u8 dst[BLOCK_MAX], const struct control_block *b); /* writes block_len bytes */
/* false: not this version, not this long, or it contradicts itself. */
bool block_get(const u8 *src, u32 n, struct control_block *b);
/* As the client's packets have them. */
static inline struct tuple block_names(const struct control_block *b)
{
        return (struct tuple){be32_raw(b->client.v4), be32_raw(b->service.v4),
                              (u32)__builtin_bswap16(b->client_port) | (u32)__builtin_bswap16(b->service_port) << 16, 0};
}
/* Bytes that follow the block: what came ahead of its turn, the send queue, what is unread. */
u32 block_ahead(const struct control_block *b);
static inline u32 block_bytes(const struct control_block *b) { return block_ahead(b) + b->snd_bytes + b->rcv_bytes; }
/* Sequence numbers of the first replayed byte and of 51. */
static inline u32 block_replay(const struct control_block *b) { return b->rcv_nxt - (b->state & FIN_RX ? 1 : 0) - b->rcv_bytes; }
static inline u32 block_first(const struct control_block *b)
{
        return block_replay(b) - (block_bytes(b) - b->rcv_bytes) - block_len(b) - 1;
}

/* --- export.c, adopt.c: a connection and its block --- */
const char *tcb_stays(const struct tcb *t);            /* why it cannot be moved as it is, in words; NULL: it can be */
static inline bool tcb_movable(const struct tcb *t) { return !tcb_stays(t); }
/* Asks the service for its place. false with *why: it stays. Behind true the service waits for `closed` or tcb_resume. */
bool tcb_place(struct tcb *t, u8 place[TCP_PLACE_MAX], u32 *n, const char **why);
void tcb_resume(struct tcb *t);                         /* thawed, and it stays here: the service goes on */
void tcb_freeze(struct tcb *t);                         /* out of the table, no timer, nothing owed */
void tcb_thaw(struct tcb *t);
void tcb_export(const struct tcb *t, struct control_block *b); /* without nonce and place */
/* Bytes [off, off + n) of what follows the block. */
void tcb_export_bytes(const struct tcb *t, u32 off, u8 *dst, u32 n);
/* A connection as the block has it, not in the table; queue: exactly the bytes that follow the block, taken in every case.
 * HANDOFF_OK and *out, or why not. */
enum handoff_reason tcb_adopt(struct tcp_state *ts, struct listener *l, const struct control_block *b, struct pktq *queue,
                              struct tcb **out);
/* The listener's service takes the place that the block brought: HANDOFF_OK, or HANDOFF_PLACE. Not asked, the connection may be
 * handed on with its place unread. tcb_discard frees one that was not started; taken: tcb_take_place said OK. */
enum handoff_reason tcb_take_place(struct tcb *t, const struct control_block *b);
void tcb_discard(struct tcb *t, const struct control_block *b, bool taken);
void tcb_start(struct tcb *t);                          /* into the table; its listener's user gets it */

/* --- early.c: what a connection has more before its SYN is acknowledged, and when its directions are decoupled --- */
enum block_offer { OFFER_WS = 1, OFFER_TS = 2, OFFER_SACK = 4, OFFERS = 7 };
static inline bool block_is_early(const struct control_block *b) { return b->conv_flags || !(b->state & SYN_ACK_RX); }
/* The byte, beside flags of enum tcb_flag, is of such a connection and can go on elsewhere. */
bool early_state_ok(bool qure, u32 flags, u8 state);
bool early_sensible(const struct control_block *b);     /* what other blocks do not have */
void early_export(const struct tcb *t, struct control_block *b);
/* t has the rest of the block, nothing of it was sent, its byte is 00. false: out of something. */
bool early_adopt(struct tcb *t, const struct listener *l, const struct control_block *b);

#endif
