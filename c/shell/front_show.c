/* front_show.c - `front`: rules with their hits, backends with the state of their targets, what is relayed now.
 * SPDX-License-Identifier: MIT */
#include "commands.h"
#include "fmt.h"
#include "front.h"

enum { SHOWN = 20 }; /* relays printed at most */

static void print_rules(const struct front *f)
{
        const struct front_rule *r;

        out("rules, first match wins:%s\n", front_rule_at(f, 0) ? "" : " none, all requests are the local site's");
        for (u32 i = 0; (r = front_rule_at(f, i)); i++) {
                out("%10u  ", r->hits);
                front_print_rule(r);
                out("\n");
        }
}

static void print_backends(const struct front *f)
{
        const struct front_backend *b;

        out("targets:\n");
        for (u32 i = 0; i < FRONT_BACKENDS; i++) {
                if (!(b = front_backend_at(f, i)))
                        continue;
                for (u32 k = 0; k < b->n; k++) {
                        const struct front_target *t = &b->target[k];
                        bool down = t->down && (s32)(t->until_ms - stack_now_ms(plat_stack())) > 0;
                        char at[24];

                        fmt(at, sizeof(at), t->at.port ? "%I:%u" : "%I", &t->at.addr, t->at.port);
                        out("  %-12s %-21s %-4s %6u active %8u in all %6u failed%s%s\n", b->name, at, down ? "down" : "up",
                            t->active, t->total, t->failures, b->action == FRONT_HANDOFF ? "  " : "",
                            b->action == FRONT_HANDOFF ? cluster_way(t->at.addr) : "");
                }
        }
}

static bool print_relay(void *ctx, const struct front_relayed *r)
{
        char client[24], server[24] = "-";
        u32 *n = ctx;

        if (++*n > SHOWN)
                return false;
        fmt(client, sizeof(client), "%I:%u", &r->client.addr, r->client.port);
        if (r->server.port)
                fmt(server, sizeof(server), "%I:%u", &r->server.addr, r->server.port);
        out("  %-21s  %-12s %-21s  %-8s  %u s\n", client, r->backend, server, r->state, r->idle_ms / 1000);
        return !stop_pressed();
}

static void print_figures(const struct front *f)
{
        struct front_counters c;

        front_counters(f, &c);
        out("front: %u requests local, %u relayed, %u handed over, %u let through; %u tunnels\n", c.local, c.relayed, c.handed,
            c.through, c.tunnels);
        out("front: %u connections to targets, %u requests on kept ones, %u retried\n", c.connects, c.reused, c.retried);
        out("front: %llu bytes to targets, %llu to clients\n", c.to_targets, c.to_clients);
        out("front: answered 400: %u, 502: %u, 503: %u, 504: %u; broken off: %u\n", c.bad_request, c.bad_gateway, c.busy,
            c.gateway_timeout, c.aborted);
        out("front: %u heads waited for, %u now; ended by time %u, by length %u, by their source's share %u\n", c.held, c.waiting,
            c.late, c.too_long, c.crowded);
        out("front: %u of %u entries free, %u at the least\n", c.entries_free, c.entries, c.entries_low);
}

void front_statistics(void)
{
        if (the_front_if_any())
                print_figures(the_front_if_any());
}

static int forwarded_for(struct words *w)
{
        bool on = take_if(w, "on");

        if (!on && !take_if(w, "off"))
                return words_miss(w, "on or off");
        if (!take_end(w) || !the_front(w))
                return -1;
        front_forwarded_for(the_front(w), on);
        return 0;
}

int no_front(struct words *w)
{
        if (!take_if(w, "forwarded-for"))
                return words_miss(w, "forwarded-for");
        w->at = w->n; /* the whole line may be given */
        if (the_front_if_any())
                front_forwarded_for(the_front_if_any(), true);
        return 0;
}

int cmd_front(struct words *w)
{
        struct front *f = the_front_if_any();
        u32 n = 0;

        if (take_if(w, "forwarded-for"))
                return forwarded_for(w);
        if (!take_end(w))
                return -1;
        if (!f) {
                out("There are no rules and no backends.\n");
                return 0;
        }
        print_rules(f);
        print_backends(f);
        out("relayed now:\n");
        front_walk(f, print_relay, &n);
        if (n > SHOWN)
                out("  ... and more\n");
        print_figures(f);
        return 0;
}

void show_front(void)
{
        if (the_front_if_any() && !front_forwards_for(the_front_if_any()))
                out("front forwarded-for off\n");
}
