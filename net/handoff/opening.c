/* opening.c - a connection is let through to its target: the handshake is repeated there with the client's own numbers, then what
 * he said so far, by a connection of ours under the client's name. When the target has acknowledged all of it, both are let go.
 *
 *   begin -> SYN to the target -> SYN,ACK: constants -> what the client said -> acknowledged: PASSAGE_OPEN
 *            any of it fails -> RST to the client
 *
 * What the client sends meanwhile is kept; what the target says before it has everything, it says again.
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"
#include "through_impl.h"

static void release(struct opening *o)
{
        struct through *th = o->th;
        kept_drop(&o->kept, DROP_THROUGH_OVER);
        o->e = NULL;
        o->next = th->free_opening;
        th->free_opening = o;
        th->count.opening--;
}

static void forget(struct tcb *t)
{
        t->ev = &tcp_no_events;
        tcb_free(t);
}

/* The client hears what he would have heard from his target. */
static void fail(struct opening *o)
{
        struct tcb *t = o->client;
        passage_del(o->th, o->e);
        release(o);
        tcb_thaw(t);
        t->ev = &tcp_no_events;
        tcp_abort(t);
}

static void on_closed(struct tcb *t, int err)
{
        struct opening *o = t->user;
        if (err == E_TIMEDOUT)
                o->th->count.silent++;
        else
                o->th->count.refused++;
        fail(o);
}

/* The target took less than the client was promised: he is reset, and promised less next time. */
static void differs(struct opening *o)
{
        struct through *th = o->th;
        struct tcb *t = o->target;
        th->plain[th->n_plain++ % PLAIN_TARGETS] = t->raddr;
        th->count.differs++;
        t->ev = &tcp_no_events;
        tcp_abort(t);
        fail(o);
}

/* The handshake is complete: what differs between the two is known. */
static void on_connected(struct tcb *t)
{
        struct opening *o = t->user;
        const struct tcb *c = o->client;
        struct passage *e = o->e;
        if ((t->flags ^ c->flags) & (TF_TS | TF_ECN)) {
                differs(o);
                return;
        }
        if (tcb_now_ms(t) + t->ts_off - c->ts_recent < TCP_RTO_INIT_MS) /* one SYN was sent, and what it said is all the target knows: ... */
                t->ts_off -= (t->srtt_us >> 3) / 1000; /* ... the clock stood still meanwhile, lest it be ahead of the client's */
        e->seq = c->snd_nxt - t->rcv_nxt;
        e->ts_target = tcb_now_ms(c) + c->ts_off + 1 - t->ts_recent;
        e->shift = (s8)(t->snd_scale - c->rcv_scale);
        e->most = (u16)min_u32(t->peer_mss + 40u, 0xffff);
}

static const struct tcp_events target_events = {.connected = on_connected, .closed = on_closed};

/* The unread bytes change hands, buffer by buffer. */
static bool give_bytes(struct tcb *from, struct tcb *to)
{
        bool good = true;
        struct pkt *p;
        while ((p = rcvq_get(from)) != NULL) {
                p->next = NULL;
                good &= tcp_send_pkt(to, p) == 0;
        }
        return good;
}

/* As the client's SYN was, with the number before the first byte that is not read yet. */
static struct tcb *connect(struct through *th, struct opening *o, const struct tcb *c, int *err)
{
        bool scaled = c->snd_scale || c->rcv_scale;
        struct tcp_opts opts = {.foreign = true,
                                .mss = c->peer_mss,
                                .rcvbuf = c->snd_scale ? 1u << (15 + c->snd_scale) : 0xffff, /* gives just that scale */
                                .no_wscale = !scaled,
                                .no_sack = !(c->flags & TF_SACK),
                                .no_timestamps = !(c->flags & TF_TS),
                                .ecn = (c->flags & TF_ECN) != 0,
                                .nodelay = true,
                                .user_timeout_ms = OPENING_SILENT_MS,
                                .fixed_isn = true,
                                .isn = c->rcv_nxt - (c->state & FIN_RX ? 1 : 0) - c->rcv_queued - 1,
                                .ts_off = c->ts_recent - stack_now_ms(th->st)};
        return tcp_connect(th->st, tcb_raddr(c), tcb_rport(c), tcb_laddr(c), tcb_lport(c), &target_events, o, &opts, err);
}

bool through_taken(const struct tcb *t) { return !ip_is_ours(tcb_stack(t), tcb_laddr(t)); }

int through_begin(struct through *th, struct tcb *t)
{
        struct opening *o = th->free_opening;
        int err = E_NOMEM;
        bool plain = (t->state == TCP_B_ESTABLISHED || t->state == TCP_B_CLOSE_WAIT) && !t->conv &&
                     !(t->flags & (TF_TFO_ACCEPTED | TF_DEAD | TF_APP_MODE | TF_ACK_ON_READ | TF_URG_TX | TF_URG_RX));
        if (!plain || t->snd_queued || t->snd_una != t->snd_nxt || !through_taken(t))
                return E_INVAL;
        struct passage *e = o ? passage_add(th, t->raddr, t->laddr, t->ports) : NULL;
        if (!e) {
                th->count.full++;
                return E_NOMEM;
        }
        struct opening *next = o->next;
        *o = (struct opening){.th = th, .client = t, .e = e};
        pktq_init(&o->kept);
        o->target = connect(th, o, t, &err);
        if (!o->target) {
                o->next = next;
                passage_del(th, e);
                return err;
        }
        th->free_opening = next;
        e->opening = (u16)(o - th->opening);
        th->count.begun++;
        th->count.opening++;
        tcb_freeze(t);
        bool eof = (t->state & FIN_RX) != 0;
        if (!give_bytes(t, o->target)) {
                forget(o->target);
                fail(o);
                return 0;
        }
        if (eof)
                tcp_shutdown(o->target);
        return 0;
}

/* How far ahead of the client's last timestamp the target is: what the client says next must not look old there. h: the target's last
 * segment, which tells, or NULL. Seldom more than nothing; a lead would stay with the target, where the client's next connection from
 * this port had to catch up with it (RFC 6191). */
static u32 lead(const struct opening *o, const struct tcp_hdr *h)
{
        const struct tcb *t = o->target;
        u32 told = tcb_now_ms(t) + t->ts_off;
        if (h && h->off >> 4 == (sizeof *h + TCP_TS_LEN) / 4) {
                const u32_any *w = (const u32_any *)(h + 1);
                told = w[0] == TCP_TS_WORD && seq_lt(be(w[2]), told) ? be(w[2]) : told;
        }
        return seq_gt(told, o->client->ts_recent) ? told - o->client->ts_recent : 0;
}

/* Both sides have all that this machine had to say: from here on they speak with each other. */
static void let_go(struct opening *o, const struct tcp_hdr *h)
{
        struct through *th = o->th;
        struct passage *e = o->e;
        struct tcb *t = o->target, *c = o->client;
        struct pktq kept = o->kept;
        struct pkt *p;
        e->ts_client = lead(o, h);
        e->ends = c->state & FIN_RX ? END_CLIENT : 0;
        e->state = PASSAGE_OPEN;
        e->seen_ms = stack_now_ms(th->st);
        pktq_init(&o->kept);
        forget(t);
        forget(c);
        release(o);
        th->count.through++;
        while ((p = pktq_get(&kept)) != NULL)
                passage_send(th, e, p, true);
}

static void keep(struct opening *o, struct pkt *p)
{
        bool kept = kept_put(&o->kept, OPENING_KEEP, o->th->st, p, DROP_THROUGH_KEPT);
        o->th->count.kept += kept;
        o->th->count.kept_lost += !kept;
}

/* The segment acknowledges everything that was said for the client, and is next. */
static bool has_all(const struct tcb *t, const struct tcp_hdr *h)
{
        return (t->state & SYN_ACK_RX) && (t->state & SYN_RX) && (h->flags & (TCP_ACK | TCP_SYN | TCP_RST)) == TCP_ACK &&
               be32_get(h->ack) == t->snd_nxt && be32_get(h->seq) == t->rcv_nxt && !tcp_unsent(t) && !tcp_fin_due(t);
}

/* The same without a word of the target: there was nothing to say, or its acknowledgement was seen before. */
static bool said(const struct tcb *t)
{
        return (t->state & SYN_ACK_RX) && (t->state & SYN_RX) && t->snd_una == t->snd_nxt && !tcp_unsent(t) && !tcp_fin_due(t);
}

void opening_rx(struct through *th, struct passage *e, struct pkt *p, bool from_client)
{
        struct opening *o = &th->opening[e->opening];
        const struct ip_hdr *ip = (const struct ip_hdr *)p->data;
        const struct tcp_hdr *h = (const struct tcp_hdr *)(p->data + ip_hlen(ip));
        u32 text = pkt_total(p) - ip_hlen(ip) - (u32)(h->off >> 4 << 2);
        if (from_client && !said(o->target)) {
                keep(o, p);
        } else if (from_client || has_all(o->target, h)) {
                let_go(o, from_client ? NULL : h);
                passage_send(th, e, p, from_client);
        } else if ((text || h->flags & TCP_FIN) && !(h->flags & (TCP_SYN | TCP_RST))) {
                th->count.early++;
                pkt_drop(p, DROP_THROUGH_EARLY);
        } else {
                pkt_pull(p, ip_hlen(ip));
                ip_deliver(th->st, p, ip);
        }
}
