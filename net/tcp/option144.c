/* option144.c - option 144 read and written. Not here: what a sub-option means.
 * SPDX-License-Identifier: MIT */
#include "option144.h"
#include "mem.h"

static const u8 hello[4] = {'Q', 'u', 'R', 'e'}, hello_too[4] = {0x13, 0x37, 0xc0, 0xde};

/* RFC 6994: the shared kinds say which experiment they carry. */
static bool shared_kind(u8 kind) { return kind == 253 || kind == 254; }

/* Bytes of the sub-option at o, of which n are there; 0 where that cannot be. */
static u32 length(const u8 *o, u32 n)
{
        static const u8 fixed[] = {1, 5, 5, 3};
        u32 len = o[0] < sizeof fixed ? fixed[o[0]] : n < 2 || o[1] < 2 ? 0 : o[1];
        return len > n ? 0 : len;
}

/* The value of one sub-option; false when its length is another than its kind's. */
static bool take(struct option144 *x, const u8 *o, u32 len)
{
        switch (o[0]) {
        case 0:
                return true;
        case 1:
                return !memcmp(o + 1, hello, 4) || !memcmp(o + 1, hello_too, 4);
        case 2:
                memcpy(&x->addr, o + 1, 4);
                return true;
        case 3:
                x->port = (u16)(o[1] << 8 | o[2]);
                return true;
        case 4:
                x->block = len == 4 ? (u16)(o[2] << 8 | o[3]) : 0;
                return len == 4;
        case 5:
                memcpy(x->proof, o + 2, len == 10 ? 8 : 0);
                return len == 10;
        case 6:
                memcpy(x->auth, o + 2, len == 10 ? 8 : 0);
                return len == 10;
        }
        return true;
}

bool option144_read(const u8 *o, u32 len, struct option144 *out)
{
        u32 at = 2;
        *out = (struct option144){0};
        if (shared_kind(o[0])) {
                if (len < 4 || o[2] != 'Q' || o[3] != 'u')
                        return false;
                at = 4;
        }
        while (at < len) {
                u32 n = length(o + at, len - at);
                u8 bit = o[at] >= 1 && o[at] <= 6 ? (u8)(1 << (o[at] - 1)) : 0;
                if (!n || (out->has & bit) || !take(out, o + at, n)) {
                        *out = (struct option144){0};
                        return false;
                }
                out->has |= bit;
                at += n;
        }
        return true;
}

bool option144_find(const u8 *opts, u32 n, u8 kind, struct option144 *out)
{
        u32 at = 0;
        while (at < n && opts[at] != 0) {
                if (opts[at] == 1) {
                        at++;
                        continue;
                }
                if (n - at < 2 || opts[at + 1] < 2 || opts[at + 1] > n - at)
                        break;
                if (opts[at] == kind && option144_read(opts + at, opts[at + 1], out))
                        return true;
                at += opts[at + 1];
        }
        *out = (struct option144){0};
        return false;
}

static u32 put_long(u8 *o, u8 sub, const void *value, u8 n)
{
        o[0] = sub;
        o[1] = (u8)(2 + n);
        memcpy(o + 2, value, n);
        return 2u + n;
}

u32 option144_put(u8 *o, u8 kind, const struct option144 *in)
{
        u32 n = 2;
        o[0] = kind;
        if (shared_kind(kind))
                o[n++] = 'Q', o[n++] = 'u';
        if (in->has & O144_HELLO) {
                o[n] = 1;
                memcpy(o + n + 1, hello, 4);
                n += 5;
        }
        if (in->has & O144_HANDOFF) {
                o[n] = 2;
                memcpy(o + n + 1, &in->addr, 4);
                n += 5;
        }
        if (in->has & O144_PORT) {
                o[n++] = 3;
                o[n++] = (u8)(in->port >> 8);
                o[n++] = (u8)in->port;
        }
        if (in->has & O144_BLOCK)
                n += put_long(o + n, 4, (const u8[]){(u8)(in->block >> 8), (u8)in->block}, 2);
        if (in->has & O144_PROOF)
                n += put_long(o + n, 5, in->proof, 8);
        if (in->has & O144_AUTH)
                n += put_long(o + n, 6, in->auth, 8);
        o[1] = (u8)n;
        return n;
}
