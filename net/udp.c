/* udp.c - UDP (RFC 768, 1122 4.1): find the socket of a port, check and make checksums, random ports (RFC 6056).
 * Not here: queues of datagrams (the socket face keeps those). A datagram goes to one socket, groups and broadcasts too.
 * SPDX-License-Identifier: MIT */
#include "udp.h"
#include "cksum.h"
#include "icmp.h"
#include "ip.h"
#include "mem.h"

_Static_assert(sizeof(struct udp_hdr) == 8, "RFC 768");

enum { UDP_BUCKETS = 32, UDP_EPHEMERAL = 49152, UDP_EPHEMERALS = 65536 - 49152, UDP_TRIES = 64 };

struct udp_sock {
        struct udp_sock *next;
        struct stack    *st;
        ipaddr           addr;
        u16              port;
        udp_recv_fn     *recv;
        udp_error_fn    *error;
        void            *user;
};

struct udp_state {
        struct udp_sock *free;
        struct udp_sock *bucket[UDP_BUCKETS];
};

static void udp_rx(struct stack *st, struct pkt *p, const struct ip_hdr *ip);
static void udp_icmp(struct stack *st, u8 type, u8 code, u16 mtu, const struct ip_hdr *quoted, const u8 *l4);

bool udp_init(struct stack *st)
{
        struct udp_sock *socks = stack_alloc(st, st->cfg.n_udp * sizeof *socks, 16);
        st->udp = stack_alloc(st, sizeof *st->udp, 16);
        if (!st->udp || !socks)
                return false;
        for (u32 i = st->cfg.n_udp; i-- > 0;) {
                socks[i].st = st;
                socks[i].next = st->udp->free;
                st->udp->free = &socks[i];
        }
        ip_proto(st, IPPROTO_UDP_, udp_rx);
        ip_proto_error(st, IPPROTO_UDP_, udp_icmp);
        return true;
}

static struct udp_sock **bucket_of(struct stack *st, u16 port) { return &st->udp->bucket[port % UDP_BUCKETS]; }

/* The socket bound to exactly this name, or NULL. */
static struct udp_sock *find(struct stack *st, ipaddr addr, u16 port)
{
        struct udp_sock *us = *bucket_of(st, port);
        while (us && !(us->port == port && ipaddr_eq(us->addr, addr)))
                us = us->next;
        return us;
}

/* RFC 6056 3.3.1: a random start, then the next free one; 0 when the search fails. */
static u16 ephemeral(struct stack *st, ipaddr addr)
{
        u32 at = stack_random(st);
        for (u32 i = 0; i < UDP_TRIES; i++) {
                u16 port = (u16)(UDP_EPHEMERAL + (at + i) % UDP_EPHEMERALS);
                if (!find(st, addr, port) && !find(st, IPADDR_ANY, port))
                        return port;
        }
        return 0;
}

struct udp_sock *udp_open(struct stack *st, ipaddr addr, u16 port, udp_recv_fn *recv, void *user)
{
        struct udp_sock *us = st->udp->free;
        if (!port)
                port = ephemeral(st, addr);
        if (!us || !port || find(st, addr, port))
                return NULL;
        st->udp->free = us->next;
        *us = (struct udp_sock){*bucket_of(st, port), st, addr, port, recv, NULL, user};
        *bucket_of(st, port) = us;
        return us;
}

void udp_close(struct udp_sock *us)
{
        struct udp_sock **at = bucket_of(us->st, us->port);
        while (*at != us)
                at = &(*at)->next;
        *at = us->next;
        us->next = us->st->udp->free;
        us->st->udp->free = us;
}

void *udp_user(const struct udp_sock *us) { return us->user; }
u16 udp_port(const struct udp_sock *us) { return us->port; }
struct stack *udp_stack(const struct udp_sock *us) { return us->st; }
void udp_on_error(struct udp_sock *us, udp_error_fn *fn) { us->error = fn; }

static bool cksum_ok(const struct pkt *p, const struct ip_hdr *ip, u16 len)
{
        u32 sum = ip_pseudo_sum(ip->src, ip->dst, IPPROTO_UDP_, len), done = 0;
        for (; p; p = p->chain) {
                u32 s = cksum_add(0, p->data, p->len);
                sum = cksum_plus(sum, done & 1 ? cksum_odd(s) : s);
                done += p->len;
        }
        return cksum_fold(sum) == 0xffff;
}

/* Cuts the datagram to the length it gives itself. */
static void trim(struct pkt *p, u32 n)
{
        for (; n > p->len; p = p->chain)
                n -= p->len;
        p->len = (u16)n;
        pkt_free(p->chain);
        p->chain = NULL;
}

static void udp_rx(struct stack *st, struct pkt *p, const struct ip_hdr *ip)
{
        const struct udp_hdr *h = (const struct udp_hdr *)p->data;
        u32 have = p->chain ? pkt_total(p) : p->len, len = p->len >= sizeof *h ? be16_get(h->len) : 0;
        if (len < sizeof *h || len > have) {
                pkt_drop(p, DROP_UDP_SHORT);
                return;
        }
        if (len < have)
                trim(p, len);
        if (!(p->flags & PKT_CSUM_OK) && be16_raw(h->cksum) && !cksum_ok(p, ip, (u16)len)) {
                pkt_drop(p, DROP_UDP_CKSUM);
                return;
        }
        struct udp_sock *us = find(st, ip->dst, be16_get(h->dport));
        if (!us)
                us = find(st, IPADDR_ANY, be16_get(h->dport));
        if (!us) {
                icmp_error(st, p, ICMP_UNREACH, ICMP_PORT, 0);
                pkt_drop(p, DROP_UDP_PORT);
                return;
        }
        struct udp_from from = {ip->src, ip->dst, be16_get(h->sport), p->nif};
        pkt_pull(p, sizeof *h);
        us->recv(us, p, &from);
}

static void udp_icmp(struct stack *st, u8 type, u8 code, u16 mtu, const struct ip_hdr *quoted, const u8 *l4)
{
        const struct udp_hdr *h = (const struct udp_hdr *)l4;
        struct udp_sock *us = find(st, quoted->src, be16_get(h->sport));
        if (!us)
                us = find(st, IPADDR_ANY, be16_get(h->sport));
        if (!us || !us->error)
                return;
        bool unreach = type == ICMP_UNREACH;
        int err = unreach && code == ICMP_PORT ? E_REFUSED : unreach && code == ICMP_FRAG_NEEDED ? E_MSGSIZE : E_UNREACH;
        us->error(us, err, quoted->dst, be16_get(h->dport));
}

struct pkt *udp_alloc(struct stack *st) { return pkt_alloc(&st->pkts, PKT_HEADROOM); }

/* Header and checksum, now that the source is known. */
static int send(struct udp_sock *us, struct pkt *p, ipaddr src, ipaddr dst, u16 dport, const struct ip_opts *o)
{
        u32 len = pkt_total(p) + sizeof(struct udp_hdr);
        if (len > 0xffff) {
                pkt_drop(p, DROP_UDP_TOO_LONG);
                return E_MSGSIZE;
        }
        u16 sum = cksum_fold(ip_pseudo_sum(src, dst, IPPROTO_UDP_, (u16)len));
        struct udp_hdr *h = pkt_push(p, sizeof *h);
        *h = (struct udp_hdr){be16_of(us->port), be16_of(dport), be16_of((u16)len), be16_from_raw(sum)};
        p->flags |= PKT_CSUM_TODO;
        p->csum_start = 0;
        p->csum_off = offsetof(struct udp_hdr, cksum);
        return ip_tx(us->st, p, src, dst, IPPROTO_UDP_, o);
}

int udp_send_ttl(struct udp_sock *us, struct pkt *p, ipaddr src, ipaddr dst, u16 dport, struct netif *nif, u8 ttl)
{
        struct ip_opts o = {.ttl = ttl, .nif = nif};
        struct ip_path path;
        if (ipaddr_is_any(src))
                src = us->addr;
        if (ipaddr_is_any(src) && nif) {
                src = netif_addr_first(nif);
        } else if (ipaddr_is_any(src)) {
                if (!ip_route(us->st, dst, &path)) {
                        pkt_drop(p, DROP_UDP_NO_ROUTE);
                        return E_NOROUTE;
                }
                src = path.src;
        }
        return send(us, p, src, dst, dport, &o);
}

int udp_send(struct udp_sock *us, struct pkt *p, ipaddr src, ipaddr dst, u16 dport, struct netif *nif)
{
        return udp_send_ttl(us, p, src, dst, dport, nif, 0);
}

int udp_send_nameless(struct udp_sock *us, struct pkt *p, ipaddr dst, u16 dport, struct netif *nif)
{
        struct ip_opts o = {.nif = nif, .nameless = true};
        return send(us, p, IPADDR_ANY, dst, dport, &o);
}

void udp_walk(struct stack *st, bool (*fn)(void *ctx, ipaddr addr, u16 port), void *ctx)
{
        for (u32 i = 0; i < UDP_BUCKETS; i++)
                for (const struct udp_sock *us = st->udp->bucket[i]; us; us = us->next)
                        if (!fn(ctx, us->addr, us->port))
                                return;
}
