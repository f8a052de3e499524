/* host.c - DNS lookups from the shell.
 * SPDX-License-Identifier: MIT */
#include "commands.h"
#include "dns.h"
#include "mem.h"

enum { LOOKUP_MS = 20000 };

/* A lookup outlives the command that Ctrl-C ended, so its place does too; a new one may begin when it is done. */
static struct lookup { volatile bool done, busy; struct dns_answer answer; } lookup;

static void note(void *ctx, const struct dns_answer *a)
{
        lookup.answer = *a;
        lookup.done = true;
        lookup.busy = false;
}

/* Asks for an address (PTR) or a name (A) and waits. 0, or a stack_err after a report. */
static int ask(const char *name, const ipaddr *addr)
{
        struct stack *st = plat_stack();
        ipaddr servers[DNS_SERVERS];
        int e;

        if (lookup.busy) {
                out("the last lookup is still waiting for an answer\n");
                return E_AGAIN;
        }
        if (!dns_servers(st, servers)) {
                out("no nameserver is configured\n");
                return E_UNREACH;
        }
        lookup.done = false;
        lookup.busy = true;
        e = addr ? dns_query_ptr(st, *addr, note, NULL) : dns_query(st, name, note, NULL);
        if (e < 0)
                lookup.busy = false;
        else if (!wait_for(&lookup.done, LOOKUP_MS))
                e = E_TIMEDOUT;
        else
                e = lookup.answer.err;
        if (e < 0)
                out("%s: %s\n", name, e == E_NOENT ? "there is no such name" : stack_strerror(e));
        return e;
}

/* RFC 1123 2.1: a name's last label is not all digits, so what is no address may still be no name. */
static bool can_be_name(const char *s)
{
        bool letter = false;

        for (; *s; s++)
                letter = (letter && !(*s == '.' && s[1])) || (*s != '.' && (*s < '0' || *s > '9'));
        return letter;
}

/* An address, or what may be a name (*is_addr says which). */
static bool take_either(struct words *w, const char **s, ipaddr *addr, bool *is_addr)
{
        static const char expected[] = "an address (four numbers up to 255) or a name (its last part not a number)";

        if (!take_word(w, "an address or a name", s))
                return false;
        *is_addr = text_addr(*s, addr);
        return *is_addr || can_be_name(*s) || words_fail(w, expected) == 0;
}

bool take_host(struct words *w, ipaddr *out_addr)
{
        const char *s;
        bool is_addr;

        if (!take_either(w, &s, out_addr, &is_addr))
                return false;
        if (is_addr)
                return true;
        if (ask(s, NULL) < 0)
                return false;
        *out_addr = lookup.answer.addr[0];
        return lookup.answer.n > 0;
}

int cmd_host(struct words *w)
{
        const char *s;
        ipaddr a;
        bool reverse;

        if (!take_either(w, &s, &a, &reverse) || !take_end(w))
                return -1;
        if (ask(s, reverse ? &a : NULL) < 0)
                return -1;
        if (reverse)
                out("%s is %s\n", s, lookup.answer.name);
        else if (lookup.answer.name[0] && !text_is(lookup.answer.name, s))
                out("%s is an alias of %s\n", s, lookup.answer.name);
        for (u32 i = 0; !reverse && i < lookup.answer.n; i++)
                out("%s has address %I (for %u s)\n", lookup.answer.name[0] ? lookup.answer.name : s, &lookup.answer.addr[i],
                    lookup.answer.ttl_s);
        return 0;
}
