/* library.c - the stack as a library: an instance with one interface, fed and drained by the program that links it.
 * SPDX-License-Identifier: MIT */
#include "qure.h"
#include "ip.h"
#include "mem.h"

enum { OUT_MAX = 256 };

struct port { struct listener *l; u32 slots; u16 number; };

struct qure {
        struct netif        nif;
        struct stack       *st;
        struct qure_config  cfg;
        struct pktq         out;
        struct port         port[QURE_LISTENS];
        struct qure_result *result;  /* of the packet that is being received */
        struct tcp_key      fresh;   /* the connection that QURE_OPEN told last */
        bool                is_fresh;
};

static struct qure *instance(const struct tcb *t) { return container_of(tcp_stack(t)->nif[0], struct qure, nif); }

static void xmit(struct netif *nif, struct pkt *p)
{
        struct qure *q = container_of(nif, struct qure, nif);
        if (q->cfg.output) {
                q->cfg.output(q->cfg.output_ctx, p->data, p->len);
                pkt_free(p);
        } else if (q->out.n >= OUT_MAX) {
                pkt_drop(p, DROP_NIF_TX_FULL);
        } else {
                pktq_put(&q->out, p);
        }
}

struct qure *qure_new(const struct qure_config *cfg, u64 now_us)
{
        struct stack *st = stack_new(&cfg->stack, now_us);
        struct qure *q = st ? stack_alloc(st, sizeof *q, 16) : NULL;
        if (!q || cfg->mtu > 1500 || (cfg->mtu && cfg->mtu < 68)) /* RFC 791 3.2 */
                return NULL;
        q->st = st;
        q->cfg = *cfg;
        pktq_init(&q->out);
        q->nif = (struct netif){.name = "lib0", .driver = "library", .mac = cfg->mac, .mtu = cfg->mtu ? cfg->mtu : 1500,
                                .caps = cfg->ethernet ? 0 : NETIF_L3, .xmit = xmit};
        if (!netif_add(st, &q->nif, true) || netif_addr_add(&q->nif, cfg->addr, cfg->plen, IFADDR_STATIC, false) < 0)
                return NULL;
        if (!ipaddr_is_any(cfg->gateway) && route_add(st, IPADDR_ANY, 0, cfg->gateway, NULL, IFADDR_STATIC) < 0)
                return NULL;
        return q;
}

struct stack *qure_stack(struct qure *q) { return q->st; }
u32 qure_next(const struct qure *q) { return stack_next(q->st); }

/* More than a buffer holds comes as from a NIC that merges segments: in a chain. */
void qure_input_part(struct qure *q, const void *packet, u32 n, u64 now_us)
{
        const u8 *at = packet;
        struct pkt *head = NULL;
        stack_tick(q->st, now_us);
        for (struct pkt **end = &head; !head || n; end = &(*end)->chain) {
                *end = pkt_alloc(&q->st->pkts, q->cfg.ethernet ? 34 : 32); /* the IP header on a word, room in front */
                if (!*end)
                        break; /* counted; what is there already goes back */
                u32 part = min_u32(n, pkt_tailroom(*end));
                pkt_append(*end, at, part);
                at += part;
                n -= part;
        }
        if (!n && head)
                netif_rx(&q->nif, head);
        else
                pkt_free(head);
}

void qure_input(struct qure *q, const void *packet, u32 n, u64 now_us)
{
        qure_input_part(q, packet, n, now_us);
        stack_batch_end(q->st);
}

void qure_time(struct qure *q, u64 now_us)
{
        stack_tick(q->st, now_us);
        stack_batch_end(q->st);
}

u32 qure_send(struct qure *q, void *buf, u32 room, u64 now_us)
{
        qure_time(q, now_us);
        for (struct pkt *p; (p = pktq_get(&q->out)) != NULL;) {
                u32 n = p->len;
                if (n <= room) {
                        memcpy(buf, p->data, n);
                        pkt_free(p);
                        return n;
                }
                pkt_drop(p, DROP_NIF_TX_ROOM);
        }
        return 0;
}

struct wanted { const struct tcp_names *names; const char *state; };

static bool is_wanted(void *ctx, const struct tcp_info *i)
{
        struct wanted *w = ctx;
        const struct tcp_names *n = w->names, *is = &i->names;
        bool ours = is->lport == n->lport && (ipaddr_eq(is->laddr, n->laddr) || ipaddr_is_any(is->laddr)),
             whole = ours && is->rport == n->rport && ipaddr_eq(is->raddr, n->raddr);
        if (whole || (ours && !is->rport)) /* listeners are shown first */
                w->state = i->state;
        return !whole;
}

const char *qure_state(struct qure *q, const struct tcp_names *names)
{
        struct wanted w = {names, "CLOSED"};
        tcp_walk(q->st, is_wanted, &w);
        return w.state;
}

/* --- by packet --- */
static void note(struct qure *q, enum qure_kind kind, const struct tcb *t, u32 bytes, int err)
{
        if (q->result && kind >= q->result->kind)
                *q->result = (struct qure_result){kind, tcp_key(t), bytes, err};
}

static bool on_accept(struct tcb *t)
{
        struct qure *q = instance(t);
        struct port *port = &q->port[(uintptr_t)tcp_listener_user(tcp_listener(t))];
        if (!port->slots)
                return false;
        tcp_set_user(t, NULL);
        q->fresh = tcp_key(t);
        port->slots--;
        note(q, QURE_OPEN, t, 0, 0);
        return true;
}

static void on_connected(struct tcb *t) { note(instance(t), QURE_CONNECTED, t, 0, 0); }
static void on_readable(struct tcb *t) { note(instance(t), tcp_eof(t) ? QURE_END : QURE_SEGMENT, t, tcp_readable(t), 0); }
static void on_closed(struct tcb *t, int err) { note(instance(t), QURE_CLOSED, t, 0, err); }
static const struct tcp_events events = {.accept = on_accept, .connected = on_connected, .readable = on_readable,
                                         .closed = on_closed};

/* A port whose slots are used up is closed. Not inside the event that used the last one. */
static void close_used_ports(struct qure *q)
{
        for (u32 i = 0; i < QURE_LISTENS; i++) {
                if (!q->port[i].l || q->port[i].slots)
                        continue;
                tcp_unlisten(q->port[i].l);
                q->port[i].l = NULL;
        }
}

int qure_listen(struct qure *q, u16 port, u32 slots, const struct tcp_opts *opts)
{
        struct tcp_opts o = opts ? *opts : (struct tcp_opts){0};
        struct port *free = NULL;
        int err;
        if (!slots)
                return E_INVAL;
        for (u32 i = 0; i < QURE_LISTENS; i++) {
                struct port *p = &q->port[i];
                if (!p->l) {
                        free = p;
                } else if (p->number == port) {
                        p->slots = slots > UINT32_MAX - p->slots ? UINT32_MAX : p->slots + slots;
                        return 0;
                }
        }
        if (!free)
                return E_NOMEM;
        o.ack_on_read = true;
        *free = (struct port){tcp_listen(q->st, q->cfg.addr, port, &events, (void *)(uintptr_t)(free - q->port), &o, &err), slots, port};
        return free->l ? 0 : err;
}

int qure_connect(struct qure *q, ipaddr addr, u16 port, const struct tcp_opts *opts, struct tcp_key *key)
{
        struct tcp_opts o = opts ? *opts : (struct tcp_opts){0};
        int err;
        o.ack_on_read = true;
        struct tcb *t = tcp_connect(q->st, q->cfg.addr, 0, addr, port, &events, NULL, &o, &err);
        if (t)
                *key = tcp_key(t);
        return t ? 0 : err;
}

/* Segments that found nobody are counted under these. */
static u32 strays(const struct qure *q)
{
        const u32 *n = q->st->pkts.drops;
        return n[DROP_TCP_PORT] + n[DROP_TCP_STRAY_RST] + n[DROP_TCP_LISTEN_ACK] + n[DROP_TCP_LISTEN_RST];
}

enum qure_kind qure_receive(struct qure *q, const void *packet, u32 n, u64 now_us, struct qure_result *r)
{
        u32 before = strays(q);
        *r = (struct qure_result){.kind = QURE_NOTHING};
        q->result = r;
        qure_input_part(q, packet, n, now_us);
        if (r->kind != QURE_CONNECTED || q->cfg.output)
                stack_batch_end(q->st); /* else the acknowledgement waits for qure_send: data may go with it */
        q->result = NULL;
        q->is_fresh = r->kind == QURE_OPEN; /* what came with it means more, and can be refused by itself */
        if (r->kind == QURE_NOTHING && strays(q) != before)
                r->kind = QURE_STRAY;
        close_used_ports(q);
        return r->kind;
}

struct tcb *qure_tcb(struct qure *q, struct tcp_key key) { return tcp_by_key(q->st, key); }

int qure_take(struct qure *q, struct tcp_key key, u32 n)
{
        struct tcb *t = qure_tcb(q, key);
        if (!t)
                return E_CLOSED;
        if (n > tcp_readable(t))
                return E_INVAL;
        tcp_consume(t, n);
        return 0;
}

int qure_refuse(struct qure *q, struct tcp_key key)
{
        struct tcb *t = qure_tcb(q, key);
        if (!t)
                return E_CLOSED;
        if (!q->is_fresh || q->fresh.slot != key.slot || q->fresh.gen != key.gen)
                return tcp_refuse(t);
        tcp_abort(t);
        return 0;
}
