/* open.c - the user's calls that begin and end a connection (RFC 9293 3.10.1, 3.10.4, 3.10.5), and its options.
 * Not here: passive opens (listen.c, accept.c). SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "engine.h"
#include "mem.h"

u32 tcp_rcvbuf(const struct tcp_state *ts, const struct tcp_opts *o)
{
        if (o->rcvbuf)
                return min_u32(o->rcvbuf, 1u << 30); /* RFC 7323 2.3 */
        /* an eighth of all buffers, within reason */
        return min_u32(max_u32(ts->st->cfg.n_pkts * (PKT_BUF / 8), 16384), 1u << 20);
}

/* What a layout of one's own leaves out, or has no room for, is not offered. */
static bool laid_out(const struct tcp_opts *o, u8 kind)
{
        u32 room = TCP_OPTS_MAX;
        for (u32 i = 0; i < TCP_SYN_LAYOUT && o->syn_layout[i]; i++) {
                u8 k = o->syn_layout[i];
                u32 len = k == TCP_OPT_TS ? 10 : k == TCP_OPT_WSCALE ? 3 : k == TCP_OPT_SACK_OK ? 2 : k == TCP_OPT_NOP ? 1 : 4;
                if (k == kind && len <= room)
                        return true;
                room -= len <= room ? len : 0;
        }
        return false;
}

void tcp_opts_agree(struct tcp_opts *o)
{
        if (!o->syn_layout[0])
                return;
        o->no_wscale |= !laid_out(o, TCP_OPT_WSCALE);
        o->no_sack |= !laid_out(o, TCP_OPT_SACK_OK);
        o->no_timestamps |= !laid_out(o, TCP_OPT_TS);
}

u8 tcp_scale_for(const struct tcp_state *ts, const struct tcp_opts *o)
{
        u32 buf = tcp_rcvbuf(ts, o), high = buf >> 16; /* what does not fit the field */
        if (o->wscale) /* half of the buffer is a unit at least: what is free is not told as none */
                return (u8)min_u32(min_u32(o->wscale - 1u, 14), 30u - (u32)__builtin_clz(buf | 2));
        return high ? (u8)min_u32(32u - (u32)__builtin_clz(high), 14) : 0;
}

/* MUST-67, SHLD-6: what the interface toward dst can take. */
u16 tcp_announce_mss(struct tcp_state *ts, ipaddr dst, const struct tcp_opts *o)
{
        struct ip_path path;
        u16 mtu = ip_route(ts->st, dst, &path) ? path.nif->mtu : 576, mss = (u16)(mtu - 40);
        return o->mss && o->mss < mss ? o->mss : mss;
}

/* Where it leaves now; the route may have changed since. */
void tcb_reroute(struct tcb *t)
{
        struct ip_path path;
        if (!ip_route(tcb_stack(t), tcb_raddr(t), &path))
                return;
        t->nif = path.nif->index;
        if (!t->pmtu || t->pmtu > path.nif->mtu)
                t->pmtu = path.nif->mtu;
        tcb_set_hop(t);
}

u32 tcp_ip_id(u32 laddr, u32 raddr, u8 ttl, u8 tos)
{
        enum { DF = 0x40, REST = 0x45 + (IPPROTO_TCP_ << 8) + DF };
        u32 sum = cksum_plus(cksum_plus(laddr, raddr), (ttl | (u32)tos << 8) + REST);
        return (u16)~cksum_fold(sum) | (u32)DF << 16;
}

void tcb_set_ip_id(struct tcb *t) { t->ip_id = tcp_ip_id(t->laddr, t->raddr, t->ttl, t->tos); }

void tcb_set_names(struct tcb *t, u32 raddr, u32 laddr, u32 ports, const struct tcp_way *way)
{
        t->raddr = raddr;
        t->laddr = laddr;
        t->ports = ports;
        t->hdr_sum = cksum_fold(cksum_plus(ip_pseudo_sum(tcb_laddr(t), tcb_raddr(t), IPPROTO_TCP_, 0), cksum_plus(ports, 0xffff - 0x1400)));
        tcb_set_ip_id(t);
        if (way) {
                t->nif = way->nif->index;
                t->pmtu = way->nif->mtu;
                t->hop = way->hop;
                t->hop_gen = way->nif->st->hop_gen;
                return;
        }
        t->pmtu = 0;
        tcb_reroute(t);
        if (!t->pmtu)
                t->pmtu = 576;
}

void tcb_set_opts(struct tcb *t, const struct tcp_opts *o)
{
        u32 on_read = o->app_mode || o->ack_on_read ? TF_ACK_ON_READ : 0;
        t->flags |= (o->nodelay ? TF_NODELAY : 0) | (o->app_mode ? TF_APP_MODE : 0) | (o->psh_message ? TF_PSH_MESSAGE : 0) |
                    (o->no_pmtud ? TF_NO_PMTUD : 0) | on_read;
        t->rcvbuf = tcp_rcvbuf(t->ts, o);
        t->sndbuf = o->sndbuf ? o->sndbuf : 1u << 20;
        t->rcv_space = min_u32(t->rcvbuf, TCP_WINDOW_INIT);
        tcp_set_ttl(t, o->ttl);
        tcp_set_tos(t, o->tos);
        t->cc = o->cc & 1;
        t->uto = o->uto ? o->user_timeout_ms ? UTO_OURS : UTO_OPEN : UTO_OFF;
        t->uto_tell = o->uto;
        t->keepalive_ms = min_u32(o->keepalive_ms, TCP_KEEPALIVE_MAX_MS);
        t->user_timeout = ms_pack(o->user_timeout_ms);
        t->timewait_cs = (u16)min_u32((o->timewait_ms ? o->timewait_ms : TCP_TIMEWAIT_MS) / 10, 65535);
        t->rcv_mss = t->peer_mss = TCP_MSS_DEFAULT;
        t->ssthresh = UINT32_MAX;
        rtt_init(t);
}

/* MUST-16: what the peer takes and the path carries, less the options of a data segment. */
void tcb_set_mss(struct tcb *t)
{
        u32 mss = min_u32(max_u32(t->peer_mss, TCP_MSS_MIN), t->pmtu - 40u);
        sndq_list(t); /* reply_most was another */
        t->mss = (u16)(mss - (t->flags & TF_TS ? TCP_TS_LEN : 0));
        t->cwnd = t->cwnd ? max_u32(t->cwnd, t->mss) : cc_initial_window(t); /* a path that takes more takes one of them */
}

/* MUST-46: somebody in particular, reachable. */
static int check_names(struct tcp_state *ts, ipaddr *src, u16 *sport, ipaddr dst, u16 dport, bool foreign)
{
        struct ip_path path;
        if (!dport || ipaddr_is_any(dst) || ipaddr_is_mcast(dst) || ipaddr_is_bcast(dst))
                return E_INVAL;
        if (!ip_route(ts->st, dst, &path))
                return E_NOROUTE;
        if (ip_is_broadcast(path.nif, dst))
                return E_INVAL;
        if (ipaddr_is_any(*src))
                *src = path.src; /* MUST-44 */
        else if (!foreign && !ip_is_ours(ts->st, *src))
                return E_INVAL;
        if (ipaddr_is_any(*src))
                return E_NOROUTE;
        if (!*sport)
                *sport = tcp_pick_port(ts, *src, dst, dport);
        return *sport ? 0 : E_INUSE;
}

static void fill_flight(struct tcb *t, const struct tcp_opts *o)
{
        struct flight *f = t->flight;
        f->calm = false;
        memcpy(f->syn_layout, o->syn_layout, sizeof f->syn_layout);
        f->our_mss = tcp_announce_mss(t->ts, tcb_raddr(t), o);
        tcb_expect_mss(t, f->our_mss);
        f->offer_ws = !o->no_wscale;
        f->offer_ts = !o->no_timestamps;
        f->offer_sack = !o->no_sack;
        f->ecn_ask = o->ecn;
        if (!o->fastopen)
                return;
        const struct tfo_peer *peer = tfo_find(t->ts, t->raddr);
        f->tfo_ask = true;
        if (peer && peer->len) {
                f->tfo_len = peer->len;
                memcpy(f->tfo_cookie, peer->cookie, peer->len);
                t->peer_mss = peer->mss;
                t->flags |= TF_SYN_PENDING;
        }
}

struct tcb *tcp_connect(struct stack *st, ipaddr src, u16 sport, ipaddr dst, u16 dport, const struct tcp_events *ev, void *user,
                        const struct tcp_opts *opts, int *err)
{
        struct tcp_state *ts = st->tcp;
        struct tcp_opts own = opts ? *opts : (struct tcp_opts){0};
        const struct tcp_opts *o = &own;
        tcp_opts_agree(&own);
        *err = check_names(ts, &src, &sport, dst, dport, o->foreign);
        if (*err)
                return NULL;
        u32 ports = (u32)__builtin_bswap16(dport) | (u32)__builtin_bswap16(sport) << 16;
        u32 raddr = be32_raw(dst.v4), laddr = be32_raw(src.v4);
        if (tcp_tuple_taken(ts, raddr, laddr, ports)) {
                *err = E_INUSE;
                return NULL;
        }
        struct tcb *t = tcb_new(ts);
        *err = E_NOMEM;
        if (!t)
                return NULL;
        tcb_set_names(t, raddr, laddr, ports, NULL);
        tcb_set_opts(t, o);
        t->ev = ev;
        t->user = user;
        t->flags |= TF_ACTIVE_OPEN;
        t->iss = tcp_isn(ts, raddr, laddr, ports, &t->ts_off);
        if (o->fixed_isn) {
                t->iss = o->isn;
                t->ts_off = o->ts_off ? o->ts_off : t->ts_off;
        }
        t->snd_una = t->snd_nxt = t->iss;
        tcp_insert(t);
        if (!flight_get(t) || !sent_room(t)) {
                tcb_free(t);
                return NULL;
        }
        fill_flight(t, o);
        if (o->qure)
                conv_connect(t, o, dport);
        t->rcv_scale = o->no_wscale ? 0 : tcp_scale_for(ts, o);
        ts->count.active_opens++;
        *err = 0;
        if (t->flags & TF_SYN_PENDING)
                tcp_want_tx(t); /* with what the user queues until the end of this batch */
        else
                tcp_send_syn(t);
        return t;
}

void tcp_shutdown(struct tcb *t)
{
        if (t->flags & (TF_DEAD | TF_FIN_QUEUED))
                return;
        t->flags |= TF_FIN_QUEUED;
        tcb_more(t);
        tcp_want_tx(t);
}

/* R159, R160, R161: reset at once, or once everything queued is acknowledged. */
static void close_app_mode(struct tcb *t)
{
        if (t->snd_queued) {
                t->flags |= TF_USER_CLOSED | TF_ABORT_ON_ACK;
                tcp_shutdown(t);
                return;
        }
        tcp_reset(t);
        tcp_finish(t, 0);
}

static __attribute__((noinline)) void close_any(struct tcb *t)
{
        if (t->flags & (TF_DEAD | TF_USER_CLOSED))
                return;
        /* what is queued is said, whether the peer opens or not */
        bool one_way = t->conv && (t->snd_queued || (t->state & SYN_ACK_RX));
        if (!(t->state & SYN_RX) && !one_way) {
                tcp_finish(t, 0); /* CLOSED or SYN_SENT: nothing to say (3.10.4) */
        } else if (t->flags & TF_APP_MODE) {
                close_app_mode(t);
        } else if (t->rcv_queued) {
                tcp_reset(t); /* SHLD-3: the peer learns that data was lost */
                tcp_finish(t, 0);
        } else {
                t->flags |= TF_USER_CLOSED;
                t->pred = 0; /* what tcp_predict makes of this flag */
                if (t->state == TCP_B_TIME_WAIT || (t->conv && channel_over(t)))
                        tcp_try_finish(t);
                else if (t->flags & TF_FIN_QUEUED)
                        tcp_timer_rearm(t); /* FIN_WAIT_2 is not for ever any more */
                else
                        tcp_shutdown(t); /* what sends the FIN sees to the timer */
        }
}

/* The usual one in one go: everything was read, and FIN follows what is queued. */
void tcp_close(struct tcb *t)
{
        enum { UNUSUAL = TF_DEAD | TF_USER_CLOSED | TF_FIN_QUEUED | TF_APP_MODE };
        if (unlikely((t->flags & UNUSUAL) || t->state != TCP_B_ESTABLISHED || t->conv || t->rcv_queued)) {
                close_any(t);
                return;
        }
        t->flags |= TF_USER_CLOSED | TF_FIN_QUEUED;
        t->pred = 0;
        tcp_want_tx(t);
}

void tcp_abort(struct tcb *t)
{
        if (t->flags & TF_DEAD)
                return;
        /* CLOSING, LAST_ACK and TIME_WAIT are only deleted (3.10.5): the peer has said all, and was told all */
        bool closing = !t->conv && (t->state & (FIN_TX | FIN_RX)) == (FIN_TX | FIN_RX);
        if (((t->state & SYN_RX) || tcp_is_qure(t)) && !closing && t->state != TCP_B_TIME_WAIT)
                tcp_reset(t);
        t->ev = &tcp_no_events;
        tcp_finish(t, 0);
}

void *tcp_user(const struct tcb *t) { return t->user; }
void tcp_set_user(struct tcb *t, void *user) { t->user = user; }
void tcp_set_events(struct tcb *t, const struct tcp_events *ev) { t->ev = ev; }
struct stack *tcp_stack(const struct tcb *t) { return tcb_stack(t); }
void tcp_set_nodelay(struct tcb *t, bool on)
{
        t->flags = on ? t->flags | TF_NODELAY : t->flags & ~(u32)TF_NODELAY;
        if (on)
                tcp_want_tx(t);
}
void tcp_cork(struct tcb *t, bool on)
{
        t->flags = on ? t->flags | TF_CORK : t->flags & ~(u32)TF_CORK;
        if (!on)
                tcp_want_tx(t);
}
void tcp_set_keepalive(struct tcb *t, u32 idle_ms) { t->keepalive_ms = min_u32(idle_ms, TCP_KEEPALIVE_MAX_MS); tcp_timer_rearm(t); }
void tcp_set_rcvbuf(struct tcb *t, u32 bytes) { t->rcvbuf = max_u32(t->rcvbuf, min_u32(bytes, 65535u << t->rcv_scale)); }
void tcp_set_tos(struct tcb *t, u8 tos)
{
        t->tos = tos & 0xfc;
        tcb_set_ip_id(t);
}

void tcp_set_ttl(struct tcb *t, u8 ttl)
{
        t->ttl = ttl ? ttl : TCP_TTL;
        tcb_set_ip_id(t);
}
void tcp_set_cc(struct tcb *t, u8 cc) { t->cc = cc & 1; }
int tcp_soft_error(struct tcb *t)
{
        int e = t->soft_error;
        t->soft_error = 0;
        return e;
}
