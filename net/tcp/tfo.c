/* tfo.c - TCP Fast Open cookies (RFC 7413): given to clients, checked, and those that servers gave us.
 * SPDX-License-Identifier: MIT */
#include "engine.h"
#include "mem.h"
#include "siphash.h"

/* 4.1.2: bound to the client's address, under a key that changes. */
static void make(const u8 key[16], u32 raddr, u8 cookie[8])
{
        u32 msg[2] = {raddr, 0x7f0c00c1u};
        u64 h = siphash(key, msg, sizeof msg);
        memcpy(cookie, &h, 8);
}

void tfo_cookie(struct tcp_state *ts, u32 raddr, u8 cookie[8]) { make(cookie_keys(ts)[0], raddr, cookie); }

bool tfo_cookie_ok(struct tcp_state *ts, u32 raddr, const u8 *cookie, u32 n)
{
        u8 good[8];
        for (u32 k = 0; k < COOKIE_KEYS && n == sizeof good; k++) {
                make(cookie_keys(ts)[k], raddr, good);
                if (!memcmp(cookie, good, sizeof good))
                        return true;
        }
        return false;
}

struct tfo_peer *tfo_find(struct tcp_state *ts, u32 addr)
{
        for (u32 i = 0; i < TCP_TFO_CACHE; i++)
                if (ts->tfo[i].addr == addr && ts->tfo[i].len)
                        return &ts->tfo[i];
        return NULL;
}

/* 4.1.3: bounded, the one used longest ago makes room. */
void tfo_learn(struct tcp_state *ts, u32 addr, const u8 *cookie, u8 n, u16 mss)
{
        struct tfo_peer *slot = tfo_find(ts, addr);
        for (u32 i = 0; !slot && i < TCP_TFO_CACHE; i++)
                if (!ts->tfo[i].len)
                        slot = &ts->tfo[i];
        if (!slot) {
                slot = &ts->tfo[0];
                for (u32 i = 1; i < TCP_TFO_CACHE; i++)
                        if ((s32)(ts->tfo[i].used - slot->used) < 0)
                                slot = &ts->tfo[i];
        }
        *slot = (struct tfo_peer){.addr = addr, .len = n, .mss = mss, .used = ++ts->tfo_clock};
        memcpy(slot->cookie, cookie, n);
}
