/* cc_cubic.c - CUBIC (RFC 9438): C = 0.4, beta = 0.7, in bytes and milliseconds, without floating point.
 * SPDX-License-Identifier: MIT */
#include "engine.h"

/* Cube root, rounded down: three bits of the argument give one of the result. */
static u32 cbrt_u64(u64 x)
{
        u32 y = 0;
        for (s32 s = 63; s >= 0; s -= 3) {
                y <<= 1;
                u64 b = 3 * (u64)y * (y + 1) + 1;
                if ((x >> s) >= b) {
                        x -= b << s;
                        y++;
                }
        }
        return y;
}

/* 4.2: K = cbrt((W_max - cwnd) / C), windows in segments, K in milliseconds: cbrt(segments / 0.4 * 10^9). */
static void begin_epoch(struct tcb *t)
{
        struct flight *f = t->flight;
        f->epoch_on = true;
        f->epoch_ms = tcb_now_ms(t);
        f->acked_part = 0;
        f->w_est = t->cwnd;
        if (t->w_max > t->cwnd) {
                u32 segs = (t->w_max - t->cwnd) / t->mss;
                f->k_ms = cbrt_u64((u64)segs * 2500000000u);
                f->cubic_origin = t->w_max;
        } else {
                f->k_ms = 0;
                f->cubic_origin = t->cwnd;
        }
}

/* W_cubic(at) = C (t - K)^3 + origin, in bytes. */
static u32 w_cubic(const struct tcb *t, u32 at_ms)
{
        const struct flight *f = t->flight;
        s32 d = (s32)(at_ms - f->k_ms);
        u32 a = min_u32((u32)(d < 0 ? -d : d), 1000000);
        /* 0.4 (a / 1000)^3 segments: a^2 fits 40 bits, divided before it is multiplied again */
        u64 cube = (u64)a * a / 1000 * a / 1000;         /* thousandths of s^3 */
        u64 bytes = cube * t->mss * 4 / 10000;
        if (bytes > 0x3fffffff)
                bytes = 0x3fffffff;
        if (d < 0)
                return f->cubic_origin > bytes ? f->cubic_origin - (u32)bytes : t->mss;
        return f->cubic_origin + (u32)bytes;
}

static void acked(struct tcb *t, u32 bytes)
{
        struct flight *f = t->flight;
        if (!f->epoch_on)
                begin_epoch(t);
        u32 at = tcb_now_ms(t) - f->epoch_ms + (t->srtt_us >> 3) / 1000;
        u32 target = w_cubic(t, at), top = t->cwnd + t->cwnd / 2;
        if (target > top)
                target = top; /* 4.2: at most 1.5 times a round trip */
        /* 4.3: what Reno would have; alpha = 3 (1 - 0.7) / (1 + 0.7) = 9 / 17, and 1 once it passed the old window */
        f->w_est += (u32)((u64)bytes * t->mss / t->cwnd * (f->w_est >= t->w_max ? 17 : 9) / 17);
        if (target < f->w_est) {
                t->cwnd = max_u32(t->cwnd, f->w_est);
                return;
        }
        if (target <= t->cwnd)
                return;
        /* 4.4: (target - cwnd) / cwnd for each byte acknowledged */
        u64 inc = (u64)(target - t->cwnd) * bytes + f->acked_part;
        u32 step = (u32)(inc / t->cwnd);
        f->acked_part = (u32)(inc - (u64)step * t->cwnd);
        t->cwnd += step;
}

/* 4.6, and fast convergence of 4.7. */
static u32 ssthresh(struct tcb *t)
{
        u32 w = t->cwnd;
        t->w_max = w < t->w_max ? w / 20 * 17 : w;
        if (t->flight)
                t->flight->epoch_on = false;
        return w / 10 * 7;
}

const struct cc_ops cc_cubic = {acked, ssthresh};
