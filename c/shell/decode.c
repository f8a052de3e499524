/* decode.c - a frame as one readable line. Reads at most what is there; what is cut short is shown as far as it goes.
 * SPDX-License-Identifier: MIT */
#include "commands.h"
#include "fmt.h"
#include "icmp.h"
#include "ip.h"

/* The line as it grows. */
struct text { char *at; u32 n, size; };

static void add(struct text *t, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        int n = fmt_v(t->at + t->n, t->size - t->n, format, ap);
        va_end(ap);
        t->n = min_u32(t->n + (u32)n, t->size - 1);
}

static u32 get16(const u8 *p) { return (u32)p[0] << 8 | p[1]; }
static u32 get32(const u8 *p) { return get16(p) << 16 | get16(p + 2); }

static void decode_arp(const u8 *p, u32 n, struct decoded *d, struct text *t)
{
        ipaddr sender, target;

        if (n < 28 || get16(p + 2) != 0x0800) {
                add(t, "ARP, %u bytes", n);
                return;
        }
        __builtin_memcpy(&sender, p + 14, 4);
        __builtin_memcpy(&target, p + 24, 4);
        d->src = sender;
        d->dst = target;
        d->ip = true;
        switch (get16(p + 6)) {
        case 1:
                if (ipaddr_eq(sender, target))
                        add(t, "ARP %I announces %M", &sender, p + 8);
                else
                        add(t, "ARP who has %I? tell %I", &target, &sender);
                break;
        case 2: add(t, "ARP %I is at %M", &sender, p + 8); break;
        default: add(t, "ARP operation %u from %I", get16(p + 6), &sender);
        }
}

/* "[S.]" in tcpdump's letters, then sequence numbers, window and options. */
static void decode_tcp(const u8 *p, u32 n, u32 total, struct text *t)
{
        static const char letter[] = "FSRP.UEW";
        u32 header = (u32)(p[12] >> 4) * 4;

        add(t, " [");
        for (u32 i = 0; i < 8; i++)
                if (p[13] & 1u << i)
                        add(t, "%c", letter[i]);
        add(t, "] seq %u", get32(p + 4));
        if (p[13] & 0x10)
                add(t, " ack %u", get32(p + 8));
        add(t, " win %u", get16(p + 14));
        if (header < 20 || header > total) {
                add(t, " bad header length %u", header);
                return;
        }
        for (u32 i = 20; i < header && i < n;) {
                u32 kind = p[i], len = i + 1 < n ? p[i + 1] : 0;

                if (kind == 0)
                        break;
                if (kind == 1) {
                        i++;
                        continue;
                }
                if (len < 2 || i + len > min_u32(header, n))
                        break;
                switch (kind) {
                case 2: if (len == 4) add(t, " mss %u", get16(p + i + 2)); break;
                case 3: if (len == 3) add(t, " wscale %u", p[i + 2]); break;
                case 4: add(t, " sackOK"); break;
                case 5:
                        for (u32 b = 2; b + 8 <= len; b += 8)
                                add(t, " sack %u-%u", get32(p + i + b), get32(p + i + b + 4));
                        break;
                case 8: if (len == 10) add(t, " ts %u/%u", get32(p + i + 2), get32(p + i + 6)); break;
                default: add(t, " option %u", kind);
                }
                i += len;
        }
        if (total > header)
                add(t, " data %u", total - header);
}

static void decode_icmp(const u8 *p, u32 n, u32 total, struct text *t)
{
        if (n < 8) {
                add(t, " short");
                return;
        }
        switch (p[0]) {
        case ICMP_ECHO: case ICMP_ECHO_REPLY:
                add(t, " echo %s id %u seq %u data %u", p[0] ? "request" : "reply", get16(p + 4), get16(p + 6), total - 8); break;
        case ICMP_UNREACH:
                add(t, " unreachable code %u", p[1]);
                if (p[1] == ICMP_FRAG_NEEDED)
                        add(t, " mtu %u", get16(p + 6));
                break;
        case ICMP_TIME_EXCEEDED: add(t, " time exceeded"); break;
        default: add(t, " type %u code %u", p[0], p[1]);
        }
}

static const char *udp_name(u32 a, u32 b)
{
        u32 port = a < b ? a : b;

        return port == 53 ? " DNS" : port == 67 || port == 68 ? " DHCP" : port == 123 ? " NTP" : "";
}

static void decode_ip(const u8 *p, u32 n, u32 total, struct decoded *d, struct text *t)
{
        u32 hlen = n ? (p[0] & 15u) * 4 : 0, frag;

        if (n < 20 || p[0] >> 4 != 4 || hlen < 20 || hlen > n) {
                add(t, "IP header is broken or cut, %u bytes", total);
                return;
        }
        __builtin_memcpy(&d->src, p + 12, 4);
        __builtin_memcpy(&d->dst, p + 16, 4);
        d->ip = true;
        d->proto = p[9];
        frag = get16(p + 6);
        total = min_u32(total, get16(p + 2)); /* without Ethernet padding */
        if (total < hlen)
                total = hlen;
        const u8 *l4 = p + hlen;
        u32 n4 = n - hlen, total4 = total - hlen;
        bool first = (frag & IP_OFFSET) == 0;

        if (first && n4 >= 8 && (d->proto == IPPROTO_TCP_ || d->proto == IPPROTO_UDP_)) {
                d->ports = true;
                d->sport = (u16)get16(l4);
                d->dport = (u16)get16(l4 + 2);
        }
        if (d->ports)
                add(t, "%I:%u > %I:%u", &d->src, d->sport, &d->dst, d->dport);
        else
                add(t, "%I > %I", &d->src, &d->dst);
        switch (first ? d->proto : 255) {
        case IPPROTO_TCP_:
                add(t, " TCP");
                if (n4 >= 20)
                        decode_tcp(l4, n4, total4, t);
                break;
        case IPPROTO_UDP_:
                add(t, " UDP data %u", total4 >= 8 ? total4 - 8 : 0);
                if (d->ports)
                        add(t, "%s", udp_name(d->sport, d->dport));
                break;
        case IPPROTO_ICMP_: add(t, " ICMP"); decode_icmp(l4, n4, total4, t); break;
        case IPPROTO_IGMP_: add(t, " IGMP type 0x%02x", n4 ? l4[0] : 0); break;
        case 255: add(t, " protocol %u", d->proto); break;
        default: add(t, " protocol %u data %u", d->proto, total4);
        }
        if (frag & (IP_MF | IP_OFFSET))
                add(t, " fragment %u at %u%s", get16(p + 4), (frag & IP_OFFSET) * 8, frag & IP_MF ? "+" : "");
}

u32 decode_frame(const u8 *f, u32 n, u32 total, bool link_header, struct decoded *d, char *line, u32 size)
{
        struct text t = {line, 0, size};
        u32 type = 0x0800, off = 0;

        *d = (struct decoded){.ip = false};
        line[0] = 0;
        if (link_header) {
                if (n < 14) {
                        add(&t, "frame of %u bytes", total);
                        return t.n;
                }
                type = get16(f + 12);
                off = 14;
                if (type == 0x8100 && n >= 18) {
                        add(&t, "vlan %u ", get16(f + 14) & 0xfff);
                        type = get16(f + 16);
                        off = 18;
                }
        }
        switch (type) {
        case 0x0800: decode_ip(f + off, n - off, total - off, d, &t); break;
        case 0x0806: decode_arp(f + off, n - off, d, &t); break;
        default: add(&t, "%M > %M type 0x%04x, %u bytes", f + 6, f, type, total);
        }
        return t.n;
}
