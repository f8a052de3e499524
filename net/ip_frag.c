/* ip_frag.c - put fragments together again (RFC 791 3.2, 815) with bounded memory and time.
 * Overlap, even harmless, ends the datagram (RFC 5722's rule, applied to IPv4); an exact repetition is only ignored.
 * Fragments keep their buffers: the result is a chain. SPDX-License-Identifier: MIT */
#include "icmp.h"
#include "ip_state.h"

enum {
        REASS_MS   = 30000, /* RFC 1122 3.3.2 asks for 60 to 120; shorter holds less hostage */
        REASS_MAX  = 64,    /* buffers of one datagram: 64 KiB in fragments of 1480 needs 45 */
        TCP_HLEN   = 20,
        HEADER_MAX = 60,    /* of TCP, with options */
};

/* Fragments are sorted; a buffer in the list uses csum_start for its offset and csum_off for its payload bytes. */
struct reass {
        struct timer  timer;
        struct stack *st;
        struct netif *nif;      /* NULL = free */
        ipaddr        src, dst;
        be16          id;
        u8            proto;
        u16           n;        /* buffers */
        u32           have, total; /* bytes; total 0 until the last fragment came */
        struct pkt   *first;
};

static u32 f_off(const struct pkt *f) { return f->csum_start; }
static u32 f_end(const struct pkt *f) { return (u32)f->csum_start + f->csum_off; }

static void abandon(struct reass *r, enum drop why)
{
        while (r->first) {
                struct pkt *f = r->first;
                r->first = f->next;
                pkt_drop(f, why);
        }
        r->st->ip->n_held -= r->n;
        timer_stop(&r->st->wheel, &r->timer);
        r->nif = NULL;
}

static void fire(struct timer *t)
{
        struct reass *r = container_of(t, struct reass, timer);
        if (r->first && f_off(r->first) == 0)
                icmp_error(r->st, r->first, ICMP_TIME_EXCEEDED, 1, 0);
        abandon(r, DROP_IP_FRAG_TIMEOUT);
}

bool reass_init(struct stack *st)
{
        struct reass *r = stack_alloc(st, st->cfg.n_reass * sizeof *r, 16);
        if (!r)
                return false;
        for (u32 i = 0; i < st->cfg.n_reass; i++) {
                r[i].st = st;
                r[i].timer.fire = fire;
        }
        st->ip->reass = r;
        st->ip->max_held = st->cfg.n_pkts / 4;
        return true;
}

/* The oldest datagram in progress but `not`, or NULL. */
static struct reass *oldest(struct stack *st, const struct reass *not)
{
        struct reass *old = NULL;
        for (struct reass *r = st->ip->reass; r < st->ip->reass + st->cfg.n_reass; r++)
                if (r->nif && r != not && (!old || (s32)(r->timer.due_ms - old->timer.due_ms) < 0))
                        old = r;
        return old;
}

/* The datagram that the fragment belongs to, begun if new. */
static struct reass *find(struct stack *st, struct netif *nif, const struct ip_hdr *ip)
{
        struct reass *spare = NULL;
        for (struct reass *r = st->ip->reass; r < st->ip->reass + st->cfg.n_reass; r++) {
                if (!r->nif)
                        spare = r;
                else if (be16_eq(r->id, ip->id) && ipaddr_eq(r->src, ip->src) && ipaddr_eq(r->dst, ip->dst) &&
                         r->proto == ip->proto && r->nif == nif)
                        return r;
        }
        if (!spare) {
                spare = oldest(st, NULL);
                abandon(spare, DROP_IP_FRAG_EVICTED);
        }
        spare->nif = nif;
        spare->src = ip->src;
        spare->dst = ip->dst;
        spare->id = ip->id;
        spare->proto = ip->proto;
        spare->n = 0;
        spare->have = spare->total = 0;
        timer_set(&st->wheel, &spare->timer, stack_now_ms(st) + REASS_MS);
        return spare;
}

/* Length and place are possible (RFC 791 3.2; RFC 1858 3 for the guard against tiny ones). */
static bool plausible(struct pkt *p, const struct ip_hdr *ip, u32 off, u32 n, bool more)
{
        if (n == 0 || (more && n % 8) || off + n > 0xffff - ip_hlen(ip)) {
                pkt_drop(p, DROP_IP_FRAG_BAD);
                return false;
        }
        if (ip->proto == IPPROTO_TCP_ && (off == 8 || (off == 0 && n < TCP_HLEN))) {
                pkt_drop(p, DROP_IP_FRAG_TINY);
                return false;
        }
        return true;
}

/* Room for one buffer more, made at the cost of the oldest others. */
static bool make_room(struct stack *st, const struct reass *r)
{
        struct reass *victim;
        while (st->ip->n_held >= st->ip->max_held && (victim = oldest(st, r)))
                abandon(victim, DROP_IP_FRAG_EVICTED);
        return st->ip->n_held < st->ip->max_held && r->n < REASS_MAX;
}

/* Links p into the sorted list; false: dropped, with the datagram when it lies. */
static bool insert(struct reass *r, struct pkt *p, bool more)
{
        struct pkt **at = &r->first, *prev = NULL;
        while (*at && f_off(*at) <= f_off(p)) {
                prev = *at;
                at = &prev->next;
        }
        if (prev && f_off(prev) == f_off(p) && f_end(prev) == f_end(p)) {
                pkt_drop(p, DROP_IP_FRAG_DUP);
                return false;
        }
        bool overlap = (prev && f_end(prev) > f_off(p)) || (*at && f_off(*at) < f_end(p));
        bool beyond = more ? r->total && f_end(p) >= r->total : r->total || *at;
        if (overlap || beyond) {
                pkt_drop(p, overlap ? DROP_IP_FRAG_OVERLAP : DROP_IP_FRAG_END);
                abandon(r, overlap ? DROP_IP_FRAG_OVERLAP : DROP_IP_FRAG_END);
                return false;
        }
        if (!more)
                r->total = f_end(p);
        p->next = *at;
        *at = p;
        for (const struct pkt *q = p; q; q = q->chain) {
                r->n++;
                r->st->ip->n_held++;
        }
        r->have += p->csum_off;
        return true;
}

/* A header may end in the second fragment, or the third: an MTU of 68 leaves 48 bytes. Who reads it finds it in one buffer. */
static void gather_header(struct pkt *p)
{
        for (struct pkt *q; p->len < HEADER_MAX && (q = p->chain) != NULL;) {
                u32 n = min_u32(HEADER_MAX - p->len, q->len);
                if (!pkt_append(p, q->data, n))
                        return;
                pkt_pull(q, n);
                if (!q->len) {
                        p->chain = q->chain;
                        q->chain = NULL;
                        pkt_free(q);
                }
        }
}

/* The list becomes one datagram. */
static struct pkt *join(struct reass *r)
{
        struct pkt *whole = r->first, *tail = whole;
        struct ip_hdr *ip = (struct ip_hdr *)(whole->head + whole->l3);
        ip->len = be16_of((u16)(ip_hlen(ip) + r->total));
        ip->frag = be16_of(0);
        ip_set_cksum(ip);
        for (struct pkt *f = whole->next, *next; f; f = next) {
                next = f->next;
                f->next = NULL;
                while (tail->chain)
                        tail = tail->chain;
                tail->chain = f;
        }
        whole->next = NULL;
        whole->flags &= (u16)~PKT_CSUM_OK; /* a device cannot have seen the whole */
        r->first = NULL;
        abandon(r, DROP_IP_FRAG_TIMEOUT);
        gather_header(whole);
        return whole;
}

struct pkt *ip_reass(struct stack *st, struct pkt *p, const struct ip_hdr *ip)
{
        u16 field = be16_get(ip->frag);
        u32 off = (field & IP_OFFSET) * 8u, n = pkt_total(p);
        bool more = field & IP_MF;
        if (!plausible(p, ip, off, n, more))
                return NULL;
        struct reass *r = find(st, p->nif, ip);
        if (!make_room(st, r)) {
                pkt_drop(p, DROP_IP_FRAG_FULL);
                return NULL;
        }
        p->csum_start = (u16)off;
        p->csum_off = (u16)n;
        if (!insert(r, p, more) || r->have != r->total)
                return NULL;
        return join(r);
}
