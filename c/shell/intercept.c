/* intercept.c - `intercept`: connections that pass through this machine, taken to be read, decided on, and let through.
 * SPDX-License-Identifier: MIT */
#include "commands.h"
#include "front_through.h"
#include "ip.h"

enum { SHOWN = 40 }; /* connections printed at most */

static struct through *through;

/* Made when it is first spoken of, with the front, which decides. */
static struct through *the_through(struct words *w)
{
        struct front *f = the_front(w);

        if (!f)
                return NULL;
        if (!through && !(through = through_new(plat_stack(), 0)))
                words_refuse(w, "out of memory for passages");
        if (through)
                front_through_attach(f, through);
        return through;
}

static bool take_port(struct words *w, u32 *port, ipaddr *net, u8 *plen)
{
        *net = IPADDR_ANY;
        *plen = 0;
        if (!take_if(w, "tcp")) {
                words_miss(w, "tcp");
                return false;
        }
        if (!take_u32(w, "a port", 1, 65535, port) || (take_if(w, "net") && !take_prefix(w, net, plen)) || !take_end(w))
                return false;
        net->v4 = be32_from_raw(be32_raw(net->v4) & be32_raw(ipaddr_mask(*plen).v4));
        return true;
}

static void print_port(void *ctx, u16 port, ipaddr net, u8 plen)
{
        out("intercept tcp %u", port);
        if (plen)
                out(" net %I/%u", &net, plen);
        out("\n");
}

void show_intercept(void)
{
        if (through)
                through_walk(through, print_port, NULL);
}

static bool print_passage(void *ctx, const struct through_passage *p)
{
        u32 *n = ctx;

        if (++*n > SHOWN)
                return false;
        out("  %I:%u -> %I:%u  %s, idle %u s\n", &p->client, p->client_port, &p->target, p->target_port, p->state, p->idle_s);
        return !stop_pressed();
}

static int show(void)
{
        struct through_counters c;
        u32 n = 0;

        if (!through) {
                out("Nothing is intercepted.\n");
                return 0;
        }
        show_intercept();
        if (!ip_forwards(plat_stack()))
                out("but forwarding is off\n");
        through_passages(through, print_passage, &n);
        if (n > SHOWN)
                out("  ...\n");
        through_counters(through, &c);
        out("taken: %u; let through: %u of %u begun, %u now, %u at most\n", c.taken, c.through, c.begun, c.passages,
            c.passages_max);
        out("targets that refused: %u, silent: %u, with other options: %u; table full: %u\n", c.refused, c.silent, c.differs,
            c.full);
        out("packets rewritten: %u; kept meanwhile: %u, lost: %u, too early: %u; passages expired: %u\n", c.translated, c.kept,
            c.kept_lost, c.early, c.expired);
        return 0;
}

int cmd_intercept(struct words *w)
{
        ipaddr net;
        u32 port;
        u8 plen;

        if (!words_more(w))
                return show();
        if (!take_port(w, &port, &net, &plen))
                return -1;
        if (!ip_forwards(plat_stack()))
                return words_refuse(w, "nothing passes through: `forwarding on` must come first");
        if (!the_through(w))
                return -1;
        int e = through_intercept(through, (u16)port, net, plen);
        return e == E_NOMEM ? words_refuse(w, "at most %u lines of intercept", (u32)THROUGH_PORTS) : 0;
}

int no_intercept(struct words *w)
{
        ipaddr net;
        u32 port;
        u8 plen;

        if (!take_port(w, &port, &net, &plen))
                return -1;
        if (through && through_leave(through, (u16)port, net, plen) == 0)
                return 0;
        return words_refuse(w, "tcp port %u is not intercepted so (`intercept` shows what is)", port);
}
