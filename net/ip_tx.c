/* ip_tx.c - send IPv4 datagrams: header, fragments, and away.
 * Not here: the way (ip_path.c), what goes to ourselves (ip_loop.c), path MTU discovery, which is TCP's own.
 * SPDX-License-Identifier: MIT */
#include "arp.h"
#include "eth.h"
#include "igmp.h"
#include "ip_state.h"

COLD bool ip_init(struct stack *st)
{
        struct ip_state *is = stack_alloc(st, sizeof *is, 16);
        if (!is)
                return false;
        st->ip = is;
        is->st = st;
        is->mul = stack_random(st) | 1;
        for (u32 i = 0; i < IP_IDS; i++)
                is->id[i] = (u16)stack_random(st);
        ip_loop_init(is);
        return reass_init(st);
}

void ip_link_tx(struct pkt *p, const struct ip_dst *d)
{
        struct netif *nif = d->path.nif;
        if (nif->caps & NETIF_L3)
                nif_xmit(nif, p);
        else if (likely(d->kind == IP_UNICAST))
                arp_tx(nif, p, d->path.hop);
        else
                eth_tx(nif, p, d->kind == IP_MULTICAST ? igmp_mac(d->dst) : MAC_BCAST, ETHERTYPE_IP_);
}

COLD int ip_cut(struct stack *st, struct pkt *p, const struct ip_dst *d)
{
        const struct ip_hdr *ip = (const struct ip_hdr *)p->data;
        u32 hlen = ip_hlen(ip), payload = pkt_total(p) - hlen;
        u32 piece = (min_u32(d->path.nif->mtu, PKT_BUF - PKT_HEADROOM) - hlen) & ~7u;
        if (be16_get(ip->frag) & IP_DF) {
                pkt_drop(p, DROP_IP_DF);
                return E_MSGSIZE;
        }
        if (st->pkts.n_free < payload / piece + 1) {
                pkt_drop(p, DROP_IP_CUT_FULL);
                return E_NOMEM;
        }
        if (p->flags & PKT_CSUM_TODO)
                nif_sum(p);
        for (u32 off = 0; off < payload; off += piece) {
                struct pkt *q = pkt_alloc(&st->pkts, PKT_HEADROOM);
                if (!q)
                        break; /* ARP has asked with the last one */
                u32 n = min_u32(piece, payload - off);
                struct ip_hdr *h = (struct ip_hdr *)q->data;
                memcpy(h, ip, hlen);
                q->len = (u16)(hlen + pkt_copy_out(p, hlen + off, q->data + hlen, n));
                h->len = be16_of(q->len);
                u16 field = be16_get(ip->frag); /* it may be a fragment already */
                h->frag = be16_of((u16)((field & IP_OFFSET) + off / 8) | (off + n < payload ? IP_MF : field & IP_MF));
                ip_set_cksum(h);
                ip_link_tx(q, d);
        }
        pkt_free(p);
        return 0;
}

/* The header in front of p, made of words as they lie in memory: five stores and one sum. */
static inline void push_header(struct pkt *p, u32 total, u16 id, ipaddr src, ipaddr dst, u32 ttl_proto, const struct ip_opts *o)
{
        u8 *at = pkt_push(p, IP_HLEN);
        u32 len = be16_raw(be16_of((u16)(total + IP_HLEN))), w0 = 0x45u | (u32)o->tos << 8 | len << 16;
        u32 w1 = be16_raw(be16_of(id)) | (u32)(o->df ? be16_raw(be16_of(IP_DF)) : 0) << 16;
        u32 w3 = be32_raw(src.v4), w4 = be32_raw(dst.v4);
        u32 sum = cksum_plus(cksum_plus(cksum_plus(cksum_plus(w0, w1), ttl_proto), w3), w4);
        ip_put_word(at, 0, w0);
        ip_put_word(at, 1, w1);
        ip_put_word(at, 2, ttl_proto | (u32)(u16)~cksum_fold(sum) << 16);
        ip_put_word(at, 3, w3);
        ip_put_word(at, 4, w4);
        p->csum_start = (u16)(p->csum_start + IP_HLEN);
}

/* Router alert (RFC 2113 2.1) behind the header that push_header made. */
static COLD void add_router_alert(struct pkt *p)
{
        static const u8 alert[IP_RA_LEN] = {148, 4, 0, 0};
        struct ip_hdr *ip = pkt_push(p, IP_RA_LEN);
        memmove(ip, (u8 *)ip + IP_RA_LEN, IP_HLEN);
        memcpy(ip + 1, alert, IP_RA_LEN);
        ip->vhl = 0x46;
        ip->len = be16_of((u16)(be16_get(ip->len) + IP_RA_LEN));
        p->csum_start = (u16)(p->csum_start + IP_RA_LEN);
        ip_set_cksum(ip);
}

/* The way of everything sent, once its destination is resolved. */
static inline __attribute__((always_inline)) int send(struct stack *st, struct pkt *p, ipaddr src, ipaddr dst, u8 proto,
                                                      const struct ip_opts *o, const struct ip_dst *d)
{
        u32 total = p->nfrag || p->chain ? pkt_total(p) : p->len;
        if (unlikely(total > 0xffff - IP_HLEN)) { /* who asks for router alert is short */
                pkt_drop(p, DROP_IP_TOO_LONG);
                return E_MSGSIZE;
        }
        if (ipaddr_is_any(src) && !o->nameless)
                src = d->path.src;
        u32 ttl = o->ttl ? o->ttl : d->kind == IP_MULTICAST ? 1 : 64;
        push_header(p, total, st->ip->id[ip_dst_hash(st->ip, dst) >> 24]++, src, dst, ttl | (u32)proto << 8, o);
        if (unlikely(o->router_alert))
                add_router_alert(p);
        if (unlikely(d->kind == IP_OURS))
                return ip_loop_put(st, p, d->path.nif);
        if (unlikely(total + IP_HLEN > d->path.nif->mtu && !p->gso))
                return ip_cut(st, p, d);
        if (likely(d->kind == IP_UNICAST && !(d->path.nif->caps & NETIF_L3)))
                arp_tx(d->path.nif, p, d->path.hop);
        else
                ip_link_tx(p, d);
        return 0;
}

static int no_route(struct pkt *p)
{
        pkt_drop(p, DROP_IP_NO_ROUTE);
        return E_NOROUTE;
}

static __attribute__((noinline)) int tx_on(struct stack *st, struct pkt *p, ipaddr src, ipaddr dst, u8 proto,
                                           const struct ip_opts *o)
{
        struct ip_dst d;
        return ip_resolve_on(st, dst, o->nif, &d) ? send(st, p, src, dst, proto, o, &d) : no_route(p);
}

int ip_tx(struct stack *st, struct pkt *p, ipaddr src, ipaddr dst, u8 proto, const struct ip_opts *opts)
{
        static const struct ip_opts plain;
        if (!opts)
                opts = &plain;
        if (unlikely(opts->nif != NULL))
                return tx_on(st, p, src, dst, proto, opts);
        const struct ip_dst *d = ip_dst_of(st, dst);
        return likely(d != NULL) ? send(st, p, src, dst, proto, opts, d) : no_route(p);
}
