/* cluster.c - `cluster`, `service` and `flows`: who belongs together, the address that they answer for, what was handed over.
 * The secret is never printed. Not here: `backend NAME handoff` and rules (front.c). SPDX-License-Identifier: MIT */
#include "commands.h"
#include "front_handoff.h"
#include "ip.h"
#include "mem.h"

enum { NAME = 32, SHOWN = 40, FLOWS_PER_KB = 2, FLOWS_MIN = 1024, FLOWS_MAX = 1 << 20 };

static struct handoff *handoff;
static struct front *joined;
static char name[NAME];

/* A sixteenth of what is free becomes flow entries of 32 bytes: an entry outlives its connection by the node's TIME_WAIT, so a
 * front of short connections needs a minute's worth of them, not as many as it has TCBs. */
static u32 n_flows(void)
{
        struct plat_mem m;
        plat_mem(&m);
        return min_u32(max_u32(m.free_kb * FLOWS_PER_KB, FLOWS_MIN), FLOWS_MAX);
}

static struct handoff *the_handoff(struct words *w)
{
        if (!handoff)
                handoff = handoff_new(plat_stack(), n_flows());
        if (!handoff)
                words_refuse(w, "out of memory for flows");
        return handoff;
}

bool cluster_meets_front(struct words *w, struct front *f)
{
        if (!the_handoff(w))
                return false;
        if (joined == f)
                return true;
        if (!front_handoff_attach(f, handoff)) {
                words_refuse(w, "out of memory for the handoff");
                return false;
        }
        joined = f;
        return true;
}

const char *cluster_way(ipaddr node) { return handoff ? handoff_way_text(handoff, node) : "no cluster"; }

void cluster_knows(const struct front_addr *at, u32 n)
{
        for (u32 i = 0; i < n; i++)
                handoff_node_add(handoff, at[i].addr);
}

static int digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 32;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Complaints name no word of the line: it is logged. */
static int set_secret(struct words *w)
{
        u8 secret[HANDOFF_SECRET_MAX];
        const char *s;
        u32 n = 0;

        if (!take_word(w, "the secret", &s))
                return -1;
        bool good = !words_more(w);
        for (; *s && good; s += 2, n++) {
                good = n < sizeof(secret) && digit(s[0]) >= 0 && s[1] && digit(s[1]) >= 0;
                if (good)
                        secret[n] = (u8)(digit(s[0]) << 4 | digit(s[1]));
        }
        if (!good || n < HANDOFF_SECRET_MIN)
                return words_refuse(w, "the secret is %u to %u hex digits, two for each byte", HANDOFF_SECRET_MIN * 2u,
                                    HANDOFF_SECRET_MAX * 2u);
        int e = the_handoff(w) ? handoff_secret(handoff, secret, n) : -1;
        memset(secret, 0, sizeof(secret));
        return e;
}

static int cluster_node(struct words *w, bool on)
{
        ipaddr a;

        if (!take_addr(w, &a) || !take_end(w) || (on && !the_handoff(w)))
                return -1;
        if (!on)
                return handoff && handoff_node_del(handoff, a) == 0 ? 0 : words_refuse(w, "%I is no node", &a);
        return handoff_node_add(handoff, a) == E_NOMEM ? words_refuse(w, "at most %u nodes", (u32)HANDOFF_NODES) : 0;
}

int cmd_cluster(struct words *w)
{
        const char *s;

        if (take_if(w, "secret"))
                return set_secret(w);
        if (take_if(w, "node"))
                return cluster_node(w, true);
        if (!take_if(w, "name"))
                return words_miss(w, "name, secret or node");
        if (!take_word(w, "a name for the cluster", &s) || !take_end(w))
                return -1;
        if (strlen(s) >= sizeof(name))
                return words_refuse(w, "the name is too long: at most %u letters", NAME - 1u);
        memcpy(name, s, strlen(s) + 1);
        return 0;
}

int no_cluster(struct words *w)
{
        if (take_if(w, "node"))
                return cluster_node(w, false);
        if (take_if(w, "name")) {
                name[0] = 0;
                return 0;
        }
        return words_miss(w, "name or node (a secret is only ever replaced)");
}

static void print_node(void *ctx, ipaddr node) { out("cluster node %I\n", &node); }

void show_cluster(void)
{
        if (name[0])
                out("cluster name %w\n", name);
        if (handoff && handoff_has_secret(handoff))
                out("# cluster secret: set, never printed; keep its line\n");
        if (handoff)
                handoff_node_walk(handoff, print_node, NULL);
}

/* --- service address A --- */

static bool take_service(struct words *w, ipaddr *v)
{
        if (take_if(w, "address"))
                return take_addr(w, v) && take_end(w);
        words_miss(w, "address");
        return false;
}

int cmd_service(struct words *w)
{
        struct stack *st = plat_stack();
        struct ip_path path;
        ipaddr v;

        if (!take_service(w, &v) || !the_handoff(w))
                return -1;
        if (!st->n_nifs)
                return words_refuse(w, "there is no interface");
        int e = handoff_service_add(handoff, ip_route(st, v, &path) ? path.nif : st->nif[0], v);
        if (e == E_EXIST)
                return 0;
        if (e < 0)
                return e == E_NOMEM ? words_refuse(w, "at most %u service addresses", (u32)HANDOFF_SERVICES)
                                    : words_refuse(w, "%s", stack_strerror(e));
        /* who has only a node's part looks at requests, too: is this one mine to answer? */
        return the_front(w) && cluster_meets_front(w, the_front(w)) ? 0 : -1;
}

int no_service(struct words *w)
{
        ipaddr v;

        if (!take_service(w, &v))
                return -1;
        return handoff && handoff_service_del(handoff, v) == 0 ? 0 : words_refuse(w, "%I is no service address", &v);
}

static void print_service(void *ctx, ipaddr v, bool silent) { out("service address %I\n", &v); }

void show_service(void)
{
        if (handoff)
                handoff_service_walk(handoff, print_service, NULL);
}

/* --- flows --- */

struct printed { u32 n; };

static bool print_flow(void *ctx, const struct handoff_flow *f)
{
        struct printed *p = ctx;

        if (p->n++ == SHOWN) {
                out("...\n");
                return false;
        }
        out("%I:%u -> %I:%u  %s %s %I, %s, %u s\n", &f->client, f->client_port, &f->service, f->service_port, f->state,
            text_is(f->state, "adopted") ? "from" : "to", &f->node, handoff_way_text(handoff, f->node), f->age_s);
        return true;
}

int cmd_flows(struct words *w)
{
        struct handoff_counters c;
        struct printed p = {0};

        if (!take_end(w))
                return -1;
        if (!handoff) {
                out("Nothing is set up to be handed over (cluster secret, service address, backend NAME handoff).\n");
                return 0;
        }
        handoff_counters(handoff, &c);
        handoff_walk(handoff, print_flow, &p);
        out("handed: %u of %u begun, %u silences, %u repeats; %u flows now, %u at most\n", c.handed, c.begun, c.silent, c.retried,
            c.flows, c.flows_max);
        out("forwarded: %u packets; kept from 51 to 52: %u, lost meanwhile: %u; SYNs answered meanwhile: %u\n", c.forwarded, c.kept,
            c.kept_lost, c.answered);
        out("IP in IP: %u packets sent, %u taken; ICMP: %u passed on, %u about the way\n", c.tunnelled, c.untunnelled, c.quoted,
            c.tunnel_errors);
        out("ended: %u by the node, %u expired; %u refreshed\n", c.gone, c.expired, c.refreshed);
        out("adopted: %u, %u confirmed, %u never were; %u now\n", c.adopted, c.confirmed, c.abandoned, c.owned);
        out("moved: %u, not after all: %u; passed on for others: %u\n", c.moved, c.stayed, c.onward);
        out("given back: %u from here, %u to here; %u went elsewhere before 53\n", c.back, c.returned, c.withdrawn);
        for (u32 i = 1; i < HANDOFF_WIRE_REASONS; i++)
                if (c.refused[i] || c.refusals[i])
                        out("refused: %u there, %u here: %s\n", c.refused[i], c.refusals[i],
                            handoff_reason_text((enum handoff_reason)i));
        out("forged: %u, out of place: %u, from strangers: %u, of unknown connections: %u\n", c.forged, c.stray, c.strangers,
            c.unknown);
        return 0;
}
