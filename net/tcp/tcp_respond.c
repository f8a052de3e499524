/* tcp_respond.c - a segment's headers, TCP's to the link's, from what the connection keeps ready; sums adjusted, not recomputed.
 * Twin of asm/tcp_respond.S. Not here: SYN and everything without a connection (synsent.c, reply.c).
 * SPDX-License-Identifier: MIT */
#include "arp.h"
#include "cksum.h"
#include "engine.h"
#include "eth.h"

static inline u32 be(u32 v) { return __builtin_bswap32(v); }

/* What the peer has been told counts from here on. */
static inline void told(struct tcb *t, u32 ack, u32 wnd)
{
        t->rcv_acked = ack;
        if (seq_gt(ack + wnd, t->rcv_adv))
                t->rcv_adv = ack + wnd;
        if (t->flags & (TF_ACK_DELAYED | TF_ACK_NOW)) {
                if (t->flags & TF_IN_DELACK)
                        tcp_unlink(t);
                t->flags &= ~(u32)(TF_ACK_DELAYED | TF_ACK_NOW);
        }
}

/* IP's and the link's header in front of p, whose datagram has `total` bytes, and away. Datagrams that may not be fragmented
 * need no number of their own (RFC 6864 4.1): it is taken from the sequence numbers, so that it tells nobody how busy we are. */
static inline void send(struct tcb *t, struct pkt *p, struct netif *nif, u32 total, u32 id, u32 tos)
{
        struct stack *st = nif->st;
        u32_any *ip = pkt_push(p, sizeof(struct ip_hdr));
        u32 w0 = 0x45 | tos << 8 | be(total), w1 = (id & 0xffff) | 0x400000, w2 = t->ttl | IPPROTO_TCP_ << 8;
        u32 l2 = sizeof(struct ip_hdr), sum = cksum_plus(cksum_plus(w0, w1), cksum_plus(w2, cksum_plus(t->laddr, t->raddr)));
        ip[0] = w0;
        ip[1] = w1;
        ip[2] = w2 | (u32)(u16)~cksum_fold(sum) << 16;
        ip[3] = t->laddr;
        ip[4] = t->raddr;
        if (t->hop != HOP_NO_LINK) {
                struct hop *hop = &st->hop[t->hop];
                __builtin_memcpy(pkt_push(p, ETH_HLEN), &hop->dst, ETH_HLEN);
                hop->used_ms = st->wheel.now_ms;
                hop->used = true;
                l2 += ETH_HLEN;
        }
        if (unlikely(st->tap || !nif->link || (p->flags & PKT_CSUM_TODO) || (p->nfrag && !(nif->caps & NETIF_SG)))) {
                p->csum_start = (u16)(p->csum_start + l2);
                nif_xmit(nif, p);
                return;
        }
        nif->count.tx_packets++;
        nif->count.tx_bytes += total + l2 - sizeof(struct ip_hdr);
        nif->xmit(nif, p);
}

void tcp_respond(struct tcb *t, struct pkt *p, u32 seq, u32 flags, u32 len, u32 sum)
{
        u32 ack = tcp_rcv_ack(t), field = (tcp_edge(t) - ack) >> t->rcv_scale, words = 5 + (flags >> TCP_R_OPT_SHIFT & 15);
        if (field > 0xffff)
                field = 0xffff;
        if (t->flags & TF_TS) {
                u32_any *o = pkt_push(p, TCP_TS_LEN);
                o[0] = be(0x0101080au);
                o[1] = be(tcb_now_ms(t) + t->ts_off);
                o[2] = be(t->ts_recent);
                sum = cksum_plus(cksum_plus(sum, o[0]), cksum_plus(o[1], o[2]));
                words += 3;
                len += TCP_TS_LEN;
        }
        u32_any *h = pkt_push(p, sizeof(struct tcp_hdr));
        len += sizeof(struct tcp_hdr);
        h[0] = t->ports << 16 | t->ports >> 16;
        h[1] = be(seq);
        h[2] = be(ack);
        h[3] = be(words << 28 | (flags & 0xff) << 16 | field);
        h[4] = 0;
        u32 base = cksum_plus(t->hdr_sum, be(len));
        if (flags & TCP_R_NO_SUM) {
                /* the field holds the pseudo header's sum, which is the template's without the ports */
                ((u16_any *)h)[8] = cksum_fold(cksum_plus(base, ~t->ports));
                p->flags |= PKT_CSUM_TODO;
                p->csum_start = 0;
                p->csum_off = offsetof(struct tcp_hdr, cksum);
        } else {
                sum = cksum_plus(cksum_plus(sum, base), cksum_plus(h[1], cksum_plus(h[2], h[3])));
                ((u16_any *)h)[8] = (u16)~cksum_fold(sum);
        }
        if (unlikely(t->flags & TF_URG_TX))
                tcp_mark_urgent(t, (struct tcp_hdr *)h, seq, (flags & TCP_R_NO_SUM) != 0);
        told(t, ack, field << t->rcv_scale);
        t->ts->count.out_segs++;
        struct stack *st = tcb_stack(t);
        struct netif *nif = st->nif[t->nif];
        u32 tos = t->tos | (flags & TCP_R_ECT ? 2 : 0), total = len + sizeof(struct ip_hdr);
        if (likely(t->hop && t->hop_gen == st->hop_gen && nif->up && !(t->flags & (TF_NO_DF | TF_NO_PMTUD)) && (total <= nif->mtu || p->gso)))
                send(t, p, nif, total, seq + ack, tos);
        else
                tcp_find_hop(t, p, tos);
}
