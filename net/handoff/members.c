/* members.c - who takes part in the handoff: nodes, and the service addresses that they share.
 * Which of them gets a connection is decided elsewhere.
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"

int handoff_node_index(const struct handoff *h, ipaddr node)
{
        for (u32 i = 0; i < h->n_nodes; i++)
                if (ipaddr_eq(h->node[i], node) && !ipaddr_is_any(node))
                        return (int)i;
        return -1;
}

int handoff_node_add(struct handoff *h, ipaddr node)
{
        if (handoff_node_index(h, node) >= 0)
                return E_EXIST;
        for (u32 i = 0; i < HANDOFF_NODES; i++) {
                if (ipaddr_is_any(h->node[i])) {
                        h->node[i] = node;
                        h->clamp = 0;
                        h->n_nodes = max_u32(h->n_nodes, i + 1);
                        tcp_peer_member(h->st, node, 0);
                        return 0;
                }
        }
        return E_NOMEM;
}

/* Its number may be given to another; flows that still point there then go astray for at most FLOW_EXPIRE_S. */
int handoff_node_del(struct handoff *h, ipaddr node)
{
        int i = handoff_node_index(h, node);
        if (i < 0)
                return E_NOENT;
        notice_flush(h);
        h->node[i] = IPADDR_ANY;
        tcp_peer_forget(h->st, node, 0);
        h->n_narrow -= h->narrow[i].mtu != 0;
        h->narrow[i].mtu = 0;
        h->clamp = 0;
        return 0;
}

void handoff_node_walk(const struct handoff *h, void (*fn)(void *ctx, ipaddr node), void *ctx)
{
        for (u32 i = 0; i < HANDOFF_NODES; i++)
                if (!ipaddr_is_any(h->node[i]))
                        fn(ctx, h->node[i]);
}

static struct service *service(struct handoff *h, ipaddr v)
{
        for (u32 i = 0; i < HANDOFF_SERVICES; i++)
                if (ipaddr_eq(h->service[i].addr, v))
                        return &h->service[i];
        return NULL;
}

bool handoff_is_service(const struct handoff *h, ipaddr v)
{
        for (u32 i = 0; i < HANDOFF_SERVICES; i++)
                if (!ipaddr_is_any(v) && ipaddr_eq(h->service[i].addr, v))
                        return true;
        return false;
}

bool handoff_is_silent(const struct handoff *h, ipaddr v)
{
        for (u32 i = 0; i < HANDOFF_SERVICES; i++)
                if (h->service[i].silent && ipaddr_eq(h->service[i].addr, v))
                        return true;
        return false;
}

int handoff_service_add(struct handoff *h, struct netif *nif, ipaddr v)
{
        struct service *s = service(h, IPADDR_ANY);
        if (handoff_is_service(h, v))
                return E_EXIST;
        if (!s)
                return E_NOMEM;
        bool ours = ip_is_ours(h->st, v);
        if (ours)
                tcp_takeover(h->st); /* another may have had it until now */
        int err = ours ? 0 : netif_addr_add(nif, v, 32, IFADDR_STATIC, true);
        if (err == 0)
                *s = (struct service){v, nif, !ours};
        return err;
}

int handoff_service_del(struct handoff *h, ipaddr v)
{
        struct service *s = service(h, v);
        if (!s || ipaddr_is_any(v))
                return E_NOENT;
        if (s->silent)
                netif_addr_del(s->nif, v);
        *s = (struct service){.addr = IPADDR_ANY};
        return 0;
}

void handoff_service_walk(const struct handoff *h, void (*fn)(void *ctx, ipaddr v, bool silent), void *ctx)
{
        for (u32 i = 0; i < HANDOFF_SERVICES; i++)
                if (!ipaddr_is_any(h->service[i].addr))
                        fn(ctx, h->service[i].addr, h->service[i].silent);
}

bool handoff_own(const struct handoff *h, ipaddr node, ipaddr *out)
{
        struct ip_path path;
        if (!ip_route(h->st, node, &path) || ip_is_ours(h->st, node))
                return false;
        for (u32 i = 0; i < NETIF_ADDRS; i++) {
                const struct ifaddr *a = &path.nif->addr[i];
                if (ipaddr_is_any(a->addr) || a->silent || handoff_is_service(h, a->addr) ||
                    !ipaddr_same_net(a->addr, path.hop, a->plen))
                        continue;
                *out = a->addr;
                return true;
        }
        return false;
}
