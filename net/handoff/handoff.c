/* handoff.c - the handoff of one stack: secret, nodes, service addresses, the door for segments of no connection, figures.
 * SPDX-License-Identifier: MIT */
#include "arp.h"
#include "handoff_impl.h"
#include "icmp.h"
#include "mem.h"

static void sweep(struct timer *tm)
{
        struct handoff *h = container_of(tm, struct handoff, sweep_timer);
        struct flow *f;
        u32 left = h->flows.n_used ? min_u32(h->flows.n, max_u32(SWEEP_MIN, h->flows.n / FLOW_REFRESH_S)) : 0;
        while (flow_expired(&h->flows, handoff_now_s(h), &left, &f)) {
                flow_del(&h->flows, f);
                h->count.expired++;
        }
        owned_sweep(h);
        drain_sweep(h);
        node_mtu_sweep(h);
        timer_set(&h->st->wheel, tm, stack_now_ms(h->st) + SWEEP_MS);
}

static void flush(struct timer *tm) { notice_flush(container_of(tm, struct handoff, notice_timer)); }

struct handoff *handoff_new(struct stack *st, u32 flows)
{
        struct handoff *h = stack_alloc(st, sizeof *h, 64);
        if (!h)
                return NULL;
        *h = (struct handoff){.st = st, .ts = st->tcp, .kind = OPTION144, .sweep_timer.fire = sweep, .notice_timer.fire = flush};
        h->n_transfers = min_u32(max_u32(st->cfg.n_tcbs / 8, 16), 256);
        h->n_adoptions = h->n_transfers;
        h->transfer = stack_alloc(st, h->n_transfers * sizeof *h->transfer, 64);
        h->adoption = stack_alloc(st, h->n_adoptions * sizeof *h->adoption, 64);
        if (!h->transfer || !h->adoption || !owned_init(h) || !flow_init(&h->flows, st, flows ? flows : st->cfg.n_tcbs * 16))
                return NULL;
        for (u32 i = h->n_transfers; i-- > 0;) {
                h->transfer[i].next = h->free_transfer;
                h->free_transfer = &h->transfer[i];
        }
        for (u32 i = h->n_adoptions; i-- > 0;) {
                h->adoption[i].next = h->free_adoption;
                h->free_adoption = &h->adoption[i];
        }
        timer_set(&st->wheel, &h->sweep_timer, stack_now_ms(st) + SWEEP_MS);
        st->tcp->handoff = h;
        ip_proto(st, IPPROTO_IPIP_, tunnel_rx);
        icmp_on_quote(st, handoff_quote, h);
        return h;
}

struct handoff *handoff_of(const struct stack *st) { return st->tcp->handoff; }

int handoff_secret(struct handoff *h, const u8 *secret, u32 n)
{
        struct cluster_keys k;
        if (n < HANDOFF_SECRET_MIN || n > HANDOFF_SECRET_MAX)
                return E_INVAL;
        cluster_keys_derive(secret, n, &k);
        if (h->n_keys && !memcmp(&k, &h->keys[0], sizeof k))
                return 0;
        for (u32 i = 0; i < HANDOFF_NODES; i++)
                h->node_key[i] = h->n_keys != 0; /* they have the new one when they use it */
        h->keys[1] = h->keys[0];
        h->keys[0] = k;
        tcp_cluster_keys(h->st, k.cookie, k.isn);
        h->n_keys = (u8)min_u32(h->n_keys + 1u, 2);
        return 0;
}

bool handoff_has_secret(const struct handoff *h) { return h->n_keys != 0; }

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

/* A packet of a client for a silent address and no connection. TIME_WAIT answers for itself, except that a new SYN goes to the
 * front. */
static bool silent_rx(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p)
{
        u32 raddr = be32_raw(ip->src.v4), laddr = be32_raw(ip->dst.v4), ports = *(const u32_any *)th;
        struct timewait *w = timewait_find(h->ts, raddr, laddr, ports);
        if (w && (s->flags & (TCP_SYN | TCP_RST | TCP_ACK)) != TCP_SYN)
                return false;
        if (w && timewait_may_reuse(w, s, true))
                timewait_free(h->ts, w);
        struct adoption *a = adoption_of(h, raddr, laddr, ports);
        if (a) {
                adoption_keep(a, p); /* 53 is late */
                return true;
        }
        handoff_unknown(h, ip, th, s, p);
        return true;
}

/* A packet of a client whose connection is not, or not yet, here. In doubt it is the client who repeats, and our question with
 * it. */
static void flow_rx(struct handoff *h, struct flow *f, const struct ip_hdr *ip, struct pkt *p)
{
        switch (f->state) {
        case FLOW_PENDING:
                transfer_keep(transfer_of(h, f), p);
                break;
        case FLOW_COMING:
                adoption_keep(adoption_of(h, f->raddr, f->laddr, f->ports), p);
                break;
        case FLOW_DOUBT:
                notice_add(h, f->node, NOTICE_PROBE, f->raddr, f->laddr, f->ports, f->nonce);
                pkt_drop(p, DROP_HANDOFF_DOUBT);
                break;
        default:
                handoff_forward(h, p, ip, h->node[f->node]);
        }
}

/* Who is no node of ours hands nothing over. */
static bool stranger(struct handoff *h, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p)
{
        struct ctl_in in;
        if (!(s->flags & TCP_SYN) || !ctl_read(h, th, s, p, &in) || !(in.opt.has & O144_HANDOFF))
                return false;
        h->count.strangers++;
        pkt_drop(p, DROP_HANDOFF_STRANGER);
        return true;
}

bool handoff_rx(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p)
{
        struct flow *f =
                h->flows.n_used ? flow_find(&h->flows, be32_raw(ip->src.v4), be32_raw(ip->dst.v4), *(const u32_any *)th) : NULL;
        if (f) {
                flow_rx(h, f, ip, p);
                return true;
        }
        if (handoff_is_silent(h, ip->dst))
                return silent_rx(h, ip, th, s, p);
        int node = handoff_node_index(h, ip->src);
        if (node < 0)
                return stranger(h, th, s, p);
        if (adoption_rx(h, (u8)node, ip, th, s, p) || transfer_rx(h, ip, th, s, p))
                return true;
        if (be16_get(th->src) == HANDOFF_PORT && be16_get(th->dst) == HANDOFF_PORT) {
                notice_rx(h, (u8)node, ip, th, s, p);
                return true;
        }
        struct ctl_in in; /* of a handoff that is over, or not begun: it draws no RST, which its sender would take for forged */
        if (!ctl_read(h, th, s, p, &in))
                return false;
        h->count.stray++;
        pkt_drop(p, DROP_HANDOFF_STRAY);
        return true;
}

void handoff_counters(const struct handoff *h, struct handoff_counters *out)
{
        *out = h->count;
        out->flows = h->flows.n_used;
        out->owned = h->n_owned;
}

static void names(struct handoff_flow *f, u32 raddr, u32 laddr, u32 ports)
{
        f->client = (ipaddr){be32_from_raw(raddr)};
        f->service = (ipaddr){be32_from_raw(laddr)};
        f->client_port = (u16)__builtin_bswap16((u16)ports);
        f->service_port = (u16)__builtin_bswap16((u16)(ports >> 16));
}

void handoff_walk(const struct handoff *h, bool (*fn)(void *ctx, const struct handoff_flow *f), void *ctx)
{
        static const char *const states[] = {"", "asking", "handed", "coming back", "in doubt"};
        u16 now = handoff_now_s(h);
        for (u32 i = 0; i < h->flows.n && h->flows.n_used; i++) {
                const struct flow *e = &h->flows.flow[i];
                struct handoff_flow f = {.node = h->node[e->node], .state = states[e->state], .age_s = (u16)(now - e->seen_s)};
                names(&f, e->raddr, e->laddr, e->ports);
                if (e->state == FLOW_PENDING)
                        f.age_s = 0;
                if (e->state != FLOW_FREE && !fn(ctx, &f))
                        return;
        }
        for (u32 i = 0; i < h->all_owned && h->n_owned; i++) {
                const struct owned *o = &h->owned[i];
                struct handoff_flow f = {.node = h->node[o->node], .state = "adopted", .age_s = (u16)(now - o->told_s)};
                names(&f, o->raddr, o->laddr, o->ports);
                if (o->live && !fn(ctx, &f))
                        return;
        }
}

const char *handoff_reason_text(enum handoff_reason why)
{
        switch (why) {
        case HANDOFF_OK: return "handed over";
        case HANDOFF_BLOCK: return "control block not understood";
        case HANDOFF_ADDRESS: return "service address unknown there";
        case HANDOFF_LISTENER: return "nobody listens there";
        case HANDOFF_BUSY: return "node is busy";
        case HANDOFF_TAKEN: return "connection exists there";
        case HANDOFF_PLACE: return "service there cannot go on with it";
        case HANDOFF_DRAINS: return "node is being emptied";
        case HANDOFF_SILENT: return "node did not answer";
        case HANDOFF_STATE: return "connection cannot be moved now";
        case HANDOFF_FULL: return "no flow entry free";
        case HANDOFF_UNREACHABLE: return "node unreachable, or no secret";
        default: return "?";
        }
}
