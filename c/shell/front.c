/* front.c - `backend`, `rule` and `listen tcp`: who answers what. Not here: `front`, which shows it (front_show.c).
 * SPDX-License-Identifier: MIT */
#include "commands.h"
#include "fmt.h"
#include "front.h"

static struct front *front;

/* The one front, made when it is first spoken of. */
struct front *the_front(struct words *w)
{
        if (!front) {
                front = front_new(plat_stack(), 0);
                if (front && service_http())
                        front_attach(front, service_http());
        }
        if (!front)
                words_refuse(w, "out of memory for the front");
        return front;
}

struct front *the_front_if_any(void) { return front; }

void front_meets_http(struct http *h)
{
        if (front)
                front_attach(front, h);
}

/* --- backend --- */

/* ADDRESS:PORT for a relay; for a handoff the address alone, since the port stays what it is. */
static bool take_target(struct words *w, enum front_action action, struct front_addr *at)
{
        const char *s, *what = action == FRONT_RELAY ? "a target ADDRESS:PORT" : "a node's address a.b.c.d";
        char addr[16];
        u32 i = 0, port = 0;

        if (!take_word(w, what, &s))
                return false;
        while (s[i] && s[i] != ':' && i < sizeof(addr) - 1) {
                addr[i] = s[i];
                i++;
        }
        addr[i] = 0;
        bool good = action == FRONT_RELAY ? s[i] == ':' && text_u32(s + i + 1, 65535, &port) && port : !s[i];
        if (!good || !text_addr(addr, &at->addr)) {
                words_fail(w, what);
                return false;
        }
        at->port = (u16)port;
        return true;
}

static int refuse_backend(struct words *w, int e, const char *name)
{
        if (e == E_INVAL)
                return words_refuse(w, "the name '%s' is empty or too long: at most %u letters", name, (u32)FRONT_NAME - 1);
        if (e == E_NOENT)
                return words_refuse(w, "this image cannot hand connections over; use `backend %s relay ADDRESS:PORT`", name);
        return words_refuse(w, "there are %u backends already; take one back with `no backend NAME`", (u32)FRONT_BACKENDS);
}

int cmd_backend(struct words *w)
{
        struct front_addr at[FRONT_TARGETS];
        enum front_action action;
        const char *name;
        u32 n = 0;

        if (!take_word(w, "a name for the backend", &name))
                return -1;
        if (text_is(name, "local") || text_is(name, "through"))
                return words_refuse(w, "%s has a meaning of its own in rules; choose another", name);
        if (take_if(w, "relay"))
                action = FRONT_RELAY;
        else if (take_if(w, "handoff"))
                action = FRONT_HANDOFF;
        else
                return words_miss(w, "relay or handoff");
        do {
                if (n == FRONT_TARGETS)
                        return words_refuse(w, "at most %u targets in a backend", (u32)FRONT_TARGETS);
                if (!take_target(w, action, &at[n++]))
                        return -1;
        } while (words_more(w));
        if (!the_front(w) || (action == FRONT_HANDOFF && !cluster_meets_front(w, front)))
                return -1;
        int e = front_backend_set(front, name, action, at, n);
        if (e < 0)
                return refuse_backend(w, e, name);
        if (action == FRONT_HANDOFF)
                cluster_knows(at, n);
        return 0;
}

int no_backend(struct words *w)
{
        const char *name;

        if (!take_word(w, "a backend", &name))
                return -1;
        w->at = w->n; /* the whole line may be given */
        int e = front ? front_backend_del(front, name) : E_NOENT;
        if (e == E_INUSE)
                return words_refuse(w, "a rule or `listen tcp` names %s; take that back first (`front` shows them)", name);
        return e < 0 ? words_refuse(w, "there is no backend %s", name) : 0;
}

void show_backend(void)
{
        for (u32 i = 0; front && i < FRONT_BACKENDS; i++) {
                const struct front_backend *b = front_backend_at(front, i);

                if (!b)
                        continue;
                out("backend %w %s", b->name, b->action == FRONT_RELAY ? "relay" : "handoff");
                for (u32 k = 0; k < b->n; k++)
                        out(b->target[k].at.port ? " %I:%u" : " %I", &b->target[k].at.addr, b->target[k].at.port);
                out("\n");
        }
}

/* --- rule --- */

static bool take_text(struct words *w, const char *what, char *dst)
{
        const char *s;

        if (!take_word(w, what, &s))
                return false;
        if (fmt(dst, FRONT_TEXT, "%s", s) < FRONT_TEXT && *s)
                return true;
        words_refuse(w, "'%s' is empty or too long: at most %u characters", s, (u32)FRONT_TEXT - 1);
        return false;
}

static bool has_equals(struct words *w, const char *s)
{
        for (u32 i = 0; s[i]; i++)
                if (s[i] == '=' && i)
                        return true;
        words_fail(w, "KEY=VALUE");
        return false;
}

/* One condition; each kind at most once in a rule. */
static bool take_condition(struct words *w, struct front_rule *r)
{
        static const struct { const char *name; u8 cond; } kinds[] = {
                {"path", COND_PATH}, {"host", COND_HOST}, {"cookie", COND_COOKIE},
                {"etag", COND_ETAG}, {"source", COND_SOURCE}, {"port", COND_PORT},
        };
        u32 i = 0, port;

        while (i < COUNT_OF(kinds) && ((r->conds & kinds[i].cond) || !take_if(w, kinds[i].name)))
                i++;
        if (i == COUNT_OF(kinds)) {
                words_miss(w, "path, host, cookie, etag, source or port (each once)");
                return false;
        }
        r->conds |= kinds[i].cond;
        switch (kinds[i].cond) {
        case COND_PATH: return take_text(w, "the beginning of a path", r->path);
        case COND_HOST: return take_text(w, "a host name", r->host);
        case COND_COOKIE: return take_text(w, "KEY=VALUE", r->cookie) && has_equals(w, r->cookie);
        case COND_ETAG: return take_text(w, "the beginning of an entity tag", r->etag);
        case COND_SOURCE: return take_prefix(w, &r->net, &r->plen);
        default:
                if (!take_u32(w, "a port", 1, 65535, &port))
                        return false;
                r->port = (u16)port;
                return true;
        }
}

/* NAME CONDITION...; *name is NULL for the local site. */
static bool take_rule(struct words *w, const char **name, struct front_rule *r)
{
        *r = (struct front_rule){.conds = 0};
        if (!take_word(w, "a backend, or local", name))
                return false;
        do {
                if (!take_condition(w, r))
                        return false;
        } while (words_more(w));
        if (text_is(*name, "local"))
                *name = NULL;
        return true;
}

int cmd_rule(struct words *w)
{
        struct front_rule r;
        const char *name;

        if (!take_rule(w, &name, &r) || !the_front(w))
                return -1;
        int e = front_rule_add(front, name, &r);
        if (e == E_NOENT)
                return words_refuse(w, "there is no backend %s; its `backend` line must come before its rules", name);
        if (e == E_EXIST)
                return words_refuse(w, "this rule is there already");
        return e < 0 ? words_refuse(w, "there are %u rules already; take one back with `no rule ...`", (u32)FRONT_RULES) : 0;
}

int no_rule(struct words *w)
{
        struct front_rule r;
        const char *name;

        if (!take_rule(w, &name, &r))
                return -1;
        return front && front_rule_del(front, name, &r) == 0 ? 0 : words_refuse(w, "there is no such rule (`front` shows them)");
}

void front_print_rule(const struct front_rule *r)
{
        out("rule %w", r->backend == -1 ? "local" : r->backend < 0 ? "through" : front_backend_at(front, (u32)r->backend)->name);
        if (r->conds & COND_PATH)
                out(" path %w", r->path);
        if (r->conds & COND_HOST)
                out(" host %w", r->host);
        if (r->conds & COND_COOKIE)
                out(" cookie %w", r->cookie);
        if (r->conds & COND_ETAG)
                out(" etag %w", r->etag);
        if (r->conds & COND_SOURCE)
                out(" source %I/%u", &r->net, r->plen);
        if (r->conds & COND_PORT)
                out(" port %u", r->port);
}

void show_rule(void)
{
        const struct front_rule *r;

        for (u32 i = 0; front && (r = front_rule_at(front, i)); i++) {
                front_print_rule(r);
                out("\n");
        }
}

/* --- listen tcp PORT backend NAME [address ADDRESS] --- */

int listen_tcp(struct words *w, bool on)
{
        const char *name = "";
        ipaddr a = IPADDR_ANY;
        u32 port;

        if (!take_u32(w, "a port", 1, 65535, &port))
                return -1;
        if (take_if(w, "backend")) {
                if (!take_word(w, "a backend", &name))
                        return -1;
        } else if (on) {
                return words_miss(w, "backend NAME");
        }
        if ((take_if(w, "address") && !take_addr(w, &a)) || !take_end(w))
                return -1;
        if (!on)
                return front && front_unlisten(front, a, (u16)port) ? 0 : words_refuse(w, "tcp port %u is not relayed", port);
        if (!the_front(w))
                return -1;
        int e = front_listen(front, a, (u16)port, name);
        if (e == E_NOENT)
                return words_refuse(w, "there is no backend %s; its `backend` line must come first", name);
        return listen_done(w, port, e);
}

static void print_port(void *ctx, ipaddr addr, u16 port, const char *backend)
{
        out("listen tcp %u backend %w", port, backend);
        if (!ipaddr_is_any(addr))
                out(" address %I", &addr);
        out("\n");
}

void show_listen_tcp(void)
{
        if (front)
                front_port_walk(front, print_port, NULL);
}
