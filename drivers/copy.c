/* copy.c - one copy each way for cards that cannot gather or scatter, with the checksum taken on the way.
 * Not here: pieces for cards that can (nic.c). SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "driver.h"
#include "mem.h"

/* A copy in progress: `done` bytes are at dst; those from `start` on are in `sum`. */
struct gather { u8 *dst; u32 done, start, sum; };

/* Bytes in front of csum_start are only copied; the rest is summed, in place where the piece begins at an odd offset. */
static void gather_piece(struct gather *g, const u8 *src, u32 n)
{
        if (g->done < g->start) {
                u32 plain = min_u32(n, g->start - g->done);
                memcpy(g->dst + g->done, src, plain);
                g->done += plain;
                src += plain;
                n -= plain;
        }
        if (!n)
                return;
        u32 s = cksum_copy(g->dst + g->done, src, n, 0);
        g->sum = cksum_plus(g->sum, (g->done - g->start) & 1 ? cksum_odd(s) : s);
        g->done += n;
}

u32 nic_gather(u8 *dst, u32 max, const struct pkt *p)
{
        struct piece piece[NIC_PIECES];
        u32 n = nic_pieces(p, piece, NIC_PIECES), total = 0;
        if (n > NIC_PIECES)
                return 0;
        for (u32 i = 0; i < n; i++)
                total += piece[i].len;
        if (total > max || total < ETH_HEADER)
                return 0;
        bool todo = p->flags & PKT_CSUM_TODO;
        if (todo && (u32)p->csum_start + p->csum_off + 2 > total)
                return 0;
        struct gather g = {dst, 0, todo ? p->csum_start : total, 0};
        for (u32 i = 0; i < n; i++)
                gather_piece(&g, piece[i].ptr, piece[i].len);
        if (todo) {
                u16 field = (u16)~cksum_fold(g.sum);
                /* RFC 768: a computed zero is sent as all ones; for TCP both mean the same */
                if (!field)
                        field = 0xffff;
                memcpy(dst + p->csum_start + p->csum_off, &field, 2);
        }
        if (total < ETH_MIN) {
                memset(dst + total, 0, ETH_MIN - total);
                total = ETH_MIN;
        }
        return total;
}

/* The frame's IPv4 header begins at ip, and everything from there on sums to `sum`. A right header sums to 0xffff, which
 * counts as nothing, so the whole plus the pseudo-header is the transport's sum (RFC 793 3.1, RFC 768). */
static bool sum_proves(const u8 *ip, u32 len, u32 sum)
{
        u32 total = (u32)ip[2] << 8 | ip[3], proto = ip[9];
        if (ip[0] != 0x45 || total != len || len < 28 || (ip[6] & 0x3f) || ip[7])
                return false;   /* options, padding, fragments: rare enough to be summed later */
        if (proto == 17 && !ip[26] && !ip[27])
                return true;    /* UDP without a checksum */
        if ((proto != 6 && proto != 17) || cksum_fold(cksum_add(0, ip, 20)) != 0xffff)
                return false;
        be16 pseudo[2] = {be16_of((u16)proto), be16_of((u16)(len - 20))};
        sum = cksum_add(sum, ip + 12, 8);
        sum = cksum_add(sum, pseudo, 4);
        return cksum_fold(sum) == 0xffff;
}

struct pkt *nic_rx_copy(struct nic *n, const u8 *src, u32 first, const u8 *rest, u32 len)
{
        struct pkt *p = pkt_alloc(&n->nif.st->pkts, NIC_RX_AT);
        if (!p) {
                n->nif.count.rx_dropped++;
                return NULL;
        }
        p->len = (u16)len;
        first = min_u32(first, len);
        u32 head = min_u32(first, ETH_HEADER);
        memcpy(p->data, src, head);
        if (first < len && first < ETH_HEADER) { /* wraps inside the link header: the rest is contiguous */
                memcpy(p->data + first, rest, ETH_HEADER - first);
                rest += ETH_HEADER - first;
                first = ETH_HEADER;
        }
        u32 sum = 0;
        if (first > ETH_HEADER)
                sum = cksum_copy(p->data + ETH_HEADER, src + head, first - ETH_HEADER, 0);
        if (first < len) {
                u32 s = cksum_copy(p->data + first, rest, len - first, 0);
                sum = cksum_plus(sum, first & 1 ? cksum_odd(s) : s);
        }
        if (len >= ETH_HEADER + 28 && p->data[12] == 8 && p->data[13] == 0 && sum_proves(p->data + ETH_HEADER, len - ETH_HEADER, sum))
                p->flags |= PKT_CSUM_OK;
        return p;
}
