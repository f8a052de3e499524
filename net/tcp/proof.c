/* proof.c - what proves that a client is where it says: a cookie that only somebody who receives there can have (RFC 7413's
 * spirit, design 6), and how many SYN,ACKs go out unproven. The two keys of all cookies, Fast Open's (tfo.c) and SYN cookies
 * (cookie.c) included: random ones that change every hour, or the cluster's, so that a takeover keeps cookies valid.
 * SPDX-License-Identifier: MIT */
#include "engine.h"
#include "mem.h"
#include "siphash.h"

static void random_key(struct tcp_state *ts, u8 key[16])
{
        for (u32 i = 0; i < 4; i++) {
                u32 r = stack_random(ts->st);
                memcpy(key + 4 * i, &r, 4);
        }
}

/* Two keys are good, so that a cookie lives through one change. */
static void turn_keys(struct tcp_state *ts)
{
        struct conv_state *c = ts->conv;
        u32 now = stack_now_ms(ts->st);
        if (c->shared_keys || (c->have_key && now - c->key_ms < PROOF_KEY_MS))
                return;
        if (c->have_key && now - c->key_ms < 2 * PROOF_KEY_MS)
                memcpy(c->key[1], c->key[0], sizeof c->key[1]);
        else
                random_key(ts, c->key[1]); /* nothing from before counts */
        random_key(ts, c->key[0]);
        c->have_key = true;
        c->key_ms = now;
}

const u8 (*cookie_keys(struct tcp_state *ts))[16]
{
        turn_keys(ts);
        return (const u8 (*)[16])ts->conv->key;
}

static void make(const u8 key[16], u32 raddr, u8 proof[OPTION144_PROOF])
{
        u32 msg[2] = {raddr, 0x51755265u};
        u64 h = siphash(key, msg, sizeof msg);
        memcpy(proof, &h, OPTION144_PROOF);
}

void proof_make(struct tcp_state *ts, u32 raddr, u8 proof[OPTION144_PROOF])
{
        make(cookie_keys(ts)[0], raddr, proof);
}

bool proof_good(struct tcp_state *ts, u32 raddr, const u8 proof[OPTION144_PROOF])
{
        u8 want[OPTION144_PROOF];
        for (u32 k = 0; k < COOKIE_KEYS; k++) {
                make(cookie_keys(ts)[k], raddr, want);
                if (!memcmp(want, proof, sizeof want))
                        return true;
        }
        ts->conv->count.cookies_bad++;
        return false;
}

void tcp_cluster_keys(struct stack *st, const u8 cookie[16], const u8 isn[16])
{
        struct conv_state *c = st->tcp->conv;
        turn_keys(st->tcp);
        memcpy(c->key[1], c->key[0], sizeof c->key[1]);
        memcpy(c->key[0], cookie, sizeof c->key[0]);
        memcpy(c->isn_key, isn, sizeof c->isn_key);
        st->tcp->isn_key = c->isn_key;
        isn_forget(st->tcp);
        if (!c->shared_keys)
                tcp_takeover(st); /* a machine that started may have been here before */
        c->have_key = c->shared_keys = true;
}

void tcp_takeover(struct stack *st)
{
        struct tcp_state *ts = st->tcp;
        ts->conv->took_over = ts->cookies_out = true;
        ts->conv->takeover_ms = ts->cookie_ms = stack_now_ms(st);
}

bool just_took_over(struct tcp_state *ts, u32 ms)
{
        u32 ago = stack_now_ms(ts->st) - ts->conv->takeover_ms;
        ts->conv->took_over &= ago < TAKEOVER_MS;
        return ts->conv->took_over && ago < ms;
}

bool synack_rate_ok(struct tcp_state *ts, u32 raddr)
{
        u32 second = stack_now_ms(ts->st) / 1000, i = raddr * ts->key[0] >> 26;
        if (ts->conv->rate[i].second != second) {
                ts->conv->rate[i].second = second;
                ts->conv->rate[i].n = 0;
        }
        if (ts->conv->rate[i].n++ < SYNACK_PER_SECOND)
                return true;
        ts->conv->count.refused_rate++;
        return false;
}
