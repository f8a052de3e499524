/* said.h - what the tests of conversations share: what is expected of each segment that was said, and of the end.
 * The labels R37 to R63 in the tests are the seed's. SPDX-License-Identifier: MIT */
#ifndef CONVERSATION_SAID_H
#define CONVERSATION_SAID_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#define DUO_CHECK
#include "talk.h"

#define test(f) cmocka_unit_test(f)

enum { C = DUO_CLIENT, S = DUO_SERVER };
static const char get[] = "GET /\r\n";
enum { GET = sizeof get - 1 };

/* The i-th segment said since `from`: who, flags, bytes of payload. */
#define expect_said(i, who, fl, len) do { \
        assert_true((i) < K.d->n_said); const struct said *s_ = &K.d->said[i]; \
        if (s_->from != (who) || s_->flags != (fl) || s_->n != (u32)(len)) \
                fail_msg("segment %u: %c %s %u bytes, expected %c %x %u", (unsigned)(i), \
                         s_->from ? 'S' : 'C', duo_flags(s_->flags), s_->n, \
                         (who) ? 'S' : 'C', (unsigned)(fl), (unsigned)(len)); } while (0)
/* The same, and whether it showed the option. */
#define expect_shown(i, who, fl, len, opt) do { \
        expect_said(i, who, fl, len); assert_int_equal(K.d->said[i].hello, opt); } while (0)
#define said_only(n) assert_int_equal(K.d->n_said, n)

static inline void show(void)
{
        for (u32 i = 0; getenv("SHOW") && i < K.d->n_said; i++) {
                const struct said *s = &K.d->said[i];
                printf("# %8u us %c %s seq %u ack %u len %u wnd %u opts %u%s%s\n", (u32)s->at_us, s->from ? 'S' : 'C',
                       duo_flags(s->flags), s->seq, s->ack, s->n, s->wnd,
                       s->n_opts, s->hello ? " QuRe" : "", s->eaten ? " eaten" : "");
        }
}

static inline void finished(void)
{
        duo_run(K.d, 3000);
        show();
        assert_int_equal(K.closed, 1);
        assert_int_equal(K.err, 0);
        assert_int_equal(K.server_err, 0);
        assert_true(talk_clean());
}

/* The first conversation teaches the client; what follows starts with packet 0. */
static inline void know_each_other(void)
{
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 3000);
        assert_int_equal(K.closed, 1);
        K.requests = K.accepted = K.server_closed = 0;
        K.d->n_said = 0;
}

static u32 nth;    /* of what is said: the one that the network eats */
static inline bool eat_nth(struct duo *d, const struct said *s, u8 *ip) { return d->n_said == nth; }

#endif
