/* transfer_rx.c - how a transfer goes on: the other's acknowledgements, 52, a refusal, or silence.
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

/* Said at once and whenever the other still waits for 53, so that he does not keep the client's packets. */
static void withdraw(struct transfer *x)
{
        x->state = TRANSFER_WITHDRAWN;
        x->tries = 1;
        x->t = NULL;
        transfer_send_withdrawn(x, x->heard ? x->fresh : 0);
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
                transfer_release(x);
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

/* 52 came: from 53 on the connection is the node's, and every packet of the client goes there, first those that were kept. */
static void handed(struct transfer *x)
{
        struct handoff *h = x->h;
        struct flow *f = x->flow;
        struct tcb *t = x->t;
        transfer_send_53(x);
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
        transfer_load(x, &(struct rider){.scope = &b.scope, .place = b.place, .n_place = b.n_place, .wish = b.wish,
                                         .returned = b.returned});
        x->h->count.answered++;
        x->early = x->heard = false;
        x->acked = x->sent = x->tries = 0;
        x->rto_ms = TRANSFER_RTO_MS;
        transfer_send(x);
}

void transfer_fire(struct timer *tm)
{
        struct transfer *x = container_of(tm, struct transfer, timer);
        if (x->state != TRANSFER_SENDING) {
                transfer_release(x);
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
        transfer_send(x);
}

/* An acknowledgement of the node: of a part, or of all, which is 52. */
static void acked(struct transfer *x, const struct tcp_seg *s)
{
        u32 off = s->ack - x->first - 1;
        bool other = x->heard && s->seq != x->fresh; /* of a late copy of 51 */
        /* what was given back under another answer was not withdrawn: the front would forward it again */
        if (off == transfer_end(x) && (x->state == TRANSFER_WITHDRAWN || (x->state == TRANSFER_DONE && other && !x->back))) {
                transfer_send_withdrawn(x, s->seq);
                return;
        }
        if (off > transfer_end(x) || other) {
                x->h->count.stray++;
                return;
        }
        x->heard = true;
        x->fresh = s->seq;
        if (x->state == TRANSFER_DONE) {
                transfer_send_53(x);
        } else if (off == transfer_end(x)) {
                handed(x);
        } else if (off > x->acked) {
                x->acked = off;
                x->sent = max_u32(x->sent, off);
                x->tries = 0;
                x->rto_ms = TRANSFER_RTO_MS;
                transfer_send(x);
        }
}

static void refused(struct transfer *x, const struct ctl_in *in)
{
        enum handoff_reason why = in->n && in->text[0] && in->text[0] < HANDOFF_WIRE_REASONS ? in->text[0] : HANDOFF_BLOCK;
        x->h->count.refused[why]++;
        fail(x, why);
}

bool transfer_rx(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p)
{
        struct ctl_in in;
        u32 ports = *(const u32_any *)th;
        struct transfer *x = transfer_find(h, ip->src, ports << 16 | ports >> 16);
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
