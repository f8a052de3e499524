/* transfer.c - who hands over, the front or a node that gives back (design 7): 51 and what follows it until 52 acknowledges all
 * of it, then 53.
 *
 *   begin -> SENDING (51, more) -- 52 --> 53, DONE (repeats 53 when asked, for 30 s) -> free
 *            SENDING -- refusal --> the connection is as it was, and who began may try another node
 *            SENDING -- no answer --> WITHDRAWN (says so when asked for 53, for 30 s) -> free; the connection as above
 *
 * The other node is asked only before 53.
 *
 * Giving back. Only the front's own entry for the tuple lets the node in, and 51 is authenticated under the fresh number of the
 * handoff that this entry stands for: a copy from an earlier stay proves nothing. Why no packet circles between the two: an entry
 * is ACTIVE only from the moment when 53 was sent for it, that is after the other said 52; and who has said 52 forwards nothing
 * of this connection (COMING keeps, DOUBT drops) until 53 makes it his, WITHDRAWN says that it never will, or the node's word
 * that it lives there; in the last two cases the node has no entry that points back. SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

struct transfer *transfer_of(struct handoff *h, const struct flow *f)
{
        u32 i;
        memcpy(&i, f->nonce, sizeof i);
        return f->state == FLOW_PENDING ? &h->transfer[i] : NULL;
}

static u32 end_of(const struct transfer *x) { return x->total + (x->fin ? 1 : 0); }

static struct ctl message(const struct transfer *x, u8 kind, u8 flags, u32 seq)
{
        return (struct ctl){.scope = {.kind = kind,
                                      .flags = (u8)(flags | (x->heard ? TCP_ACK : 0)),
                                      .src = x->own,
                                      .dst = x->node,
                                      .ports = x->ports,
                                      .seq = seq,
                                      .ack = x->heard ? x->fresh : 0,
                                      .first = x->first,
                                      .nonce = kind != CTL_51 ? x->nonce
                                               : x->back      ? x->prior
                                                              : NULL}};
}

/* Bytes of block and queues at off, as many as one segment takes; 0 without a buffer. */
static u32 send_at(struct transfer *x, u32 off)
{
        struct handoff *h = x->h;
        struct ip_path path;
        struct pkt *p = ip_route(h->st, x->node, &path) ? pkt_alloc(&h->st->pkts, PKT_HEADROOM) : NULL;
        if (!p)
                return 0;
        u32 n = min_u32(x->total - off, min_u32(node_mtu(h, x->node, path.nif->mtu) - CTL_OVERHEAD, PKT_BUF - PKT_HEADROOM)),
            block = off < x->n_block ? min_u32(x->n_block - off, n) : 0;
        memcpy(p->data, x->block + (off < x->n_block ? off : 0), block);
        tcb_export_bytes(x->t, off + block - x->n_block, p->data + block, n - block);
        p->len = (u16)n;
        bool last = off + n == x->total;
        struct ctl c = message(x, off ? CTL_MORE : CTL_51, (u8)((off ? 0 : TCP_SYN) | TCP_PSH | (last && x->fin ? TCP_FIN : 0)),
                               off ? x->first + 1 + off : x->first);
        if (!off) {
                c.scope.flags &= (u8)~TCP_ACK;
                c.scope.ack = 0;
                c.opt = (struct option144){.has = O144_HANDOFF | O144_BLOCK, .addr = tcb_raddr(x->t),
                                           .block = (u16)x->n_block};
                if (x->ports << 16 != x->t->ports << 16) {
                        c.opt.has |= O144_PORT;
                        c.opt.port = tcb_rport(x->t);
                }
        }
        ctl_send(h, &c, p);
        return n;
}

static void send_more(struct transfer *x)
{
        for (u32 n = 0; x->sent < x->total && n < TRANSFER_WINDOW; n++) {
                u32 sent = send_at(x, x->sent);
                if (!sent)
                        break;
                x->sent += sent;
        }
        timer_set(&x->h->st->wheel, &x->timer, stack_now_ms(x->h->st) + x->rto_ms);
}

static void release(struct transfer *x)
{
        struct handoff *h = x->h;
        timer_stop(&h->st->wheel, &x->timer);
        x->state = TRANSFER_FREE;
        x->next = h->free_transfer;
        h->free_transfer = x;
        h->count.transfers--;
}

/* A port of ours towards the node: the client's own when it is free, else any. As the node's header holds it; 0: none is free. */
static u32 pick_ports(struct handoff *h, ipaddr own, ipaddr node, const struct tcb *t)
{
        u32 ports = t->ports;
        for (u32 tries = 0; tries < 64; tries++) {
                bool taken = tcp_tuple_taken(h->ts, be32_raw(node.v4), be32_raw(own.v4), ports << 16 | ports >> 16);
                for (u32 i = 0; i < h->n_transfers && !taken; i++)
                        taken = h->transfer[i].state != TRANSFER_FREE && h->transfer[i].ports == ports &&
                                ipaddr_eq(h->transfer[i].node, node);
                if (!taken)
                        return ports;
                ports = (t->ports & 0xffff0000) | __builtin_bswap16((u16)(1024 + stack_random(h->st) % 64000));
        }
        return 0;
}

/* The one that has lingered longest makes room: its node will ask for 53 in vain only if all its copies were lost. */
static struct transfer *take(struct handoff *h)
{
        struct transfer *x = h->free_transfer, *old = NULL;
        for (u32 i = 0; i < h->n_transfers && !x; i++) {
                struct transfer *y = &h->transfer[i];
                if (y->state >= TRANSFER_DONE && y->tries && (!old || (s32)(y->timer.due_ms - old->timer.due_ms) < 0))
                        old = y;
        }
        if (old)
                release(x = old);
        if (x)
                h->free_transfer = x->next;
        return x;
}

/* Freezes the connection and writes the block of a handoff that begins. */
static void load(struct transfer *x, const struct rider *r)
{
        struct control_block b;
        if (!r->frozen)
                tcb_freeze(x->t);
        tcb_export(x->t, &b);
        handoff_nonce(x->h, x->nonce);
        memcpy(b.nonce, x->nonce, HANDOFF_NONCE);
        if (r->n_place)
                memcpy(b.place, r->place, r->n_place);
        b.n_place = (u16)r->n_place;
        b.wish = r->wish;
        b.returned = r->returned;
        if (r->scope)
                b.scope = *r->scope;
        block_put(x->block, &b);
        x->n_block = block_len(&b);
        x->first = block_first(&b);
        x->total = x->n_block + block_bytes(&b);
        x->fin = (b.state & FIN_RX) != 0;
}

enum handoff_reason transfer_begin(struct handoff *h, struct tcb *t, ipaddr node, const struct rider *r, handoff_done_fn *done,
                                   void *ctx, struct transfer **out)
{
        int index = handoff_node_index(h, node);
        ipaddr own;
        if (!tcb_movable(t))
                return HANDOFF_STATE;
        if (index < 0 || !h->n_keys || !handoff_own(h, node, &own))
                return HANDOFF_UNREACHABLE;
        const struct owned *came = owned_of(h, t);
        if (came && came->node != index)
                return HANDOFF_STATE; /* its front would go on forwarding to us */
        u32 ports = pick_ports(h, own, node, t);
        struct transfer *x = ports ? take(h) : NULL;
        if (!x)
                return HANDOFF_FULL;
        struct flow *f = flow_add(&h->flows, t->raddr, t->laddr, t->ports);
        if (!f) {
                x->next = h->free_transfer;
                h->free_transfer = x;
                return HANDOFF_FULL;
        }
        u32 i = (u32)(x - h->transfer);
        memcpy(f->nonce, &i, sizeof i);
        f->node = (u8)index;
        *x = (struct transfer){.h = h,
                               .t = t,
                               .flow = f,
                               .timer.fire = transfer_fire,
                               .done = done,
                               .ctx = ctx,
                               .node = node,
                               .own = own,
                               .ports = ports,
                               .early = (t->flags & TF_SYN_PENDING) != 0,
                               .rto_ms = t->flags & TF_SYN_PENDING ? TRANSFER_EARLY_MS : TRANSFER_RTO_MS,
                               .state = TRANSFER_SENDING,
                               .back = came != NULL,
                               .node_index = (u8)index};
        if (came)
                memcpy(x->prior, came->nonce, HANDOFF_NONCE);
        pktq_init(&x->kept);
        load(x, r);
        h->count.begun++;
        h->count.transfers++;
        h->count.flows_max = max_u32(h->count.flows_max, h->flows.n_used);
        send_more(x);
        *out = x;
        return HANDOFF_OK;
}

enum handoff_reason handoff_begin(struct handoff *h, struct tcb *t, ipaddr node, const struct handoff_scope *scope,
                                  handoff_done_fn *done, void *ctx)
{
        struct transfer *x;
        return transfer_begin(h, t, node, &(struct rider){.scope = scope}, done, ctx, &x);
}

enum handoff_reason handoff_move(struct handoff *h, struct tcb *t, ipaddr node, handoff_done_fn *done, void *ctx,
                                 const char **why)
{
        struct transfer *x;
        u8 place[TCP_PLACE_MAX];
        u32 n;
        if (!tcb_place(t, place, &n, why))
                return HANDOFF_STATE;
        const struct owned *came = owned_of(h, t);
        ipaddr to = came ? h->node[came->node] : node;
        enum handoff_reason r = transfer_begin(
                h, t, to, &(struct rider){.place = place, .n_place = n, .wish = came ? node : IPADDR_ANY}, done, ctx, &x);
        if (r == HANDOFF_OK) {
                x->asked = true;
                return r;
        }
        *why = handoff_reason_text(r);
        tcb_resume(t);
        return r;
}

void transfer_keep(struct transfer *x, struct pkt *p)
{
        bool kept = kept_put(&x->kept, TRANSFER_KEEP, x->h->st, p, DROP_HANDOFF_KEPT);
        x->h->count.kept += kept;
        x->h->count.kept_lost += !kept;
}

/* fresh: of the answer that is not taken any more, 0 when none came. */
static void send_withdrawn(struct transfer *x, u32 fresh)
{
        struct pkt *p = pkt_alloc(&x->h->st->pkts, PKT_HEADROOM);
        struct ctl c = message(x, CTL_WITHDRAWN, TCP_RST | TCP_ACK, x->first + 1 + end_of(x));
        c.scope.ack = fresh;
        if (p)
                ctl_send(x->h, &c, p);
}

/* Said at once and whenever the other still waits for 53, so that he does not keep the client's packets. */
static void withdraw(struct transfer *x)
{
        x->state = TRANSFER_WITHDRAWN;
        x->tries = 1;
        x->t = NULL;
        send_withdrawn(x, x->heard ? x->fresh : 0);
        timer_set(&x->h->st->wheel, &x->timer, stack_now_ms(x->h->st) + TRANSFER_LINGER_MS);
}

/* The connection is the client's and ours again. What was kept meets whoever has it then: t, or its next transfer. */
static void fail(struct transfer *x, enum handoff_reason why)
{
        struct handoff *h = x->h;
        struct pktq kept = x->kept;
        handoff_done_fn *done = x->done;
        void *ctx = x->ctx;
        struct tcb *t = x->t;
        struct tcp_key key = tcp_key(t);
        bool asked = x->asked;
        flow_del(&h->flows, x->flow);
        if (why == HANDOFF_SILENT)
                withdraw(x);
        else
                release(x);
        if (x->on) {
                onward_failed(h, t, x);
        } else {
                tcb_thaw(t);
                done(ctx, t, why);
        }
        if (asked && tcp_by_key(h->st, key) && tcp_lookup(h->ts, t->raddr, t->laddr, t->ports) == t)
                tcb_resume(t); /* unless done ended it, or asks another node */
        kept_receive(&kept, h->st);
}

static void send_53(struct transfer *x)
{
        struct pkt *p = pkt_alloc(&x->h->st->pkts, PKT_HEADROOM);
        struct ctl c = message(x, CTL_53, TCP_ACK, x->first + 1 + end_of(x));
        if (p)
                ctl_send(x->h, &c, p);
}

/* 52 came: from 53 on the connection is the node's, and every packet of the client goes there, first those that were kept. */
static void handed(struct transfer *x)
{
        struct handoff *h = x->h;
        struct flow *f = x->flow;
        struct tcb *t = x->t;
        send_53(x);
        x->state = TRANSFER_DONE;
        x->tries = 1;
        x->t = NULL;
        f->state = FLOW_ACTIVE;
        f->seen_s = handoff_now_s(h);
        memcpy(f->nonce, x->nonce, HANDOFF_NONCE);
        h->count.handed++;
        if (x->back) {
                owned_drop(h, owned_of(h, t));
                f->seen_s = (u16)(f->seen_s - (FLOW_EXPIRE_S - BACK_EXPIRE_S));
                h->count.back++;
        }
        const struct tcp_events *ev = t->ev;
        t->ev = &tcp_no_events;
        if (x->asked)
                ev->closed(t, 0);
        tcb_free(t);
        kept_forward(&x->kept, h, x->node);
        timer_set(&h->st->wheel, &x->timer, stack_now_ms(h->st) + TRANSFER_LINGER_MS);
        x->done(x->ctx, NULL, HANDOFF_OK);
}

/* The client's SYN has waited long enough: it gets its answer from here, and the handoff begins anew, with a connection whose SYN
 * is out. The node gives up what it may have adopted. */
static void answer_syn(struct transfer *x)
{
        struct control_block b;
        block_get(x->block, x->n_block, &b);
        tcb_thaw(x->t);
        tcp_tx(x->t);
        load(x, &(struct rider){.scope = &b.scope, .place = b.place, .n_place = b.n_place, .wish = b.wish, .returned = b.returned});
        x->h->count.answered++;
        x->early = x->heard = false;
        x->acked = x->sent = x->tries = 0;
        x->rto_ms = TRANSFER_RTO_MS;
        send_more(x);
}

void transfer_fire(struct timer *tm)
{
        struct transfer *x = container_of(tm, struct transfer, timer);
        if (x->state != TRANSFER_SENDING) {
                release(x);
                return;
        }
        if (++x->tries == TRANSFER_EARLY_TRIES && x->early) {
                answer_syn(x);
                return;
        }
        if (x->tries == TRANSFER_TRIES) {
                x->h->count.silent++;
                fail(x, HANDOFF_SILENT);
                return;
        }
        x->h->count.retried++;
        x->rto_ms *= 2;
        x->sent = x->acked;
        send_more(x);
}

/* An acknowledgement of the node: of a part, or of all, which is 52. */
static void acked(struct transfer *x, const struct tcp_seg *s)
{
        u32 off = s->ack - x->first - 1;
        bool other = x->heard && s->seq != x->fresh; /* of a late copy of 51 */
        /* what was given back under another answer was not withdrawn: the front would forward it again */
        if (off == end_of(x) && (x->state == TRANSFER_WITHDRAWN || (x->state == TRANSFER_DONE && other && !x->back))) {
                send_withdrawn(x, s->seq);
                return;
        }
        if (off > end_of(x) || other) {
                x->h->count.stray++;
                return;
        }
        x->heard = true;
        x->fresh = s->seq;
        if (x->state == TRANSFER_DONE) {
                send_53(x);
        } else if (off == end_of(x)) {
                handed(x);
        } else if (off > x->acked) {
                x->acked = off;
                x->sent = max_u32(x->sent, off);
                x->tries = 0;
                x->rto_ms = TRANSFER_RTO_MS;
                send_more(x);
        }
}

static void refused(struct transfer *x, const struct ctl_in *in)
{
        enum handoff_reason why = in->n && in->text[0] && in->text[0] < HANDOFF_WIRE_REASONS ? in->text[0] : HANDOFF_BLOCK;
        x->h->count.refused[why]++;
        fail(x, why);
}

enum handoff_reason handoff_back(struct handoff *h, struct tcb *t, handoff_done_fn *done, void *ctx)
{
        const struct owned *o = owned_of(h, t);
        return o ? handoff_begin(h, t, h->node[o->node], NULL, done, ctx) : HANDOFF_STATE;
}

bool transfer_rx(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p)
{
        struct transfer *x = NULL;
        struct ctl_in in;
        u32 ports = *(const u32_any *)th;
        for (u32 i = 0; i < h->n_transfers && !x; i++) {
                struct transfer *y = &h->transfer[i];
                if (y->state != TRANSFER_FREE && y->ports == (ports << 16 | ports >> 16) && ipaddr_eq(y->node, ip->src))
                        x = y;
        }
        if (!x)
                return false;
        bool rst = (s->flags & TCP_RST) != 0;
        if (!ctl_read(h, th, s, p, &in) || !ctl_good(h, &in, rst ? CTL_REFUSAL : CTL_52, ip, th, s, x->first, x->nonce)) {
                h->count.forged++;
                pkt_drop(p, DROP_HANDOFF_FORGED_52);
                return true;
        }
        if (rst && x->state == TRANSFER_SENDING)
                refused(x, &in);
        else if (!rst && (s->flags & TCP_ACK))
                acked(x, s);
        pkt_drop(p, DROP_HANDOFF_52);
        return true;
}
