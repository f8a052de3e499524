/* dns_msg.c - write DNS queries and read answers (RFC 1035 4), trusting no length and no pointer.
 * Names are compared as text, so a label with a dot or a byte that is not printable makes the message broken.
 * SPDX-License-Identifier: MIT */
#include "dns_msg.h"
#include "mem.h"

struct dns_hdr { be16 id, flags, qd, an, ns, ar; };
_Static_assert(sizeof(struct dns_hdr) == 12, "RFC 1035 4.1.1");

enum { QR = 0x8000, OPCODE = 0x7800, TC = 0x0200, RD = 0x0100, RCODE = 0x000f };
enum { NXDOMAIN = 3, CLASS_IN = 1, MAX_CHAIN = 8, NEGATIVE_TTL_S = 30, MAX_TTL_S = 86400 };

bool dns_name_ok(const char *name)
{
        u32 label = 0, n = 0;
        for (; name[n]; n++) {
                if (n >= 254)
                        return false;
                if (name[n] == '.') {
                        if (!label)
                                return false;
                        label = 0;
                } else if (name[n] <= ' ' || name[n] > '~' || ++label > 63) {
                        return false;
                }
        }
        return n > 0 && (n < 254 || name[n - 1] == '.');
}

static u8 lower(char c) { return c >= 'A' && c <= 'Z' ? (u8)(c | 32) : (u8)c; }

/* RFC 4343: case does not matter; nor does a final dot. */
bool dns_name_eq(const char *a, const char *b)
{
        while (*a && lower(*a) == lower(*b)) {
                a++;
                b++;
        }
        if (*a == '.' && !a[1])
                a++;
        if (*b == '.' && !b[1])
                b++;
        return !*a && !*b;
}

u32 dns_ask(u8 *msg, u16 id, const char *name, u16 type)
{
        struct dns_hdr h = {be16_of(id), be16_of(RD), be16_of(1), be16_of(0), be16_of(0), be16_of(0)};
        u8 *at = msg + sizeof h, *len = at++;
        memcpy(msg, &h, sizeof h);
        for (*len = 0; *name; name++) {
                if (*name == '.') {
                        len = at++;
                        *len = 0;
                } else {
                        *at++ = (u8)*name;
                        ++*len;
                }
        }
        if (*len)
                *at++ = 0;
        be16 tail[2] = {be16_of(type), be16_of(CLASS_IN)};
        memcpy(at, tail, sizeof tail);
        return (u32)(at - msg) + sizeof tail;
}

/* A message under examination. */
struct reader { const u8 *msg; u32 n; };

/* Reads the name at off as text; the offset behind it, or 0 when it is broken. Every pointer must lead further back than all
 * before it (RFC 1035 4.1.4: "a prior occurrence"), so that there is an end. */
static u32 get_name(const struct reader *r, u32 off, char out[DNS_NAME])
{
        u32 len = 0, after = 0, limit = off;
        for (;;) {
                if (off >= r->n)
                        return 0;
                u8 c = r->msg[off++];
                if ((c & 0xc0) == 0xc0) {
                        if (off >= r->n)
                                return 0;
                        u32 to = (c & 0x3fu) << 8 | r->msg[off++];
                        if (!after)
                                after = off;
                        if (to >= limit)
                                return 0;
                        off = limit = to;
                        continue;
                }
                if (c == 0)
                        break;
                if (c > 63 || off + c > r->n || len + c + 1 > 254)
                        return 0;
                if (len)
                        out[len++] = '.';
                for (u32 i = 0; i < c; i++) {
                        u8 b = r->msg[off++];
                        if (b <= ' ' || b > '~' || b == '.')
                                return 0;
                        out[len++] = (char)b;
                }
        }
        out[len] = 0;
        return after ? after : off;
}

static u16 get16(const struct reader *r, u32 off) { return (u16)(r->msg[off] << 8 | r->msg[off + 1]); }

/* One resource record (RFC 1035 4.1.3). */
struct rr { char owner[DNS_NAME]; u16 type, rclass, len; u32 ttl, data; };

/* The record at off; the offset behind it, or 0. */
static u32 get_rr(const struct reader *r, u32 off, struct rr *rr)
{
        off = get_name(r, off, rr->owner);
        if (!off || off + 10 > r->n)
                return 0;
        rr->type = get16(r, off);
        rr->rclass = get16(r, off + 2);
        rr->ttl = (u32)get16(r, off + 4) << 16 | get16(r, off + 6);
        rr->len = get16(r, off + 8);
        rr->data = off + 10;
        return rr->data + rr->len <= r->n ? rr->data + rr->len : 0;
}

/* One pass over the answers for the owner out->name: addresses (or the PTR's target) are taken; an alias moves out->name.
 * 1: found, 0: nothing, -1: broken, 2: an alias, go round again. */
static int pass(const struct reader *r, u32 off, u32 count, u16 type, struct dns_answer *out)
{
        struct rr rr;
        int found = 0;
        while (count--) {
                off = get_rr(r, off, &rr);
                if (!off)
                        return -1;
                if (rr.rclass != CLASS_IN || !dns_name_eq(rr.owner, out->name))
                        continue;
                if (rr.type != type && rr.type != DNS_CNAME)
                        continue;
                out->ttl_s = min_u32(out->ttl_s, rr.ttl >> 31 ? 0 : rr.ttl);
                if (rr.type == DNS_A) {
                        if (rr.len != 4)
                                return -1;
                        if (out->n < DNS_ADDRS)
                                memcpy(&out->addr[out->n++], r->msg + rr.data, 4);
                        found = 1;
                } else if (!found) {
                        if (!get_name(r, rr.data, out->name))
                                return -1;
                        return rr.type == DNS_CNAME ? 2 : 1;
                }
        }
        return found;
}

enum dns_verdict dns_read(const u8 *msg, u32 n, u16 id, const char *name, u16 type, struct dns_answer *out)
{
        struct reader r = {msg, n};
        struct dns_hdr h;
        char asked[DNS_NAME];
        if (n < sizeof h)
                return DNS_ALIEN;
        memcpy(&h, msg, sizeof h);
        u16 flags = be16_get(h.flags);
        if (be16_get(h.id) != id || !(flags & QR) || flags & OPCODE || be16_get(h.qd) != 1)
                return DNS_ALIEN;
        u32 off = get_name(&r, sizeof h, asked);
        if (!off || off + 4 > n || !dns_name_eq(asked, name) || get16(&r, off) != type || get16(&r, off + 2) != CLASS_IN)
                return DNS_ALIEN;
        if (flags & TC)
                return DNS_TRUNCATED;
        if ((flags & RCODE) && (flags & RCODE) != NXDOMAIN)
                return DNS_SERVER_FAILED;
        memset(out, 0, sizeof *out);
        out->ttl_s = MAX_TTL_S;
        memcpy(out->name, asked, sizeof asked);
        int got = 2;
        for (u32 i = 0; got == 2 && i < MAX_CHAIN; i++)
                got = pass(&r, off + 4, be16_get(h.an), type, out);
        if (got < 0)
                return DNS_BROKEN;
        if (got != 1) {
                out->err = E_NOENT;
                out->ttl_s = NEGATIVE_TTL_S;
        }
        return DNS_ANSWERED;
}
