/* demux.c - the door of TCP: length and checksum once, then whose segment it is.
 * Not here: what the segment does there. SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "engine.h"

/* MUST-3. The sum of the whole segment, chained buffers included. */
static bool sum_right(const struct pkt *p, const struct ip_hdr *ip, u32 total)
{
        u32 sum = cksum_add(ip_pseudo_sum(ip->src, ip->dst, IPPROTO_TCP_, (u16)total), p->data, p->len), done = p->len;
        for (const struct pkt *q = p->chain; q; q = q->chain) {
                u32 s = cksum_add(0, q->data, q->len);
                sum = cksum_plus(sum, done & 1 ? cksum_odd(s) : s);
                done += q->len;
        }
        return cksum_fold(sum) == 0xffff;
}

static void read_header(const struct tcp_hdr *h, u32 total, const struct ip_hdr *ip, struct tcp_seg *s)
{
        *s = (struct tcp_seg){.seq = be32_get(h->seq), .ack = be32_get(h->ack), .wnd = be16_get(h->wnd), .urg = be16_get(h->urg),
                              .flags = h->flags, .hlen = (u8)(h->off >> 4 << 2), .tos = ip->tos, .ce = (ip->tos & 3) == 3};
        s->len = total - s->hlen;
        tcp_parse(h, s);
}

/* Not of a connection: one that lives elsewhere, TIME_WAIT, half-open, listener, nobody - in this order. */
static void no_connection(struct tcp_state *ts, const struct tcp_hdr *h, struct tcp_seg *s, struct pkt *p,
                          const struct ip_hdr *ip)
{
        u32 raddr = be32_raw(ip->src.v4), laddr = be32_raw(ip->dst.v4), ports = *(const u32_any *)h, iss = 0;
        if (unlikely(ts->handoff != NULL) && handoff_rx(ts->handoff, ip, h, s, p))
                return;
        struct timewait *w = timewait_find(ts, raddr, laddr, ports);
        if (w && timewait_rx(ts, w, s, p, ip, &iss))
                return;
        struct synq *q = synq_find(ts, raddr, laddr, ports);
        if (q) {
                synq_rx(ts, q, s, p, ip);
                return;
        }
        struct listener *l = listener_find(ts, ip->dst, be16_get(h->dst));
        if (l) {
                tcp_listen_rx(ts, l, s, p, ip, h, iss);
                return;
        }
        tcp_reset_for(ts, ip, h, s);
        pkt_drop(p, s->flags & TCP_RST ? DROP_TCP_STRAY_RST : DROP_TCP_PORT);
}

CANARY void tcp_rx(struct stack *st, struct pkt *p, const struct ip_hdr *ip)
{
        struct tcp_state *ts = st->tcp;
        const struct tcp_hdr *h = (const struct tcp_hdr *)p->data;
        u32 total = p->chain ? pkt_total(p) : p->len;
        ts->count.in_segs++;
        if (p->len < sizeof *h || h->off < 0x50 || (u32)(h->off >> 4 << 2) > p->len) {
                pkt_drop(p, DROP_TCP_SHORT);
                return;
        }
        if (!(p->flags & PKT_CSUM_OK) && !sum_right(p, ip, total)) {
                pkt_drop(p, DROP_TCP_CKSUM);
                return;
        }
        struct tcb *t = tcp_lookup(ts, be32_raw(ip->src.v4), be32_raw(ip->dst.v4), *(const u32_any *)h);
        if (!t && ((p->flags & PKT_BCAST) || ipaddr_is_mcast(ip->dst) || ip_is_broadcast(p->nif, ip->dst))) {
                pkt_drop(p, DROP_TCP_GROUP); /* MUST-57; MUST-63 is ip_rx's, which refuses such sources */
                return;
        }
        struct tcp_seg s;
        read_header(h, total, ip, &s);
        if (t)
                tcp_arrives(t, &s, p);
        else
                no_connection(ts, h, &s, p, ip);
}
