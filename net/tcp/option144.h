/* option144.h - TCP option 144 (R57 to R66): 144, length, then sub-options in a number space of their own.
 *
 *      0                      padding inside the option
 *      1  'Q' 'u' 'R' 'e'     hello; 0x1337c0de is taken as its synonym (R59)
 *      2  IPv4 (4)            handoff: the client's address (R60)
 *      3  port (2)            handoff: the client's port, where the segment's differs (R61)
 *      4  4  length (2)       handoff: so many first bytes of this SYN's data are the control block
 *      5  10 proof (8)        address proof (proof.c)
 *      6  10 authenticator (8) between nodes of a cluster
 *      7.. length, ...        later kinds carry their own length, so that unknown ones are skipped
 *
 * The kind is a setting; 253 and 254 (RFC 6994) put the experiment 'Q' 'u' behind the length.
 * SPDX-License-Identifier: MIT */
#ifndef OPTION144_H
#define OPTION144_H

#include "addr.h"

enum { OPTION144 = 144, OPTION144_MAX = 41, OPTION144_PROOF = 8 };

enum option144_has { O144_HELLO = 1, O144_HANDOFF = 2, O144_PORT = 4, O144_BLOCK = 8, O144_PROOF = 16, O144_AUTH = 32 };

struct option144 {
        u8     has;                    /* enum option144_has: which of the following count */
        ipaddr addr;                   /* 2 */
        u16    port, block;            /* 3, 4; host order */
        u8     proof[OPTION144_PROOF]; /* 5 */
        u8     auth[OPTION144_PROOF];  /* 6 */
};

/* Reads the option's `len` bytes at o, kind and length included (len is what the length byte says, checked against the header).
 * false where a sub-option does not fit, has another length than its kind, or comes twice: then nothing of it counts. */
bool option144_read(const u8 *o, u32 len, struct option144 *out);

/* Finds and reads the option of this kind in n bytes of TCP options. false when it is not there or not well formed. */
bool option144_find(const u8 *opts, u32 n, u8 kind, struct option144 *out);

/* Writes the option with what `in->has` names, sub-kinds ascending; bytes written (at most OPTION144_MAX). */
u32 option144_put(u8 *o, u8 kind, const struct option144 *in);

#endif
