/* tunnel.h - the LAN of lan.h with a router between front and node: what it forwards, what it says in ICMP.
 * SPDX-License-Identifier: MIT */
#ifndef TUNNEL_LAN_H
#define TUNNEL_LAN_H

#include "lan.h"
#include "drop.h"
#include "icmp.h"
#include "route.h"

static const macaddr router_mac = {{2, 0, 0, 0, 0, 0xfe}};
static u32 router_mtu, reply_mtu, outer_seen, too_long, fragments, quote_max;
static struct { struct ip_hdr outer, inner; } last;

static inline int machine_at(ipaddr a)
{
        if (ipaddr_eq(a, (ipaddr){SERVICE.v4}))
                return FRONT;
        for (int i = 0; i < MACHINES; i++)
                if (ipaddr_eq(a, lan_addr[i]))
                        return i;
        return -1;
}

/* An IP packet to a machine, from the router. */
static inline void to_machine(int to, const u8 *ip, u32 n)
{
        u8 f[2048];
        memcpy(f, L.m[to]->nif.mac.b, 6);
        memcpy(f + 6, router_mac.b, 6);
        f[12] = 8, f[13] = 0;
        memcpy(f + 14, ip, n);
        wire_rx(L.m[to], f, n + 14);
}

/* ICMP about `ip`, whose bytes go with it as far as quote_max allows. */
static inline u32 icmp_about(u8 *out, ipaddr from, const struct ip_hdr *ip, u8 type, u8 code, u16 mtu)
{
        u32 n = min_u32(be16_get(ip->len), quote_max);
        u8 *c = out + 20;
        memset(c, 0, 8);
        c[0] = type, c[1] = code, c[6] = (u8)(mtu >> 8), c[7] = (u8)mtu;
        memcpy(c + 8, ip, n);
        u16 sum = (u16)~cksum_fold(cksum_add(0, c, n + 8));
        memcpy(c + 2, &sum, 2);
        build_ip(out, from, ip->src, 1, n + 8);
        return n + 28;
}

static inline void router(int from, struct frame *f)
{
        struct ip_hdr *ip = (struct ip_hdr *)(f->b + 14);
        if (memcmp(f->b, router_mac.b, 6) || f->b[12] != 8 || f->b[13])
                return;
        u32 n = be16_get(ip->len);
        int to = machine_at(ip->dst);
        f->n = 0;
        if (be16_get(ip->frag) & 0x3fff)
                fragments++;
        if (ip->proto == IPPROTO_IPIP_) {
                outer_seen++;
                memcpy(&last.outer, ip, 20);
                memcpy(&last.inner, ip + 1, 20);
        }
        u32 mtu = from == NODE1 ? reply_mtu : router_mtu;
        if (n > mtu && be16_get(ip->frag) & IP_DF) {
                u8 e[700];
                too_long++;
                u32 len = icmp_about(e, (ipaddr){IPADDR(10, 0, 0, 254).v4}, ip, ICMP_UNREACH, ICMP_FRAG_NEEDED, (u16)mtu);
                to_machine(machine_at(ip->src), e, len);
                return;
        }
        ip->ttl--;
        ip_set_cksum(ip);
        if (to >= 0 && !L.dead[to] && !(L.lose && L.lose(from, to, f, L.n_frames++)))
                to_machine(to, (u8 *)ip, n);
}

static inline void begin(u32 mtu)
{
        lan_addr[NODE1] = (ipaddr){IPADDR(10, 0, 1, 3).v4};
        lan_begin();
        router_mtu = mtu;
        reply_mtu = 1500;
        quote_max = 548;
        outer_seen = too_long = fragments = 0;
        L.beyond = router;
        for (int i = 0; i < MACHINES; i++) {
                ipaddr gw = i == NODE1 ? (ipaddr){IPADDR(10, 0, 1, 254).v4} : (ipaddr){IPADDR(10, 0, 0, 254).v4};
                arp_set(&L.m[i]->nif, gw, router_mac);
                assert_int_equal(route_add(L.m[i]->st, IPADDR_ANY, 0, gw, NULL, IFADDR_STATIC), 0);
        }
}

static inline void finish(void)
{
        lan_run(100000);
        lan_end();
}

static inline struct tcb *at_node(int i)
{
        struct tcp_state *ts = L.m[i]->st->tcp;
        return tcp_lookup(ts, be32_raw(lan_addr[CLIENT].v4), be32_raw(SERVICE.v4), L.client->ports << 16 | L.client->ports >> 16);
}

#endif
