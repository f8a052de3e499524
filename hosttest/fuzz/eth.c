/* eth.c (fuzz) - frames from the wire into a whole stack: ARP, IP, fragments, ICMP, IGMP, UDP, TCP without listeners.
 * An input is a row of records: what to mend (FIX_ bits), seconds to pass, length (two bytes), frame. At the end every
 * packet buffer must be back. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include "cksum.h"
#include "eth.h"
#include "igmp.h"
#include "udp.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIX_DST = 1, FIX_SUM = 2, FIX_ADDRS = 4, FIX_LENGTH = 8, TRANSPORT_OK = 16 };

static void echo(struct udp_sock *us, struct pkt *p, const struct udp_from *from)
{
        udp_send(us, p, IPADDR_ANY, from->src, from->sport, NULL);
}

static void raw(struct netif *nif, struct pkt *p, const struct eth_hdr *eth, void *user) { pkt_free(p); }

/* Makes the frame pass the checks that blind changes seldom do. */
static void mend(u8 *f, u32 n, u8 fix)
{
        u8 *ip = f + 14;
        if (n >= 14 && fix & FIX_DST)
                memcpy(f, wire_mac_us.b, 6);
        if (n < 34 || f[12] != 8 || f[13] != 0)
                return;
        if (fix & FIX_ADDRS) {
                ipaddr src = WIRE_PEER, dst = WIRE_US;
                memcpy(ip + 12, &src, 4);
                memcpy(ip + 16, &dst, 4);
        }
        if (fix & FIX_LENGTH) {
                be16 len = be16_of((u16)(n - 14));
                memcpy(ip + 2, &len, 2);
        }
        u32 hlen = (ip[0] & 15u) * 4;
        if (!(fix & FIX_SUM) || hlen < 20 || 14 + hlen > n)
                return;
        memset(ip + 10, 0, 2);
        u16 sum = (u16)~cksum_fold(cksum_add(0, ip, hlen));
        memcpy(ip + 10, &sum, 2);
        if (ip[9] == IPPROTO_IGMP_ && n >= 14 + hlen + 4) {
                memset(ip + hlen + 2, 0, 2);
                sum = (u16)~cksum_fold(cksum_add(0, ip + hlen, n - 14 - hlen));
                memcpy(ip + hlen + 2, &sum, 2);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct stack_config cfg = {.n_pkts = 48, .n_tcbs = 4, .n_listeners = 2, .n_synq = 4, .n_timewait = 4, .n_arp = 8, .n_reass = 3};
        struct wire *w = wire_new(&cfg, 0);
        udp_open(w->st, IPADDR_ANY, 7, echo, NULL);
        igmp_join(&w->nif, IPADDR(239, 1, 2, 3));
        eth_handler(w->st, 0x88b5, raw, NULL);
        netif_addr_add(&w->nif, IPADDR(10, 0, 0, 80), 24, IFADDR_STATIC, true);
        for (u32 records = 0; size >= 4 && records < 64; records++) {
                u8 fix = data[0], f[1600];
                u32 n = min_u32(min_u32((u32)data[2] << 8 | data[3], sizeof f - 80), (u32)size - 4);
                u32 wait_s = data[1] & 63;
                memcpy(f, data + 4, n);
                data += 4 + n;
                size -= 4 + n;
                mend(f, n, fix);
                struct pkt *p = pkt_alloc(&w->st->pkts, 2);
                if (p) {
                        pkt_append(p, f, n);
                        if (fix & TRANSPORT_OK)
                                p->flags |= PKT_CSUM_OK;
                        netif_rx(&w->nif, p);
                }
                wire_batch_end(w);
                wire_flush_out(w);
                if (wait_s)
                        wire_wait(w, wait_s * 1000);
                wire_flush_out(w);
        }
        wire_wait(w, 120000); /* reassembly and resolution end, whatever came */
        wire_free(w);
        return 0;
}
