/* reply.h - the bytes of every reply in these tests, and a reader that compares them. SPDX-License-Identifier: MIT */
#ifndef REPLY_H
#define REPLY_H

#include "tcp.h"

enum { REPLY_MAX = 1 << 20 };

static inline u8 reply_byte(u32 at) { return (u8)(at * 13 + (at >> 7) + 5); }

/* REPLY_MAX bytes of it. */
static inline const u8 *reply_bytes(void)
{
        static u8 bytes[REPLY_MAX];
        if (!bytes[1])
                for (u32 i = 0; i < sizeof bytes; i++)
                        bytes[i] = reply_byte(i);
        return bytes;
}

/* Takes what t has, `*got` bytes into its reply, and closes at its end. */
static inline void reply_read(struct tcb *t, u32 *got, bool *bad)
{
        const u8 *p;
        u32 n;
        while ((n = tcp_peek(t, 0, &p)) != 0) {
                for (u32 i = 0; i < n; i++)
                        *bad |= p[i] != reply_byte(*got + i);
                *got += n;
                tcp_consume(t, n);
        }
        if (tcp_eof(t))
                tcp_close(t);
}

#endif
