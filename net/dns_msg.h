/* dns_msg.h - DNS messages: what dns.c needs of their encoding.
 * SPDX-License-Identifier: MIT */
#ifndef DNS_MSG_H
#define DNS_MSG_H

#include "dns.h"

enum { DNS_A = 1, DNS_CNAME = 5, DNS_PTR = 12, DNS_MSG = 512 };

/* The name is one that can be asked for: labels of 1 to 63 bytes, at most 253 in all; a final dot is allowed. */
bool dns_name_ok(const char *name);
bool dns_name_eq(const char *a, const char *b);

/* Writes a recursive query to msg (DNS_MSG bytes); its length. */
u32 dns_ask(u8 *msg, u16 id, const char *name, u16 type);

enum dns_verdict { DNS_ALIEN, DNS_BROKEN, DNS_TRUNCATED, DNS_SERVER_FAILED, DNS_ANSWERED };
/* Reads n bytes as the answer to that query. DNS_ALIEN: not an answer to it at all. DNS_ANSWERED: *out is complete (err 0 or
 * E_NOENT). */
enum dns_verdict dns_read(const u8 *msg, u32 n, u16 id, const char *name, u16 type, struct dns_answer *out);

#endif
