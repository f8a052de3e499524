/* migrate.c - `migrate` and `drain`: connections that live here go to another node while they work. What stays is
 * named with the reason. SPDX-License-Identifier: MIT */
#include "commands.h"
#include "handoff.h"

enum { NAMED = 40 };

struct said { u32 stay; };

static void stays(void *ctx, ipaddr client, u16 port, const char *why)
{
        struct said *s = ctx;

        if (s->stay++ < NAMED)
                out("%I:%u stays: %s\n", &client, port, why);
}

static struct handoff *cluster(struct words *w)
{
        struct handoff *h = handoff_of(plat_stack());

        if (!h || !handoff_has_secret(h)) {
                words_refuse(w, "there is no cluster to move anything in: `cluster secret` and `service address` come first");
                return NULL;
        }
        return h;
}

/* all, port N, ADDRESS or ADDRESS:PORT of a client. */
static bool take_which(struct words *w, struct handoff_which *out)
{
        const char *s;
        char addr[16];
        u32 i = 0, port = 0;

        *out = (struct handoff_which){.client = IPADDR_ANY};
        if (take_if(w, "all"))
                return true;
        if (take_if(w, "port")) {
                if (!take_u32(w, "a port", 1, 65535, &port))
                        return false;
                out->service_port = (u16)port;
                return true;
        }
        if (!take_word(w, "all, port N or a client ADDRESS[:PORT]", &s))
                return false;
        while (s[i] && s[i] != ':' && i < sizeof(addr) - 1) {
                addr[i] = s[i];
                i++;
        }
        addr[i] = 0;
        bool good = text_addr(addr, &out->client) && (!s[i] || (s[i] == ':' && text_u32(s + i + 1, 65535, &port) && port));
        out->client_port = (u16)port;
        if (!good)
                words_fail(w, "all, port N or a client ADDRESS[:PORT]");
        return good;
}

int cmd_migrate(struct words *w)
{
        struct handoff_which which;
        struct said s = {0};
        struct handoff *h;
        ipaddr node;

        if (!take_which(w, &which))
                return -1;
        if (!take_if(w, "to"))
                return words_miss(w, "to");
        if (!take_addr(w, &node) || !take_end(w) || !(h = cluster(w)))
                return -1;
        u32 n = handoff_migrate(h, &which, node, stays, &s);
        if (!n && !s.stay)
                return words_refuse(w, "no such connection lives here; `flows` shows those that live elsewhere, and where");
        out("%u on their way to %I, %u stay; `flows` counts what arrived\n", n, &node, s.stay);
        return 0;
}

int cmd_drain(struct words *w)
{
        const struct handoff_which all = {.client = IPADDR_ANY};
        struct handoff_counters c;
        struct said s = {0};
        struct handoff *h;

        if (!take_end(w) || !(h = cluster(w)))
                return -1;
        if (!handoff_drain(h, true))
                return words_refuse(w, "a service address is this machine's own, so all its clients come here: give the "
                                       "address to another machine first, then drain this one");
        u32 n = handoff_migrate(h, &all, IPADDR_BCAST, stays, &s);
        handoff_counters(h, &c);
        out("draining: nothing is taken any more; %u on their way, %u stay, %u left here; %u gone so far\n", n, s.stay, c.owned,
            c.moved);
        return 0;
}

int no_drain(struct words *w)
{
        struct handoff *h;

        if (!take_end(w) || !(h = cluster(w)))
                return -1;
        handoff_drain(h, false);
        return 0;
}
