/* ip_tx.c - send IPv4 datagrams: path, header, fragments, and the short way to ourselves.
 * What goes to an address of ours never reaches a device: it waits in a queue and comes in again at the end of the batch.
 * Not here: path MTU discovery, which is TCP's own. What is sent to a group is not looped back.
 * SPDX-License-Identifier: MIT */
#include "arp.h"
#include "eth.h"
#include "igmp.h"
#include "ip_state.h"
#include "route.h"

enum { LOOP_MAX = 64, LOOP_ROUND = 64 };

static void loop_fire(struct timer *t) { ip_batch_end(container_of(t, struct ip_state, loop_timer)->st); }

bool ip_init(struct stack *st)
{
        struct ip_state *is = stack_alloc(st, sizeof *is, 16);
        if (!is)
                return false;
        st->ip = is;
        is->st = st;
        is->mul = stack_random(st) | 1;
        for (u32 i = 0; i < IP_IDS; i++)
                is->id[i] = (u16)stack_random(st);
        pktq_init(&is->loop);
        is->loop_timer.fire = loop_fire;
        return reass_init(st);
}

void ip_forget(struct stack *st)
{
        st->ip->ok_nif = NULL;
        memset(st->ip->passed, 0, sizeof st->ip->passed);
        for (u32 i = 0; i < IP_DSTS; i++)
                st->ip->dsts[i].valid = false;
        stack_hops_changed(st);
}

static u32 hash(const struct ip_state *is, ipaddr dst) { return be32_raw(dst.v4) * is->mul; }

/* Our address towards a neighbour: in its network if possible, never a silent one. */
static ipaddr source_for(struct netif *nif, ipaddr hop)
{
        for (u32 i = 0; i < NETIF_ADDRS; i++) {
                const struct ifaddr *a = &nif->addr[i];
                if (!ipaddr_is_any(a->addr) && !a->silent && ipaddr_same_net(a->addr, hop, a->plen))
                        return a->addr;
        }
        return netif_addr_first(nif);
}

static struct netif *owner(struct stack *st, ipaddr a)
{
        for (u32 i = 0; i < st->n_nifs; i++)
                if (netif_addr_find(st->nif[i], a))
                        return st->nif[i];
        return ipaddr_is_loopback(a) && st->n_nifs ? st->nif[0] : NULL;
}

static struct netif *first_up(struct stack *st)
{
        for (u32 i = 0; i < st->n_nifs; i++)
                if (st->nif[i]->up)
                        return st->nif[i];
        return NULL;
}

/* Fills *d for dst by the routing table, or on a given interface; false when there is no way. */
static bool resolve(struct stack *st, ipaddr dst, struct netif *nif, struct ip_dst *d)
{
        struct netif *own = ipaddr_is_any(dst) ? NULL : owner(st, dst);
        *d = (struct ip_dst){.dst = dst, .valid = true, .kind = IP_UNICAST, .path = {nif, dst, dst}};
        if (own) {
                d->kind = IP_OURS;
                d->path.nif = own;
                return true;
        }
        const struct route *r = nif ? route_lookup_on(nif, dst) : route_lookup(st, dst);
        bool group = ipaddr_is_mcast(dst) || ipaddr_is_bcast(dst);
        if (ipaddr_is_any(dst) || ipaddr_is_loopback(dst))
                return false;
        if (!nif)
                nif = r ? r->nif : group ? first_up(st) : NULL;
        if (!nif)
                return false;
        d->path.nif = nif;
        if (ipaddr_is_mcast(dst))
                d->kind = IP_MULTICAST;
        else if (ip_is_broadcast(nif, dst))
                d->kind = IP_BROADCAST;
        else if (r && !ipaddr_is_any(r->via))
                d->path.hop = r->via;
        d->path.src = source_for(nif, d->path.hop);
        return true;
}

static __attribute__((noinline, cold)) const struct ip_dst *refill(struct stack *st, ipaddr dst, struct ip_dst *d)
{
        d->valid = resolve(st, dst, NULL, d);
        return d->valid ? d : NULL;
}

/* The same through the cache; NULL when there is no route. */
static inline const struct ip_dst *lookup(struct stack *st, ipaddr dst)
{
        struct ip_dst *d = &st->ip->dsts[hash(st->ip, dst) >> 28];
        return likely(d->valid && ipaddr_eq(d->dst, dst) && d->path.nif->up) ? d : refill(st, dst, d);
}

bool ip_route(struct stack *st, ipaddr dst, struct ip_path *out)
{
        const struct ip_dst *d = lookup(st, dst);
        if (d)
                *out = d->path;
        return d != NULL;
}

bool ip_resolve(struct stack *st, ipaddr dst, struct ip_dst *out)
{
        const struct ip_dst *d = lookup(st, dst);
        if (d)
                *out = *d;
        return d != NULL;
}

u16 ip_hop(struct stack *st, ipaddr src, ipaddr dst, const struct netif *nif)
{
        const struct ip_dst *d = lookup(st, dst);
        if (!d || d->kind != IP_UNICAST || d->path.nif != nif || !netif_addr_find(d->path.nif, src))
                return HOP_UNKNOWN;
        return nif->caps & NETIF_L3 ? HOP_NO_LINK : arp_hop(d->path.nif, d->path.hop);
}

u16 ip_way_back(struct netif *nif, ipaddr src, ipaddr dst)
{
        struct stack *st = nif->st;
        struct ip_dst *d = &st->ip->dsts[hash(st->ip, dst) >> 28];
        if (unlikely(!d->valid || !ipaddr_eq(d->dst, dst)) && !refill(st, dst, d))
                return HOP_UNKNOWN;
        if (d->kind != IP_UNICAST || d->path.nif != nif || dst.v4.b[0] >= 0xe0 || !netif_addr_find(nif, src))
                return HOP_UNKNOWN;
        if (unlikely(!d->hop || d->hop_gen != st->hop_gen)) {
                d->hop = nif->caps & NETIF_L3 ? HOP_NO_LINK : arp_hop(nif, d->path.hop);
                d->hop_gen = st->hop_gen;
        }
        return d->hop;
}

void ip_forget_hops(struct stack *st)
{
        for (u32 i = 0; i < IP_DSTS; i++)
                st->ip->dsts[i].hop = HOP_UNKNOWN;
}

/* A copy of p in fresh buffers: what it gathers from elsewhere may change before it is read. NULL when the pool is short. */
static struct pkt *loop_copy(struct stack *st, const struct pkt *p)
{
        struct pkt *first = NULL, **at = &first;
        for (u32 off = 0, total = pkt_total(p); off < total;) {
                struct pkt *q = pkt_alloc(&st->pkts, PKT_HEADROOM);
                if (!q) {
                        pkt_free(first);
                        return NULL;
                }
                q->len = (u16)pkt_copy_out(p, off, q->data, PKT_BUF - PKT_HEADROOM);
                off += q->len;
                *at = q;
                at = &q->chain;
        }
        return first;
}

static int loop_put(struct stack *st, struct pkt *p, struct netif *nif)
{
        struct ip_state *is = st->ip;
        if (is->loop.n >= LOOP_MAX) {
                pkt_drop(p, DROP_IP_LOOP_FULL);
                return E_NOMEM;
        }
        if (p->nfrag || p->chain || p->refs > 1) {
                struct pkt *q = loop_copy(st, p);
                pkt_free(p);
                if (!q)
                        return E_NOMEM;
                p = q;
        }
        p->flags = PKT_CSUM_OK;
        p->gso = 0;
        p->nif = nif;
        pktq_put(&is->loop, p);
        st->loop_waits = true;
        timer_set(&st->wheel, &is->loop_timer, stack_now_ms(st));
        return 0;
}

bool ip_batch_end(struct stack *st)
{
        struct ip_state *is = st->ip;
        u32 n = 0;
        struct pkt *p;
        if (likely(!is->loop.n))
                return false;
        timer_stop(&st->wheel, &is->loop_timer);
        while (n < LOOP_ROUND && (p = pktq_get(&is->loop))) {
                const struct ip_hdr *ip = (const struct ip_hdr *)p->data;
                p->l3 = (u16)(p->data - p->head);
                p->l4 = (u16)(p->l3 + ip_hlen(ip));
                pkt_pull(p, ip_hlen(ip));
                ip_deliver(st, p, ip);
                n++;
        }
        if (is->loop.n)
                timer_set(&st->wheel, &is->loop_timer, stack_now_ms(st));
        return true;
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

int ip_cut(struct stack *st, struct pkt *p, const struct ip_dst *d)
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
static __attribute__((noinline, cold)) void add_router_alert(struct pkt *p)
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
        if (unlikely(total > 0xffff - IP_HLEN - IP_RA_LEN)) {
                pkt_drop(p, DROP_IP_TOO_LONG);
                return E_MSGSIZE;
        }
        if (ipaddr_is_any(src) && !o->nameless)
                src = d->path.src;
        u32 ttl = o->ttl ? o->ttl : d->kind == IP_MULTICAST ? 1 : 64;
        push_header(p, total, st->ip->id[hash(st->ip, dst) >> 24]++, src, dst, ttl | (u32)proto << 8, o);
        if (unlikely(o->router_alert))
                add_router_alert(p);
        if (unlikely(d->kind == IP_OURS))
                return loop_put(st, p, d->path.nif);
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
        return resolve(st, dst, o->nif, &d) ? send(st, p, src, dst, proto, o, &d) : no_route(p);
}

int ip_tx(struct stack *st, struct pkt *p, ipaddr src, ipaddr dst, u8 proto, const struct ip_opts *opts)
{
        static const struct ip_opts plain;
        if (!opts)
                opts = &plain;
        if (unlikely(opts->nif != NULL))
                return tx_on(st, p, src, dst, proto, opts);
        const struct ip_dst *d = lookup(st, dst);
        return likely(d != NULL) ? send(st, p, src, dst, proto, opts, d) : no_route(p);
}
