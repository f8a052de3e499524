/* nic.c - what card drivers share: names, how many receive buffers, pieces of a packet, the multicast hash.
 * Not here: any device. SPDX-License-Identifier: MIT */
#include "driver.h"

bool nic_add(struct stack *st, struct nic *n, bool link)
{
        if (st->n_nifs == STACK_NIFS)
                return false;
        u32 eth = 0;
        for (u32 i = 0; i < st->n_nifs; i++)
                eth += st->nif[i]->name[0] == 'e';
        __builtin_memcpy(n->nif.name, "eth0", 5);
        n->nif.name[3] = (char)('0' + eth);
        if (!netif_add(st, &n->nif, link))
                return false;
        nic_register(n);
        stack_log(st, "%s: %s %M%s%s", n->nif.name, n->nif.driver, &n->nif.mac, link ? "" : ", no link",
                  n->polled ? ", polled" : "");
        return true;
}

u32 nic_rx_quota(const struct stack *st, u32 ring)
{
        u32 want = max_u32(st->pkts.n_quarter, 4);
        return min_u32(min_u32(want, 128), ring);
}

u32 nic_pieces(const struct pkt *p, struct piece *out, u32 max)
{
        u32 n = 0;
        for (; p; p = p->chain) {
                if (p->len) {
                        if (n == max)
                                return max + 1;
                        out[n++] = (struct piece){p->data, p->len};
                }
                for (u32 i = 0; i < p->nfrag; i++) {
                        if (!p->frag[i].len)
                                continue;
                        if (n == max)
                                return max + 1;
                        out[n++] = (struct piece){p->frag[i].ptr, p->frag[i].len};
                }
        }
        return n;
}

/* IEEE 802.3 3.2.9; six bytes, so bit by bit is good enough */
u32 nic_mac_crc(macaddr mac)
{
        u32 crc = 0xffffffffu;
        for (u32 i = 0; i < 6; i++) {
                crc ^= mac.b[i];
                for (u32 bit = 0; bit < 8; bit++)
                        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
        }
        return crc;
}

u32 nic_mac_hash(macaddr mac)
{
        u32 crc = nic_mac_crc(mac), hash = 0;
        for (u32 bit = 0; bit < 6; bit++)
                hash = hash << 1 | (crc >> bit & 1);
        return hash;
}
