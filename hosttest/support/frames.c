/* frames.c - test support: frames below TCP.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cksum.h"
#include "frames.h"

static void want(bool ok, const char *what)
{
        if (ok)
                return;
        fprintf(stderr, "frames: %s\n", what);
        abort();
}

u32 build_arp(u8 *f, macaddr to, u16 op, macaddr sha, ipaddr spa, macaddr tha, ipaddr tpa)
{
        struct arp_hdr a = {be16_of(1), be16_of(0x0800), 6, 4, be16_of(op), sha, spa, tha, tpa};
        u32 n = build_eth(f, to, sha, 0x0806);
        memcpy(f + n, &a, sizeof a);
        return n + sizeof a;
}

u32 build_ipv4(u8 *f, ipaddr src, ipaddr dst, u8 proto, const void *data, u32 n)
{
        u32 l2 = build_eth(f, wire_mac_us, wire_mac_peer, 0x0800);
        if (n)
                memcpy(f + l2 + 20, data, n);
        build_ip(f + l2, src, dst, proto, n);
        return l2 + 20 + n;
}

u32 build_icmp(u8 *f, ipaddr src, ipaddr dst, u8 type, u8 code, u16 id, u16 seq, const void *data, u32 n)
{
        u8 msg[FRAMES_MAX];
        struct icmp_hdr h = {type, code, be16_of(0), be16_of(id), be16_of(seq)};
        memcpy(msg + sizeof h, data, n);
        memcpy(msg, &h, sizeof h);
        h.cksum = be16_from_raw((u16)~cksum_fold(cksum_add(0, msg, (u32)sizeof h + n)));
        memcpy(msg, &h, sizeof h);
        return build_ipv4(f, src, dst, IPPROTO_ICMP_, msg, (u32)sizeof h + n);
}

void resum(u8 *ip)
{
        u16 sum = 0;
        memcpy(ip + 10, &sum, 2);
        sum = (u16)~cksum_fold(cksum_add(0, ip, (ip[0] & 15u) * 4));
        memcpy(ip + 10, &sum, 2);
}

const struct arp_hdr *frame_arp(const struct frame *f)
{
        return f && f->n >= 42 && be16_get(frame_eth(f)->type) == 0x0806 ? (const struct arp_hdr *)(f->b + 14) : NULL;
}

const struct ip_hdr *frame_ip(const struct frame *f, u8 proto)
{
        if (!f || f->n < 34 || be16_get(frame_eth(f)->type) != 0x0800)
                return NULL;
        const struct ip_hdr *ip = (const struct ip_hdr *)(f->b + 14);
        want(cksum_fold(cksum_add(0, ip, (ip->vhl & 15u) * 4)) == 0xffff, "IP checksum wrong in a frame of ours");
        want(be16_get(ip->len) == f->n - 14, "IP length wrong in a frame of ours");
        return ip->proto == proto ? ip : NULL;
}

const struct icmp_hdr *frame_icmp(const struct frame *f)
{
        const struct ip_hdr *ip = frame_ip(f, IPPROTO_ICMP_);
        if (!ip)
                return NULL;
        want(cksum_fold(cksum_add(0, ip + 1, f->n - 34)) == 0xffff, "ICMP checksum wrong in a frame of ours");
        return (const struct icmp_hdr *)(ip + 1);
}

const struct udp_hdr *frame_udp(const struct frame *f, const u8 **data, u32 *n)
{
        const struct ip_hdr *ip = frame_ip(f, IPPROTO_UDP_);
        if (!ip)
                return NULL;
        const struct udp_hdr *h = (const struct udp_hdr *)(ip + 1);
        u16 len = be16_get(h->len);
        want(len == f->n - 34, "UDP length wrong in a frame of ours");
        want(cksum_fold(cksum_add(ip_pseudo_sum(ip->src, ip->dst, IPPROTO_UDP_, len), h, len)) == 0xffff, "UDP checksum wrong");
        *data = (const u8 *)(h + 1);
        *n = len - 8u;
        return h;
}
