/* front.c - the front itself: its pools, ports without parsing, figures.
 * Not here: decisions (front_rule.c), what waits (front_client.c, front_hold.c), relays (front_relay.c and on).
 * SPDX-License-Identifier: MIT */
#include "front_impl.h"

enum { RELAYS_MIN = 16, PIPE_MIN = 32768, PIPE_MAX = 1 << 19 };

struct front *front_new(struct stack *st, u32 relays)
{
        struct front *f = stack_alloc(st, sizeof(*f), 64);
        u32 n = relays ? relays : max_u32(st->cfg.n_tcbs / 2, RELAYS_MIN);

        if (!f || !(f->relay = stack_alloc(st, n * sizeof(*f->relay), 64)))
                return NULL;
        f->st = st;
        f->n_relays = n;
        for (u32 i = n; i-- > 0;) {
                f->relay[i].f = f;
                f->relay[i].next = f->relays_free;
                f->relays_free = &f->relay[i];
        }
        f->count.entries = f->count.entries_free = f->count.entries_low = n;
        /* a sixteenth of all buffers may wait for one slow reader, half as many in front of that */
        f->pipe_max = min_u32(max_u32(st->cfg.n_pkts * (PKT_BUF / 16), PIPE_MIN), PIPE_MAX);
        front_register(f, FRONT_RELAY, (struct front_actor){front_relay_take, f});
        return f;
}

void front_forwarded_for(struct front *f, bool on) { f->no_forwarded_for = !on; }
bool front_forwards_for(const struct front *f) { return !f->no_forwarded_for; }

void front_counters(const struct front *f, struct front_counters *out)
{
        *out = f->count;
        out->waiting = f->n_waiting;
}

/* A connection on a port without parsing: the target is asked at once, for it may be the one that speaks first. */
static bool on_accept(struct tcb *t)
{
        struct front_port *p = tcp_listener_user(tcp_listener(t));
        struct front *f = p->f;
        struct front_verdict v;

        front_decide(f, t, NULL, &v);
        if (v.action == FRONT_LOCAL)
                v = (struct front_verdict){f->backend[p->backend].action, p->backend, v.rule};
        return f->actor[v.action].take(f->actor[v.action].ctx, t, &v, NULL) == 0; /* else RST */
}

static void on_closed(struct tcb *t, int err) { }
static const struct tcp_events port_events = {.accept = on_accept, .closed = on_closed};

static struct front_port *port_at(struct front *f, ipaddr addr, u16 port)
{
        for (u32 i = 0; i < FRONT_PORTS; i++)
                if (f->port[i].l && f->port[i].port == port && ipaddr_eq(f->port[i].addr, addr))
                        return &f->port[i];
        return NULL;
}

int front_listen(struct front *f, ipaddr addr, u16 port, const char *backend)
{
        const struct tcp_opts opts = {.rcvbuf = f->pipe_max / 2, .backlog = 64, .nodelay = true, .keepalive_ms = FRONT_IDLE_MS};
        int slot = front_backend_find(f, backend), err = E_NOMEM;

        if (slot < 0)
                return E_NOENT;
        if (port_at(f, addr, port))
                return E_INUSE;
        for (u32 i = 0; i < FRONT_PORTS; i++) {
                struct front_port *p = &f->port[i];

                if (p->l)
                        continue;
                *p = (struct front_port){f, NULL, addr, port, (s8)slot};
                p->l = tcp_listen(f->st, addr, port, &port_events, p, &opts, &err);
                return p->l ? 0 : err;
        }
        return err;
}

bool front_unlisten(struct front *f, ipaddr addr, u16 port)
{
        struct front_port *p = port_at(f, addr, port);

        if (!p)
                return false;
        tcp_unlisten(p->l);
        p->l = NULL;
        return true;
}

void front_port_walk(const struct front *f, void (*fn)(void *ctx, ipaddr addr, u16 port, const char *backend), void *ctx)
{
        for (u32 i = 0; i < FRONT_PORTS; i++)
                if (f->port[i].l)
                        fn(ctx, f->port[i].addr, f->port[i].port, f->backend[f->port[i].backend].name);
}

static const char *state_name(const struct relay *r)
{
        static const char *const names[] = {"idle", "request", "connect", "exchange", "closing"};

        return r->raw && r->state == RELAY_PIPE ? "tunnel" : names[r->state];
}

void front_walk(const struct front *f, bool (*fn)(void *ctx, const struct front_relayed *r), void *ctx)
{
        struct tcp_names c, s;

        for (u32 i = 0; i < f->n_relays; i++) {
                const struct relay *r = &f->relay[i];
                struct front_relayed out = {.backend = "", .state = state_name(r)};

                if (!r->side[CLIENT] && !r->side[SERVER])
                        continue;
                if (r->side[CLIENT]) {
                        tcp_names(r->side[CLIENT], &c);
                        out.client = (struct front_addr){c.raddr, c.rport};
                }
                if (r->side[SERVER]) {
                        tcp_names(r->side[SERVER], &s);
                        out.server = (struct front_addr){s.raddr, s.rport};
                }
                if (r->backend >= 0)
                        out.backend = f->backend[r->backend].name;
                out.idle_ms = stack_now_ms(f->st) - r->moved_ms;
                if (!fn(ctx, &out))
                        return;
        }
}
