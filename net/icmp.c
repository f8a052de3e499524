/* icmp.c - ICMP (RFC 792, 1122 3.2.2): answer echo, report errors sparingly, believe errors that quote us.
 * Redirects are not followed and source quench is not obeyed (RFC 6633); both are counted. No timestamps, no address masks.
 * SPDX-License-Identifier: MIT */
#include "icmp.h"
#include "cksum.h"
#include "mem.h"
#include "tokens.h"

enum {
        QUOTE_MAX = 548,      /* RFC 1812 4.3.2.3: the whole error fits 576 bytes */
        TOS_CONTROL = 0xc0,   /* RFC 1812 4.3.2.5 */
};

struct icmp_state {
        struct tokens errors;
        void        (*fn)(void *ctx, const struct icmp_event *);
        void         *ctx;
        icmp_quote_fn *quote;
        void          *quote_ctx;
};

static void icmp_rx(struct stack *st, struct pkt *p, const struct ip_hdr *ip);

bool icmp_init(struct stack *st)
{
        st->icmp = stack_alloc(st, sizeof *st->icmp, 16);
        if (!st->icmp)
                return false;
        ip_proto(st, IPPROTO_ICMP_, icmp_rx);
        return true;
}

void icmp_on_event(struct stack *st, void (*fn)(void *ctx, const struct icmp_event *), void *ctx)
{
        st->icmp->fn = fn;
        st->icmp->ctx = ctx;
}

void icmp_on_quote(struct stack *st, icmp_quote_fn *fn, void *ctx)
{
        st->icmp->quote = fn;
        st->icmp->quote_ctx = ctx;
}

static void tell(struct stack *st, const struct icmp_event *ev)
{
        if (st->icmp->fn)
                st->icmp->fn(st->icmp->ctx, ev);
}

static u16 sum_of(const struct pkt *p)
{
        u32 sum = 0, done = 0;
        for (; p; p = p->chain) {
                u32 s = cksum_add(0, p->data, p->len);
                sum = cksum_plus(sum, done & 1 ? cksum_odd(s) : s);
                done += p->len;
        }
        return cksum_fold(sum);
}

/* RFC 1122 3.2.2: never about an ICMP error, a later fragment, anything to a group or from nobody in particular. */
static bool may_report(struct stack *st, const struct pkt *orig, const struct ip_hdr *ip)
{
        const u8 *end = orig->data + orig->len, *l4 = (const u8 *)ip + (ip->vhl & 15) * 4;
        if (ip->proto == IPPROTO_ICMP_ && (l4 >= end || *l4 != ICMP_ECHO))
                return false;
        if (be16_get(ip->frag) & IP_OFFSET || orig->flags & PKT_BCAST)
                return false;
        if (ipaddr_is_mcast(ip->dst) || (orig->nif && ip_is_broadcast(orig->nif, ip->dst)))
                return false;
        return !ipaddr_is_any(ip->src) && ip->src.v4.b[0] < 0xe0 && (!ipaddr_is_loopback(ip->src) || ip_is_ours(st, ip->dst)) &&
               !(orig->nif && ip_is_broadcast(orig->nif, ip->src));
}

void icmp_error(struct stack *st, const struct pkt *orig, u8 type, u8 code, u16 mtu)
{
        const struct ip_hdr *ip = (const struct ip_hdr *)(orig->head + orig->l3);
        if (!may_report(st, orig, ip))
                return;
        if (!tokens_take(&st->icmp->errors, stack_now_ms(st), ICMP_ERRORS_PER_S, ICMP_ERRORS_BURST)) {
                st->pkts.drops[DROP_ICMP_RATE]++;
                return;
        }
        struct pkt *p = pkt_alloc(&st->pkts, PKT_HEADROOM);
        if (!p)
                return;
        struct icmp_hdr h = {type, code, be16_of(0), be16_of(0), be16_of(mtu)};
        pkt_append(p, &h, sizeof h);
        pkt_append(p, ip, min_u32((u32)(orig->data + orig->len - (const u8 *)ip), QUOTE_MAX));
        be16 sum = be16_from_raw((u16)~sum_of(p));
        memcpy(p->data + offsetof(struct icmp_hdr, cksum), &sum, 2);
        struct ip_opts o = {.tos = TOS_CONTROL};
        ip_tx(st, p, ip_is_ours(st, ip->dst) ? ip->dst : IPADDR_ANY, ip->src, IPPROTO_ICMP_, &o);
}

/* Answers in place: type 8 becomes 0, and the checksum follows (RFC 1624). */
static void rx_echo(struct stack *st, struct pkt *p, const struct ip_hdr *ip)
{
        if (p->flags & PKT_BCAST || ipaddr_is_mcast(ip->dst) || !ip_is_ours(st, ip->dst)) {
                pkt_drop(p, DROP_ICMP_GROUP_ECHO);
                return;
        }
        struct icmp_hdr *h = (struct icmp_hdr *)p->data;
        struct ip_opts o = {.tos = ip->tos};
        ipaddr src = ip->dst, dst = ip->src;
        h->type = ICMP_ECHO_REPLY;
        u32 sum = (u32)be16_get(h->cksum) + (ICMP_ECHO << 8);
        h->cksum = be16_of((u16)(sum + (sum >> 16)));
        p->flags = 0;
        ip_tx(st, p, src, dst, IPPROTO_ICMP_, &o);
}

static void rx_reply(struct stack *st, struct pkt *p, const struct ip_hdr *ip)
{
        const struct icmp_hdr *h = (const struct icmp_hdr *)p->data;
        tell(st, &(struct icmp_event){ip->src, ip->dst, h->type, h->code, ip->ttl, be16_get(h->id), be16_get(h->seq),
                                      (u16)(pkt_total(p) - sizeof *h)});
        pkt_drop(p, DROP_ICMP_DONE);
}

/* An error counts only when it quotes the beginning of a datagram that we could have sent (RFC 5927 4). */
static void rx_error(struct stack *st, struct pkt *p, const struct ip_hdr *ip)
{
        const struct icmp_hdr *h = (const struct icmp_hdr *)p->data;
        const struct ip_hdr *q = (const struct ip_hdr *)(h + 1);
        u32 qlen = p->len - (u32)sizeof *h, qh = qlen >= sizeof *q ? (q->vhl & 15u) * 4 : 0;
        if (qh < sizeof *q || q->vhl >> 4 != 4 || qlen < qh + 8 || be16_get(q->frag) & IP_OFFSET || !ip_is_ours(st, q->src)) {
                pkt_drop(p, DROP_ICMP_QUOTE);
                return;
        }
        if (st->icmp->quote && st->icmp->quote(st->icmp->quote_ctx, p, ip, q, qlen - qh))
                return;
        const u8 *l4 = (const u8 *)q + qh;
        u16 mtu = h->type == ICMP_UNREACH && h->code == ICMP_FRAG_NEEDED ? be16_get(h->seq) : 0;
        ip_error(st, h->type, h->code, mtu, q, l4);
        if (q->proto == IPPROTO_UDP_ || (q->proto == IPPROTO_ICMP_ && l4[0] == ICMP_ECHO)) {
                be16 pair[2];
                memcpy(pair, q->proto == IPPROTO_UDP_ ? l4 : l4 + 4, sizeof pair);
                tell(st, &(struct icmp_event){ip->src, q->dst, h->type, h->code, ip->ttl, be16_get(pair[0]),
                                              be16_get(pair[1]), 0});
        }
        pkt_drop(p, DROP_ICMP_ERROR_DONE);
}

static void icmp_rx(struct stack *st, struct pkt *p, const struct ip_hdr *ip)
{
        if (p->len < sizeof(struct icmp_hdr)) {
                pkt_drop(p, DROP_ICMP_SHORT);
                return;
        }
        if (!(p->flags & PKT_CSUM_OK) && sum_of(p) != 0xffff) {
                pkt_drop(p, DROP_ICMP_CKSUM);
                return;
        }
        switch (((const struct icmp_hdr *)p->data)->type) {
        case ICMP_ECHO:
                rx_echo(st, p, ip);
                return;
        case ICMP_ECHO_REPLY:
                rx_reply(st, p, ip);
                return;
        case ICMP_UNREACH:
        case ICMP_TIME_EXCEEDED:
        case ICMP_PARAM:
                rx_error(st, p, ip);
                return;
        case ICMP_REDIRECT:
                pkt_drop(p, DROP_ICMP_REDIRECT);
                return;
        case ICMP_QUENCH:
                pkt_drop(p, DROP_ICMP_QUENCH);
                return;
        default:
                pkt_drop(p, DROP_ICMP_TYPE);
        }
}

int icmp_ping(struct stack *st, ipaddr dst, u16 id, u16 seq, const void *data, u16 n, u8 ttl)
{
        if (n > ICMP_PING_MAX)
                return E_MSGSIZE;
        struct pkt *p = pkt_alloc(&st->pkts, PKT_HEADROOM);
        if (!p)
                return E_NOMEM;
        struct icmp_hdr h = {ICMP_ECHO, 0, be16_of(0), be16_of(id), be16_of(seq)};
        pkt_append(p, &h, sizeof h);
        pkt_append(p, data, n);
        be16 sum = be16_from_raw((u16)~sum_of(p));
        memcpy(p->data + offsetof(struct icmp_hdr, cksum), &sum, 2);
        struct ip_opts o = {.ttl = ttl};
        return ip_tx(st, p, IPADDR_ANY, dst, IPPROTO_ICMP_, &o);
}
