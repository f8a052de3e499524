/* peers.c - what is remembered of the services we talked to (R49, R63): that they speak QuRe and their cookie for us, or that
 * they, or the network before them, do not. Bounded, and it ages. SPDX-License-Identifier: MIT */
#include "engine.h"
#include "mem.h"

static struct peer *set_of(struct conv_state *c, u32 addr, u16 port)
{
        u32 h = (addr ^ (u32)port << 16 ^ port) * 0x9e3779b1u; /* chosen by us, not by strangers: no key needed */
        return &c->peer[(h >> 16) % (PEERS / PEER_WAYS) * PEER_WAYS];
}

static bool too_old(const struct tcp_state *ts, const struct peer *p)
{
        u32 age = stack_now_ms(ts->st) - p->learned_ms;
        return (p->kind == PEER_QURE && age >= PEER_QURE_MS) || (p->kind == PEER_PLAIN && age >= PEER_PLAIN_MS);
}

static struct peer *find(struct tcp_state *ts, u32 addr, u16 port)
{
        struct peer *set = set_of(ts->conv, addr, port);
        for (u32 i = 0; i < PEER_WAYS; i++) {
                if (set[i].addr != addr || set[i].port != port)
                        continue;
                if (too_old(ts, &set[i])) {
                        set[i].addr = 0;
                        return NULL;
                }
                set[i].used = ++ts->conv->peer_clock;
                return &set[i];
        }
        return NULL;
}

struct peer *peer_find(struct tcp_state *ts, u32 addr, u16 port)
{
        struct peer *p = find(ts, addr, port);
        return p ? p : find(ts, addr, 0);
}

/* Its own place, a free one, or that of the one used longest ago; members of the cluster stay. */
static struct peer *place(struct tcp_state *ts, u32 addr, u16 port)
{
        struct peer *set = set_of(ts->conv, addr, port), *p = find(ts, addr, port);
        for (u32 i = 0; !p && i < PEER_WAYS; i++)
                if (!set[i].addr || too_old(ts, &set[i]))
                        p = &set[i];
        if (p)
                return p;
        for (u32 i = 0; i < PEER_WAYS; i++)
                if (set[i].kind != PEER_MEMBER && (!p || (s32)(set[i].used - p->used) < 0))
                        p = &set[i];
        return p;
}

void peer_learn(struct tcp_state *ts, u32 addr, u16 port, enum peer_kind kind, const u8 *cookie, u16 mss)
{
        struct peer *p = place(ts, addr, port);
        if (!p)
                return;
        u8 kept[OPTION144_PROOF];
        if (p->addr == addr && p->port == port) {
                if (p->kind == PEER_MEMBER && kind == PEER_QURE)
                        kind = PEER_MEMBER;
                if (!cookie && p->has_cookie && kind != PEER_PLAIN) /* it is as good as it was */
                        cookie = memcpy(kept, p->cookie, sizeof kept);
        }
        *p = (struct peer){.addr = addr, .port = port, .kind = (u8)kind, .mss = mss, .learned_ms = stack_now_ms(ts->st),
                           .has_cookie = cookie != NULL,
                           .used = ++ts->conv->peer_clock};
        if (cookie)
                memcpy(p->cookie, cookie, sizeof p->cookie);
}

void tcp_peer_member(struct stack *st, ipaddr addr, u16 port)
{
        peer_learn(st->tcp, be32_raw(addr.v4), port, PEER_MEMBER, NULL, TCP_MSS_DEFAULT);
}

void tcp_peer_forget(struct stack *st, ipaddr addr, u16 port)
{
        struct peer *p = find(st->tcp, be32_raw(addr.v4), port);
        if (p)
                p->addr = 0;
}
