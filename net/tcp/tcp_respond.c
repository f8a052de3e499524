/* tcp_respond.c - a segment's headers, TCP's to the link's, from what the connection keeps ready; sums adjusted, not recomputed.
 * Twin of asm/tcp_respond.S. Not here: what is rare (hop.c), SYN and everything without a connection (synsent.c, reply.c).
 * SPDX-License-Identifier: MIT */
#include "arp.h"
#include "cksum.h"
#include "engine.h"
#include "eth.h"

static inline u32 be(u32 v) { return __builtin_bswap32(v); }

/* What the peer has been told counts from here on. */
static inline void told(struct tcb *t, u32 wnd)
{
        t->rcv_acked = t->rcv_nxt;
        if (seq_gt(t->rcv_nxt + wnd, t->rcv_adv))
                t->rcv_adv = t->rcv_nxt + wnd;
        if (t->flags & TF_IN_DELACK)
                tcp_unlink(t);
        t->flags &= ~(u32)(TF_ACK_DELAYED | TF_ACK_NOW);
}

/* IP's and the link's header in front of TCP's at h, and away. Datagrams that may not be fragmented need no number of their
 * own (RFC 6864 4.1): it is taken from the sequence numbers, so that it tells nobody how busy we are. */
static inline void send(struct tcb *t, struct pkt *p, struct netif *nif, const u32_any *h, u32 total, u32 tos)
{
        struct stack *st = nif->st;
        u32_any *ip = pkt_push(p, sizeof(struct ip_hdr));
        u32 w0 = 0x45 | tos << 8 | be(total), w1 = (h[1] ^ h[2]) >> 16 | 0x400000, w2 = t->ttl | IPPROTO_TCP_ << 8, l2 = 0;
        u32 sum = cksum_plus(cksum_plus(w0, w1), cksum_plus(w2, cksum_plus(t->laddr, t->raddr)));
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
                l2 = ETH_HLEN;
        }
        if (unlikely(st->tap || !nif->link || (p->flags & PKT_CSUM_TODO) || (p->nfrag && !(nif->caps & NETIF_SG)))) {
                p->csum_start = (u16)(l2 + sizeof(struct ip_hdr));
                nif_xmit(nif, p);
                return;
        }
        nif->count.tx_packets++;
        nif->count.tx_bytes += total + l2;
        nif->xmit(nif, p);
}

void tcp_respond(struct tcb *t, struct pkt *p, u32 seq, u32 flags, u32 len, u32 sum)
{
        struct stack *st = tcb_stack(t);
        struct netif *nif = st->nif[t->nif];
        u32 ts_len = t->flags & TF_TS ? TCP_TS_LEN : 0, tcp_len = sizeof(struct tcp_hdr) + ts_len + len,
                total = tcp_len + sizeof(struct ip_hdr);
        if (unlikely((t->flags & (TF_ACK_ON_READ | TF_URG_TX | TF_NO_DF | TF_NO_PMTUD)) || !t->hop ||
                     t->hop_gen != st->hop_gen || !nif->up ||
                     (total > nif->mtu && !p->gso))) {
                tcp_respond_by_ip(t, p, seq, flags, len, sum);
                return;
        }
        u32 field = min_u32((tcp_edge(t) - t->rcv_nxt) >> t->rcv_scale, 0xffff), words = flags >> TCP_R_OPT_SHIFT & 15;
        told(t, field << t->rcv_scale);
        t->ts->count.out_segs++;
        if (ts_len) {
                u32_any *o = pkt_push(p, TCP_TS_LEN);
                o[0] = be(0x0101080au);
                o[1] = be(st->wheel.now_ms + t->ts_off);
                o[2] = be(t->ts_recent);
                sum = cksum_plus(cksum_plus(sum, o[0]), cksum_plus(o[1], o[2]));
        }
        u32_any *h = pkt_push(p, sizeof(struct tcp_hdr));
        h[0] = t->ports << 16 | t->ports >> 16;
        h[1] = be(seq);
        h[2] = be(t->rcv_nxt);
        h[3] = be((words + (sizeof(struct tcp_hdr) + ts_len) / 4) << 28 | (flags & 0xff) << 16 | field);
        u32 base = cksum_plus(t->hdr_sum, be(tcp_len));
        if (flags & TCP_R_NO_SUM) {
                /* the field holds the pseudo header's sum, which is the template's without the ports */
                h[4] = cksum_fold(cksum_plus(base, ~t->ports));
                p->flags |= PKT_CSUM_TODO;
                p->csum_off = offsetof(struct tcp_hdr, cksum);
        } else {
                h[4] = (u16)~cksum_fold(cksum_plus(cksum_plus(sum, base), cksum_plus(h[1], cksum_plus(h[2], h[3]))));
        }
        send(t, p, nif, h, total, t->tos | (flags & TCP_R_ECT ? 2u : 0));
}
