/* through.c - the transparent proxy of one stack: which connections are taken as they pass, and whose a passing packet is.
 * Not here: opening a passage (opening.c), its packets (passage.c). SPDX-License-Identifier: MIT */
#include "icmp.h"
#include "mem.h"
#include "through_impl.h"

struct through *through_new(struct stack *st, u32 passages)
{
        struct through *th = stack_alloc(st, sizeof *th, 64);
        if (!th)
                return NULL;
        th->st = st;
        th->ts = st->tcp;
        th->opening = stack_alloc(st, OPENINGS_MAX * sizeof *th->opening, 16);
        if (!th->opening || !passage_init(th, passages ? passages : st->cfg.n_tcbs * 4))
                return NULL;
        for (u32 i = OPENINGS_MAX; i-- > 0;) {
                th->opening[i].next = th->free_opening;
                th->free_opening = &th->opening[i];
        }
        th->sweep_timer.fire = passage_sweep;
        timer_set(&st->wheel, &th->sweep_timer, stack_now_ms(st) + PASSAGE_SWEEP_MS);
        st->tcp->through = th;
        ip_on_passing(st, through_passing, th);
        return th;
}

static int find(const struct through *th, u16 port, ipaddr net, u8 plen)
{
        for (int i = 0; i < THROUGH_PORTS; i++)
                if (th->port[i].port == port && th->port[i].plen == plen && ipaddr_eq(th->port[i].net, net))
                        return i;
        return -1;
}

int through_intercept(struct through *th, u16 port, ipaddr net, u8 plen)
{
        if (find(th, port, net, plen) >= 0)
                return E_EXIST;
        for (u32 i = 0; i < THROUGH_PORTS; i++) {
                if (th->port[i].port)
                        continue;
                th->port[i].port = port;
                th->port[i].net = net;
                th->port[i].plen = plen;
                th->n_ports++;
                return 0;
        }
        return E_NOMEM;
}

int through_leave(struct through *th, u16 port, ipaddr net, u8 plen)
{
        int i = find(th, port, net, plen);
        if (i < 0)
                return E_NOENT;
        th->port[i].port = 0;
        th->n_ports--;
        return 0;
}

bool through_any(const struct through *th) { return th->n_ports != 0; }

void through_walk(const struct through *th, void (*fn)(void *ctx, u16 port, ipaddr net, u8 plen), void *ctx)
{
        for (u32 i = 0; i < THROUGH_PORTS; i++)
                if (th->port[i].port)
                        fn(ctx, th->port[i].port, th->port[i].net, th->port[i].plen);
}

void through_counters(const struct through *th, struct through_counters *out)
{
        *out = th->count;
        out->passages = th->passages.n_used;
}

void through_passages(const struct through *th, bool (*fn)(void *ctx, const struct through_passage *p), void *ctx)
{
        u32 now = stack_now_ms(th->st);
        for (u32 i = 0; i < th->passages.n && th->passages.n_used; i++) {
                const struct passage *e = passage_at(th, i);
                struct through_passage p = {.client = {be32_from_raw(e->raddr)},
                                            .target = {be32_from_raw(e->laddr)},
                                            .client_port = (u16)__builtin_bswap16((u16)e->ports),
                                            .target_port = (u16)__builtin_bswap16((u16)(e->ports >> 16)),
                                            .state = e->state == PASSAGE_OPENING ? "opening" : e->ends ? "closing" : "open",
                                            .idle_s = e->state == PASSAGE_OPENING ? 0 : (now - e->seen_ms) / 1000};
                if (e->state != PASSAGE_FREE && !fn(ctx, &p))
                        return;
        }
}

/* Neither timestamps nor ECN for a target that refused them once; conversations and early data are each machine's own affair. */
void through_offers(const struct through *th, struct synq *q)
{
        if (ip_is_ours(th->st, (ipaddr){be32_from_raw(q->laddr)}))
                return;
        q->foreign = true;
        q->tfo_ask = false;
        for (u32 i = 0; i < PLAIN_TARGETS; i++)
                if (th->plain[i] == q->laddr)
                        q->ts_ok = q->ecn_ok = false;
}

static bool wanted(const struct through *th, ipaddr dst, u16 port)
{
        for (u32 i = 0; i < THROUGH_PORTS; i++)
                if (th->port[i].port == port && port && ipaddr_same_net(th->port[i].net, dst, th->port[i].plen))
                        return listener_find(th->ts, dst, port) != NULL;
        return false;
}

/* Of a connection that this machine holds under somebody else's name, or about to become one. */
static bool held(struct through *th, const struct ip_hdr *ip, const struct tcp_hdr *h)
{
        struct tcp_state *ts = th->ts;
        u32 raddr = be32_raw(ip->src.v4), laddr = be32_raw(ip->dst.v4), ports = *(const u32_any *)h;
        if (tcp_lookup(ts, raddr, laddr, ports) || synq_find(ts, raddr, laddr, ports))
                return true;
        if (!th->n_ports || !wanted(th, ip->dst, be16_get(h->dst)))
                return false;
        if ((h->flags & (TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN)) == TCP_SYN) {
                th->count.taken++;
                return true;
        }
        bool cookie = ts->cookies_out && (h->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_ACK;
        return cookie || timewait_find(ts, raddr, laddr, ports);
}

/* A new connection under the names of one that has ended. */
static bool reused(const struct passage *e, const struct tcp_hdr *h, bool from_client)
{
        return from_client && e->state == PASSAGE_OPEN && passage_over(e) &&
               (h->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

static bool passing_tcp(struct through *th, struct pkt *p, const struct ip_hdr *ip)
{
        const struct tcp_hdr *h = (const struct tcp_hdr *)(p->data + ip_hlen(ip));
        bool from_client = false;
        if (p->len < ip_hlen(ip) + sizeof *h || h->off < 0x50 || p->len < ip_hlen(ip) + (u32)(h->off >> 4 << 2)) {
                pkt_drop(p, DROP_THROUGH_SHORT);
                return true;
        }
        struct passage *e = passage_find(th, be32_raw(ip->src.v4), be32_raw(ip->dst.v4), *(const u32_any *)h, &from_client);
        if (e && reused(e, h, from_client)) {
                passage_del(th, e);
                e = NULL;
        }
        if (e && e->state == PASSAGE_OPENING) {
                opening_rx(th, e, p, from_client);
                return true;
        }
        if (e) {
                passage_send(th, e, p, from_client);
                return true;
        }
        if (!held(th, ip, h))
                return false;
        pkt_pull(p, ip_hlen(ip));
        ip_deliver(th->st, p, ip);
        return true;
}

/* An error that quotes a passage's packet says it in the numbers of who sent that. */
static void restore(const struct passage *e, struct icmp_hdr *icmp, u8 *l4)
{
        u32 old, new;
        memcpy(&old, l4 + 4, 4);
        new = be(be(old) - e->seq);
        memcpy(l4 + 4, &new, 4);
        icmp->cksum = be16_from_raw((u16)~cksum_fold(cksum_plus((u16)~be16_raw(icmp->cksum), cksum_plus(~old, new))));
}

static bool passing_icmp(struct through *th, struct pkt *p, const struct ip_hdr *ip)
{
        struct icmp_hdr *icmp = (struct icmp_hdr *)(p->data + ip_hlen(ip));
        struct ip_hdr *q = (struct ip_hdr *)(icmp + 1);
        u32 have = p->len - ip_hlen(ip);
        if (have < sizeof *icmp + sizeof *q || !icmp_is_error(icmp->type) || q->vhl >> 4 != 4 || ip_hlen(q) < IP_HLEN ||
            have < sizeof *icmp + ip_hlen(q) + 8 || q->proto != IPPROTO_TCP_ || be16_get(q->frag) & IP_OFFSET)
                return false;
        u8 *l4 = (u8 *)q + ip_hlen(q);
        u32 src = be32_raw(q->src.v4), dst = be32_raw(q->dst.v4), ports = *(const u32_any *)l4;
        bool from_client = false;
        struct passage *e = passage_find(th, src, dst, ports, &from_client);
        if (e && e->state == PASSAGE_OPEN) {
                if (!from_client)
                        restore(e, icmp, l4);
                return false;
        }
        if (!tcp_lookup(th->ts, dst, src, ports << 16 | ports >> 16))
                return false;
        /* about a connection that is ours under another name; the sum was not looked at so far */
        u16 mtu = icmp->type == ICMP_UNREACH && icmp->code == ICMP_FRAG_NEEDED ? be16_get(icmp->seq) : 0;
        if (!p->chain && cksum_fold(cksum_add(0, icmp, have)) == 0xffff)
                ip_error(th->st, icmp->type, icmp->code, mtu, q, l4);
        pkt_drop(p, DROP_THROUGH_ICMP);
        return true;
}

bool through_passing(void *ctx, struct pkt *p, struct ip_hdr *ip)
{
        struct through *th = ctx;
        if (ip->proto == IPPROTO_TCP_)
                return passing_tcp(th, p, ip);
        return ip->proto == IPPROTO_ICMP_ && !(be16_get(ip->frag) & (IP_MF | IP_OFFSET)) && passing_icmp(th, p, ip);
}
