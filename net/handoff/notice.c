/* notice.c - what nodes say about flows, from port 144 to port 144, many entries to a segment. A lost notice costs nothing but
 * time: entries age by themselves, and a packet for a connection that is not there draws UNKNOWN.
 *
 *   REFRESH  it lives here             UNKNOWN  somebody sends me packets of this; whose is it?
 *   GONE     it ended here             PROBE    I have it as yours under this nonce: answered by REFRESH or GONE
 *
 * REFRESH, GONE and PROBE name the front's fresh number of that handoff, so an old one says nothing about a new connection.
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

void notice_flush(struct handoff *h)
{
        u32 n = h->notice.n;
        ipaddr node = h->node[h->notice.node], own;
        h->notice.n = 0;
        struct pkt *p = n && h->n_keys && handoff_own(h, node, &own) ? pkt_alloc(&h->st->pkts, PKT_HEADROOM) : NULL;
        if (!p)
                return;
        h->notice.b[0] = h->notice.what;
        h->notice.b[1] = (u8)n;
        pkt_append(p, h->notice.b, NOTICE_HEAD + n * NOTICE_ENTRY);
        u32 port = __builtin_bswap16(HANDOFF_PORT);
        struct ctl c = {.scope = {.kind = CTL_NOTICE,
                                  .flags = TCP_ACK | TCP_PSH,
                                  .src = own,
                                  .dst = node,
                                  .ports = port | port << 16,
                                  .seq = stack_random(h->st)},
                        .key = h->node_key[h->notice.node]};
        ctl_send(h, &c, p);
}

/* As many entries as one segment takes on its way to the node. */
static u32 most(struct handoff *h, u8 node)
{
        return min_u32(NOTICE_MAX, (node_mtu(h, h->node[node], 1500) - CTL_OVERHEAD - NOTICE_HEAD) / NOTICE_ENTRY);
}

void notice_add(struct handoff *h, u8 node, enum notice what, u32 raddr, u32 laddr, u32 ports, const u8 *nonce)
{
        if (h->notice.n && (h->notice.node != node || h->notice.what != what || h->notice.n >= most(h, node)))
                notice_flush(h);
        h->notice.node = node;
        h->notice.what = (u8)what;
        u8 *e = h->notice.b + NOTICE_HEAD + NOTICE_ENTRY * h->notice.n++;
        memcpy(e, nonce, HANDOFF_NONCE);
        memcpy(e + 8, &raddr, 4);
        memcpy(e + 12, &laddr, 4);
        memcpy(e + 16, &ports, 4);
        timer_set(&h->st->wheel, &h->notice_timer, stack_now_ms(h->st) + 1);
}

static void entry(struct handoff *h, u8 node, u8 what, const u8 *e)
{
        u32 raddr, laddr, ports;
        memcpy(&raddr, e + 8, 4);
        memcpy(&laddr, e + 12, 4);
        memcpy(&ports, e + 16, 4);
        struct flow *f = flow_find(&h->flows, raddr, laddr, ports);
        if (what == NOTICE_PROBE) {
                const struct owned *o = owned_find(h, raddr, laddr, ports);
                bool mine = (o && !memcmp(o->nonce, e, HANDOFF_NONCE)) || timewait_find(h->ts, raddr, laddr, ports) ||
                            adoption_of(h, raddr, laddr, ports) || (f && f->state == FLOW_PENDING); /* we are giving it back */
                notice_add(h, node, mine ? NOTICE_REFRESH : NOTICE_GONE, raddr, laddr, ports, e);
                return;
        }
        if (!f || (f->state != FLOW_ACTIVE && f->state != FLOW_DOUBT) || f->node != node) {
                h->count.stray++;
        } else if (what == NOTICE_UNKNOWN) {
                notice_add(h, node, NOTICE_PROBE, raddr, laddr, ports, f->nonce);
        } else if (memcmp(f->nonce, e, HANDOFF_NONCE)) {
                h->count.stray++;
        } else if (what == NOTICE_GONE) {
                flow_del(&h->flows, f);
                h->count.gone++;
                anew_open(h, raddr, laddr, ports);
        } else if (what == NOTICE_REFRESH) {
                f->state = FLOW_ACTIVE;
                f->seen_s = handoff_now_s(h);
                h->count.refreshed++;
        }
}

void notice_rx(struct handoff *h, u8 node, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p)
{
        struct ctl_in in;
        if (!ctl_read(h, th, s, p, &in) || !ctl_good(h, &in, CTL_NOTICE, ip, th, s, 0, NULL)) {
                h->count.forged++;
                pkt_drop(p, DROP_HANDOFF_FORGED_NOTICE);
                return;
        }
        if (in.n < NOTICE_HEAD || in.n != NOTICE_HEAD + in.text[1] * (u32)NOTICE_ENTRY) {
                pkt_drop(p, DROP_HANDOFF_NOTICE_LENGTH);
                return;
        }
        for (u32 i = 0; i < in.text[1]; i++)
                entry(h, node, in.text[0], in.text + NOTICE_HEAD + i * NOTICE_ENTRY);
        pkt_drop(p, DROP_HANDOFF_NOTICE);
}
