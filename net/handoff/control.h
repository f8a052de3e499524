/* control.h - control segments of the handoff: the keys, what an authenticator covers, sending and reading them.
 * SPDX-License-Identifier: MIT */
#ifndef HANDOFF_CONTROL_H
#define HANDOFF_CONTROL_H

#include "handoff.h"
#include "../tcp/engine.h"
#include "../tcp/option144.h"

enum {
        HANDOFF_TAG = 8,                /* authenticator */
        HANDOFF_NONCE = 8,
        HANDOFF_PORT = 144,             /* notices: both ports */
        CTL_OVERHEAD = 20 + 20 + 40,
};

/* --- keys.c --- */
struct cluster_keys { u8 auth[16], text[16], cookie[16], isn[16]; };
/* Separate keys from a secret of n bytes. */
void cluster_keys_derive(const u8 *secret, u32 n, struct cluster_keys *out);

/* --- auth.c --- */
/* What a message is; part of what is authenticated, so that none can be taken for another. */
enum ctl_kind { CTL_51 = 1, CTL_MORE, CTL_52, CTL_53, CTL_REFUSAL, CTL_NOTICE, CTL_WITHDRAWN };

/* Everything that the authenticator covers beside the bytes. Addresses and ports as the receiver's header holds them. */
struct auth_scope {
        u8        kind, flags;
        ipaddr    src, dst;
        u32       ports, seq, ack;
        u32       first;                /* SEQ of 51, except in notices */
        const u8 *nonce; /* the sender's fresh number of this handoff; NULL in notices, whose entries have theirs, and in 51,
                          * whose block has it: unless it gives back, then that of the handoff that brought the connection */
};
/* opts: the TCP options with the tag's last 8 bytes as if zero. */
void auth_make(const struct cluster_keys *k, const struct auth_scope *a, const u8 *opts, u32 n_opts, const void *text, u32 n,
               u8 tag[HANDOFF_TAG]);
/* In constant time. */
bool auth_equal(const u8 a[HANDOFF_TAG], const u8 b[HANDOFF_TAG]);

/* --- segment.c: control segments --- */
struct ctl {
        struct auth_scope scope;        /* src is ours, ports as they go out */
        struct option144  opt;          /* beside hello and authenticator */
        u8                key;          /* of which secret: who asks uses the newest, who answers that of the question */
};
/* Sends p (consumed), whose bytes are the segment's text. */
void ctl_send(struct handoff *h, struct ctl *c, struct pkt *p);
/* A received segment: its option, and where its text lies. false: there is none, or it does not end the header, or the text is in
 * pieces. */
struct ctl_in { struct option144 opt; const u8 *opts, *text; u32 n_opts, n; u8 key; /* set by ctl_good */ };
bool ctl_read(const struct handoff *h, const struct tcp_hdr *th, const struct tcp_seg *s, const struct pkt *p, struct ctl_in *in);
/* The authenticator is right under one of the secrets. */
bool ctl_good(const struct handoff *h, struct ctl_in *in, u8 kind, const struct ip_hdr *ip, const struct tcp_hdr *th,
              const struct tcp_seg *s, u32 first, const u8 *nonce);

#endif
