/* eth.c - accept Ethernet frames by destination and hand them on by type; put headers in front of what leaves.
 * Not here: padding to 60 bytes, which is the device's work. 802.3 length fields are not understood.
 * SPDX-License-Identifier: MIT */
#include "eth.h"
#include "ip.h"
#include "mem.h"

struct eth_state {
        struct { u16 type; eth_fn *fn; void *user; } handler[ETH_HANDLERS];
};

bool eth_init(struct stack *st)
{
        st->eth = stack_alloc(st, sizeof *st->eth, 16);
        return st->eth != NULL;
}

COLD int eth_handler(struct stack *st, u16 type, eth_fn *fn, void *user)
{
        struct eth_state *es = st->eth;
        int spare = -1;
        if (type < 0x600 || type == ETHERTYPE_IP_ || type == ETHERTYPE_VLAN_)
                return E_INVAL;
        for (int i = 0; i < ETH_HANDLERS; i++) {
                if (!es->handler[i].fn) {
                        spare = i;
                } else if (es->handler[i].type == type) {
                        if (fn)
                                return E_INUSE;
                        es->handler[i].fn = NULL;
                        return 0;
                }
        }
        if (!fn)
                return E_NOENT;
        if (spare < 0)
                return E_NOMEM;
        es->handler[spare].type = type;
        es->handler[spare].fn = fn;
        es->handler[spare].user = user;
        return 0;
}

/* mac_eq in two compares, without copies. */
static bool same_mac(const macaddr *a, const macaddr *b)
{
        u32 a4, b4;
        u16 a2, b2;
        __builtin_memcpy(&a4, a->b, 4);
        __builtin_memcpy(&b4, b->b, 4);
        __builtin_memcpy(&a2, a->b + 4, 2);
        __builtin_memcpy(&b2, b->b + 4, 2);
        return !((a4 ^ b4) | (u32)(a2 ^ b2));
}

/* A group the interface receives: everybody, or one that was joined (R83). */
static bool group_is_ours(const struct netif *nif, macaddr dst)
{
        if (mac_eq(dst, MAC_BCAST))
                return true;
        for (u32 i = 0; i < nif->n_groups; i++)
                if (mac_eq(nif->groups[i], dst))
                        return true;
        return false;
}

/* The destination filter (R82); true when the frame stays. */
static bool accept(struct netif *nif, struct pkt *p, const struct eth_hdr *eth)
{
        if (mac_is_group(eth->src)) {
                pkt_drop(p, DROP_ETH_SOURCE_GROUP);
                return false;
        }
        if (mac_eq(eth->dst, nif->mac))
                return true;
        if (!mac_is_group(eth->dst) || !group_is_ours(nif, eth->dst)) {
                pkt_drop(p, DROP_ETH_NOT_OURS);
                return false;
        }
        p->flags |= PKT_BCAST;
        if (!mac_eq(eth->dst, MAC_BCAST))
                nif->count.rx_mcast++;
        return true;
}

/* Removes the tag of 802.1Q 9.6, so that the header is 14 bytes again; false when the frame is not for this VLAN.
 * VLAN 0 carries only a priority and counts as untagged. */
static bool untag(struct netif *nif, struct pkt *p)
{
        if (p->len < ETH_HLEN + ETH_TAG) {
                pkt_drop(p, DROP_ETH_SHORT_TAG);
                return false;
        }
        be16 tci;
        memcpy(&tci, p->data + ETH_HLEN, 2);
        if ((be16_get(tci) & 0xfff) != nif->vlan) {
                pkt_drop(p, DROP_ETH_VLAN);
                return false;
        }
        memmove(p->data + ETH_TAG, p->data, 12);
        pkt_pull(p, ETH_TAG);
        p->flags |= PKT_VLAN;
        return true;
}

/* By type: tags come off first. */
static void rx_typed(struct netif *nif, struct pkt *p, u16 type)
{
        struct eth_state *es = nif->st->eth;
        if (type == ETHERTYPE_VLAN_) {
                if (!untag(nif, p))
                        return;
                type = be16_get(((const struct eth_hdr *)p->data)->type);
        } else if (nif->vlan) {
                pkt_drop(p, DROP_ETH_UNTAGGED);
                return;
        }
        const struct eth_hdr *eth = (const struct eth_hdr *)p->data;
        pkt_pull(p, ETH_HLEN);
        if (type == ETHERTYPE_IP_) {
                ip_rx(nif, p);
                return;
        }
        for (u32 i = 0; i < ETH_HANDLERS; i++) {
                if (es->handler[i].fn && es->handler[i].type == type) {
                        es->handler[i].fn(nif, p, eth, es->handler[i].user);
                        return;
                }
        }
        pkt_drop(p, DROP_ETH_TYPE);
}

static COLD void rx_unusual(struct netif *nif, struct pkt *p)
{
        if (p->len < ETH_HLEN) {
                pkt_drop(p, DROP_ETH_SHORT);
                return;
        }
        const struct eth_hdr *eth = (const struct eth_hdr *)p->data;
        if (accept(nif, p, eth))
                rx_typed(nif, p, be16_get(eth->type));
}

/* The straight line: an untagged IPv4 frame to our own address from a single station. Anything else takes the long way. */
void eth_rx(struct netif *nif, struct pkt *p)
{
        const struct eth_hdr *eth = (const struct eth_hdr *)p->data;
        if (unlikely(p->len < ETH_HLEN || !same_mac(&eth->dst, &nif->mac) || mac_is_group(eth->src) ||
                     be16_raw(eth->type) != be16_raw(be16_of(ETHERTYPE_IP_)) || nif->vlan)) {
                rx_unusual(nif, p);
                return;
        }
        pkt_pull(p, ETH_HLEN);
        ip_rx(nif, p);
}

/* The 802.1Q tag of the interface, in front of type. */
static COLD void push_tag(struct pkt *p, u16 vlan, u16 type)
{
        be16 tag[2] = {be16_of(vlan), be16_of(type)};
        memcpy(pkt_push(p, ETH_TAG), tag, ETH_TAG);
        p->csum_start = (u16)(p->csum_start + ETH_TAG);
}

void eth_tx(struct netif *nif, struct pkt *p, macaddr dst, u16 type)
{
        if (unlikely(nif->vlan)) {
                push_tag(p, nif->vlan, type);
                type = ETHERTYPE_VLAN_;
        }
        struct eth_hdr *eth = pkt_push(p, ETH_HLEN);
        p->csum_start = (u16)(p->csum_start + ETH_HLEN);
        eth->dst = dst;
        eth->src = nif->mac;
        eth->type = be16_of(type);
        nif_xmit(nif, p);
}
