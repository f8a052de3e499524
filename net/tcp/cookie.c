/* cookie.c - SYN cookies (RFC 4987 3.6): the half-open connection is kept in the sequence number, and with timestamps in TSval.
 *
 *      ISS    5 bits of a 64 s clock | 3 bits MSS | 24 bits keyed hash of names, IRS, clock, MSS
 *      TSval  our clock with its low 6 bits replaced: window scale (15 = none) | SACK << 4 | ECN << 5
 * SPDX-License-Identifier: MIT */
#include "engine.h"
#include "siphash.h"

enum { CLOCK_MS = 65536, CLOCKS_VALID = 2, NO_SCALE = 15 };

static const u16 mss_table[8] = {TCP_MSS_MIN, 216, 536, 1220, 1360, 1440, 1460, 8960};

static u32 hash(const u8 key[16], const struct synq *q, u32 clock, u32 mss)
{
        u32 msg[6] = {q->raddr, q->laddr, q->ports, q->irs, clock, mss | 0x51670000u};
        return (u32)siphash(key, msg, sizeof msg) & 0xffffff;
}

u32 cookie_make(struct tcp_state *ts, struct synq *q)
{
        u32 now = stack_now_ms(ts->st), clock = now / CLOCK_MS & 31, m = 0;
        while (m < 7 && mss_table[m + 1] <= q->peer_mss)
                m++;
        if (q->ts_ok) {
                u32 bits = (q->has_wscale ? q->snd_scale : NO_SCALE) | (u32)q->sack_ok << 4 | (u32)q->ecn_ok << 5;
                u32 v = (q->tsval & ~63u) | bits;
                q->tsval = v > q->tsval ? v - 64 : v;
        } else {
                q->has_wscale = q->sack_ok = q->ecn_ok = false; /* nowhere to remember them */
        }
        ts->cookies_out = true;
        ts->cookie_ms = now;
        ts->count.cookies_sent++;
        return clock << 27 | m << 24 | hash(cookie_keys(ts)[0], q, clock, m);
}

static bool good(struct tcp_state *ts, const struct synq *q, u32 clock, u32 m, u32 mac)
{
        for (u32 k = 0; k < COOKIE_KEYS; k++)
                if (hash(cookie_keys(ts)[k], q, clock, m) == mac)
                        return true;
        return false;
}

/* How many ticks old a cookie may be. The machine that this one took over from had a clock of its own. */
static u32 valid(struct tcp_state *ts) { return just_took_over(ts, CLOCK_MS * CLOCKS_VALID) ? 32 : CLOCKS_VALID; }

/* q has the names, and from the acknowledgement the sequence numbers; its options are read out of the cookie. */
bool cookie_check(struct tcp_state *ts, struct synq *q, const struct tcp_seg *s)
{
        u32 now = stack_now_ms(ts->st), iss = s->ack - 1, clock = iss >> 27, m = iss >> 24 & 7;
        if (!ts->cookies_out || now - ts->cookie_ms > CLOCK_MS * CLOCKS_VALID) {
                ts->cookies_out = false;
                return false;
        }
        q->irs = s->seq - 1;
        if (((now / CLOCK_MS - clock) & 31) >= valid(ts) || !good(ts, q, clock, m, iss & 0xffffff))
                return false;
        const struct tcp_opts *o = &q->l->opts;
        u32 bits = s->has_ts ? s->tsecr & 63 : NO_SCALE, scale = bits & 15;
        q->iss = iss;
        q->peer_mss = mss_table[m];
        q->has_wscale = scale != NO_SCALE && !o->no_wscale;
        q->snd_scale = q->has_wscale ? (u8)scale : 0;
        q->rcv_scale = q->has_wscale ? q->l->rcv_scale : 0;
        q->sack_ok = bits >> 4 & 1 && !o->no_sack;
        q->ecn_ok = bits >> 5 & 1 && o->ecn;
        q->ts_ok = s->has_ts && !o->no_timestamps;
        q->tries = 1; /* no round-trip sample */
        return true;
}
