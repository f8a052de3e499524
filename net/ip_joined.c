/* ip_joined.c - segments that a device joined when they came (large receive), cut again for a way that takes less and whose
 * device cannot do it. SPDX-License-Identifier: MIT */
#include "ip_state.h"

enum { LEAST = 128 }; /* no way takes less than all headers there can be and a word, whatever a target says (through_impl.h, most) */

static u32 heads_of(const struct pkt *p)
{
        const struct ip_hdr *ip = (const struct ip_hdr *)p->data;
        const struct tcp_hdr *th = (const struct tcp_hdr *)(p->data + ip_hlen(ip));
        return ip_hlen(ip) + (u32)(th->off >> 4 << 2);
}

/* The headers of p over n bytes at off of its text, as a segment of its own, or NULL; the device, or nif_xmit, sums it. */
static struct pkt *piece(struct stack *st, const struct pkt *p, u32 heads, u32 off, u32 n, u32 number, bool last)
{
        struct pkt *q = pkt_alloc(&st->pkts, PKT_HEADROOM);
        if (!q)
                return NULL;
        struct ip_hdr *ip = (struct ip_hdr *)q->data;
        memcpy(ip, p->data, heads);
        q->len = (u16)(heads + pkt_copy_out(p, heads + off, q->data + heads, n));
        u32 hlen = ip_hlen(ip), l4 = q->len - hlen;
        struct tcp_hdr *th = (struct tcp_hdr *)(q->data + hlen);
        ip->len = be16_of(q->len);
        ip->id = be16_of((u16)(be16_get(ip->id) + number));
        ip_set_cksum(ip);
        th->seq = be32_of(be32_get(th->seq) + off);
        if (!last)
                th->flags &= (u8)~(TCP_FIN | TCP_PSH);
        if (off)
                th->flags &= (u8)~TCP_CWR; /* said once */
        th->cksum = be16_from_raw(cksum_fold(ip_pseudo_sum(ip->src, ip->dst, IPPROTO_TCP_, (u16)l4)));
        q->flags = PKT_CSUM_TODO;
        q->csum_start = (u16)hlen;
        q->csum_off = offsetof(struct tcp_hdr, cksum);
        q->nif = p->nif;
        return q;
}

void ip_cut_joined(struct stack *st, struct pkt *p, u32 room, void (*out)(void *ctx, struct pkt *p), void *ctx)
{
        u32 heads = heads_of(p), text = pkt_total(p) - heads, size = ip_joined_size(p, min_u32(room, PKT_BUF - PKT_HEADROOM));
        if (st->pkts.n_free < text / size + 1) {
                pkt_drop(p, DROP_IP_CUT_JOINED);
                return;
        }
        for (u32 off = 0; off < text; off += size) {
                u32 n = min_u32(size, text - off);
                struct pkt *q = piece(st, p, heads, off, n, off / size, off + n == text);
                if (!q)
                        break; /* ARP has asked with the last one */
                out(ctx, q);
        }
        pkt_free(p);
}

u16 ip_joined_size(const struct pkt *p, u32 room) { return (u16)(max_u32(room, LEAST) - heads_of(p)); }
