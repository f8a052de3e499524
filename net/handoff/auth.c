/* auth.c - the authenticator of a control segment: SipHash-2-4 over what it says and where it goes.
 * Not here: which message may come when (transfer.c, adoption.c). SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"
#include "siphash.h"

static u32 put32(u8 *at, u32 v)
{
        be32 b = be32_of(v);
        memcpy(at, &b, 4);
        return 4;
}

void auth_make(const struct cluster_keys *k, const struct auth_scope *a, const u8 *opts, u32 n_opts, const void *text, u32 n,
               u8 tag[HANDOFF_TAG])
{
        u8 m[36 + HANDOFF_NONCE + 8 + TCP_OPTS_MAX] = {a->kind, a->flags, (u8)n_opts, a->nonce != NULL};
        u32 at = 4;
        memcpy(m + at, &a->src, 4);
        memcpy(m + at + 4, &a->dst, 4);
        memcpy(m + at + 8, &a->ports, 4);
        at += 12;
        at += put32(m + at, a->seq);
        at += put32(m + at, a->ack);
        at += put32(m + at, a->first);
        at += put32(m + at, n);
        if (a->nonce)
                memcpy(m + at, a->nonce, HANDOFF_NONCE);
        at += HANDOFF_NONCE;
        u64 sum = siphash(k->text, text, n);
        memcpy(m + at, &sum, 8);
        at += 8;
        memcpy(m + at, opts, n_opts - HANDOFF_TAG);
        at += n_opts;
        sum = siphash(k->auth, m, at);
        memcpy(tag, &sum, HANDOFF_TAG);
}

bool auth_equal(const u8 a[HANDOFF_TAG], const u8 b[HANDOFF_TAG])
{
        u8 differ = 0;
        for (u32 i = 0; i < HANDOFF_TAG; i++)
                differ |= a[i] ^ b[i];
        return differ == 0;
}
