/* proof.c - what proves that a client is where it says: a cookie that only somebody who receives there can have (RFC 7413's
 * spirit, design 6), under a key that changes every hour; and how many SYN,ACKs go out unproven.
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
        if (c->fixed_key || (c->have_key && now - c->key_ms < PROOF_KEY_MS))
                return;
        if (c->have_key && now - c->key_ms < 2 * PROOF_KEY_MS)
                memcpy(c->key[1], c->key[0], sizeof c->key[1]);
        else
                random_key(ts, c->key[1]); /* nothing from before counts */
        random_key(ts, c->key[0]);
        c->have_key = true;
        c->key_ms = now;
}

static void make(const u8 key[16], u32 raddr, u8 proof[OPTION144_PROOF])
{
        u32 msg[2] = {raddr, 0x51755265u};
        u64 h = siphash(key, msg, sizeof msg);
        memcpy(proof, &h, OPTION144_PROOF);
}

void proof_make(struct tcp_state *ts, u32 raddr, u8 proof[OPTION144_PROOF])
{
        turn_keys(ts);
        make(ts->conv->key[0], raddr, proof);
}

bool proof_good(struct tcp_state *ts, u32 raddr, const u8 proof[OPTION144_PROOF])
{
        u8 want[OPTION144_PROOF];
        turn_keys(ts);
        for (u32 k = 0; k < 2; k++) {
                make(ts->conv->key[k], raddr, want);
                if (!memcmp(want, proof, sizeof want))
                        return true;
        }
        ts->conv->count.cookies_bad++;
        return false;
}

void tcp_proof_key(struct stack *st, const u8 key[16])
{
        struct conv_state *c = st->tcp->conv;
        turn_keys(st->tcp);
        memcpy(c->key[1], c->key[0], sizeof c->key[1]);
        memcpy(c->key[0], key, sizeof c->key[0]);
        c->have_key = c->fixed_key = true;
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
