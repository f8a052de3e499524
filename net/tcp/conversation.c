/* conversation.c - what a connection has more when its peer speaks QuRe: its pool, settings and counters.
 * Not here: our SYN (conv_syn.c), the client's side (conv_client.c), listeners (conv_listen.c), directions (channel.c).
 * SPDX-License-Identifier: MIT */
#include "channel.h"
#include "engine.h"

bool conv_init(struct tcp_state *ts)
{
        const struct stack_config *cfg = &ts->st->cfg;
        struct conv_state *c = stack_alloc(ts->st, sizeof *c, 64);
        ts->conv = c;
        if (!c)
                return false;
        c->kind = OPTION144;
        c->n_pool = min_u32(cfg->n_tcbs < 256 ? cfg->n_tcbs : 256 + cfg->n_tcbs / 8, 65535);
        c->pool = stack_alloc(ts->st, c->n_pool * sizeof *c->pool, 16);
        for (u32 i = c->n_pool; c->pool && i-- > 0;) {
                c->pool[i].next = c->free;
                c->free = &c->pool[i];
        }
        return c->pool && replay_init(ts);
}

void tcp_option_kind(struct stack *st, u8 kind) { st->tcp->conv->kind = kind; }

void tcp_conv_info(struct stack *st, struct tcp_conv_info *out)
{
        const struct conv_state *c = st->tcp->conv;
        const struct conv_counters *n = &c->count;
        *out = (struct tcp_conv_info){.kind = c->kind, .hellos = n->hellos, .early = n->early, .unproven = n->unproven,
                                      .held = n->held, .replays = n->replays,
                                      .fallbacks = n->fallbacks, .reopened = n->reopened, .rate_limited = n->refused_rate,
                                              .bad_cookies = n->cookies_bad,
                                      .now = c->n_used};
        for (u32 i = 0; i < PEERS; i++)
                out->peers += c->peer[i].addr && c->peer[i].kind != PEER_PLAIN;
}

bool tcp_is_qure(const struct tcb *t) { return t->conv && (conv_of(t)->flags & CV_MET); }
bool tcp_proven(const struct tcb *t) { return t->conv ? (conv_of(t)->flags & CV_PROVEN) != 0 : (t->state & SYN_ACK_RX) != 0; }

struct conv *conv_new(struct tcb *t)
{
        struct conv_state *cs = t->ts->conv;
        struct conv *c = cs->free;
        if (!c)
                return NULL;
        cs->free = c->next;
        cs->n_used++;
        t->conv = (u16)(c - cs->pool + 1);
        return c;
}

void conv_free(struct tcb *t)
{
        if (!t->conv)
                return;
        struct conv_state *cs = t->ts->conv;
        struct conv *c = conv_of(t);
        c->next = cs->free;
        cs->free = c;
        cs->n_used--;
        t->conv = 0;
        tcp_predict(t);
}
