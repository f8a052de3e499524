/* dns.h - stub resolver (RFC 1035, 5452): A and PTR, small cache, CNAME chains, retries over several servers.
 * SPDX-License-Identifier: MIT */
#ifndef DNS_H
#define DNS_H

#include "stack.h"

enum { DNS_NAME = 256, DNS_ADDRS = 8, DNS_SERVERS = 4 };

struct dns_answer { int err; u8 n; ipaddr addr[DNS_ADDRS]; u32 ttl_s; char name[DNS_NAME]; /* canonical, or the PTR's target */ };
/* Called exactly once per query, possibly before dns_query returns. err: 0, E_NOENT (no such name), E_TIMEDOUT, E_INVAL, E_UNREACH. */
typedef void dns_done_fn(void *ctx, const struct dns_answer *a);

/* 0, or a negative stack_err without a call of done: E_INVAL (no possible name), E_NOMEM (DNS_QUERIES at once), E_UNREACH (no
 * server known). A name in dotted-quad form is its own answer. No search list: names are complete. */
enum { DNS_QUERIES = 8 };
int  dns_query(struct stack *st, const char *name, dns_done_fn *done, void *ctx);
int  dns_query_ptr(struct stack *st, ipaddr addr, dns_done_fn *done, void *ctx);
/* Configured servers (origin IFADDR_STATIC) come before those learnt by DHCP. 0, E_EXIST, E_NOMEM, E_INVAL. */
int  dns_server_add(struct stack *st, ipaddr server, u8 origin);
bool dns_server_del(struct stack *st, ipaddr server);
void dns_server_flush(struct stack *st, u8 origin);
/* How many servers there are; the order is that of asking. */
u32  dns_servers(struct stack *st, ipaddr out[DNS_SERVERS]);

#endif
