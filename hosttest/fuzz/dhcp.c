/* dhcp.c (fuzz) - messages of a DHCP server in every phase of the client, with conflicts between them.
 * An input is a row of records: what to mend, seconds to pass, length (two bytes), message.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include "dhcp.h"
#include "dns.h"
#include "frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEEP_HEAD = 1, CONFLICT = 2, CABLE = 4, RENEW = 8 };

static u8 xid[4];

/* Notes the xid of what the client said last. */
static void drain(struct wire *w)
{
        const u8 *m;
        u32 n;
        for (const struct frame *out; (out = wire_tx(w));) {
                const struct udp_hdr *h = frame_udp(out, &m, &n);
                if (h && be16_get(h->dport) == 67)
                        memcpy(xid, m + 4, 4);
        }
}

static void server_says(struct wire *w, const u8 *msg, u32 n, bool keep_head)
{
        u8 m[1400], f[1600];
        memcpy(m, msg, n);
        if (!keep_head && n >= 240) {
                memcpy(m, "\x02\x01\x06", 3);
                memcpy(m + 4, xid, 4);
                memcpy(m + 28, wire_mac_us.b, 6);
                memcpy(m + 236, "\x63\x82\x53\x63", 4);
        }
        wire_rx(w, f, build_udp(w, f, WIRE_PEER, 67, IPADDR_BCAST, 68, m, n));
}

static void events(struct wire *w, u8 what)
{
        static const macaddr thief = {{2, 0, 0, 0, 0, 0xee}}, none;
        ipaddr own = netif_addr_first(&w->nif);
        u8 f[64];
        if (what & CONFLICT && !ipaddr_is_any(own))
                wire_rx(w, f, build_arp(f, MAC_BCAST, ARP_REQUEST, thief, own, none, own));
        if (what & CABLE)
                netif_link(&w->nif, !w->nif.link);
        if (what & RENEW)
                dhcp_renew(&w->nif);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct stack_config cfg = {.n_pkts = 48, .n_tcbs = 4, .n_listeners = 2, .n_synq = 4, .n_timewait = 4, .n_arp = 8};
        struct wire *w = wire_new_bare(&cfg, 0);
        struct dhcp_info info;
        ipaddr dns[DNS_SERVERS];
        dhcp_start(&w->nif, "fuzz");
        for (u32 records = 0; size >= 4 && records < 32; records++) {
                u8 what = data[0];
                u32 wait_s = data[1], n = min_u32(min_u32((u32)data[2] << 8 | data[3], 1300), (u32)size - 4);
                drain(w);
                server_says(w, data + 4, n, what & KEEP_HEAD);
                data += 4 + n;
                size -= 4 + n;
                events(w, what);
                wire_wait(w, wait_s * 500);
                /* nobody who has no lease has its address, routes or servers */
                dhcp_status(&w->nif, &info);
                if (info.phase == DHCP_SELECTING && (!ipaddr_is_any(netif_addr_first(&w->nif)) || dns_servers(w->st, dns)))
                        abort();
        }
        drain(w);
        dhcp_stop(&w->nif);
        if (!ipaddr_is_any(netif_addr_first(&w->nif)))
                abort();
        wire_wait(w, 120000);
        wire_free(w);
        return 0;
}
