/* transfer_tx.c - what a transfer sends: 51 and the segments behind it, 53, and that it will not send one any more.
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

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

void transfer_send(struct transfer *x)
{
        for (u32 n = 0; x->sent < x->total && n < TRANSFER_WINDOW; n++) {
                u32 sent = send_at(x, x->sent);
                if (!sent)
                        break;
                x->sent += sent;
        }
        timer_set(&x->h->st->wheel, &x->timer, stack_now_ms(x->h->st) + x->rto_ms);
}

void transfer_send_withdrawn(struct transfer *x, u32 fresh)
{
        struct pkt *p = pkt_alloc(&x->h->st->pkts, PKT_HEADROOM);
        struct ctl c = message(x, CTL_WITHDRAWN, TCP_RST | TCP_ACK, x->first + 1 + transfer_end(x));
        c.scope.ack = fresh;
        if (p)
                ctl_send(x->h, &c, p);
}

void transfer_send_53(struct transfer *x)
{
        struct pkt *p = pkt_alloc(&x->h->st->pkts, PKT_HEADROOM);
        struct ctl c = message(x, CTL_53, TCP_ACK, x->first + 1 + transfer_end(x));
        if (p)
                ctl_send(x->h, &c, p);
}
