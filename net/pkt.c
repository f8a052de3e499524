/* pkt.c - the packet pool: allocation, references, drops with a name, gathering.
 * Not here: what is in a packet. SPDX-License-Identifier: MIT */
#include "pkt.h"
#include "mem.h"

COLD void pktpool_init(struct pktpool *pool, struct pkt *meta, u8 *bufs, u32 n)
{
        memset(pool, 0, sizeof *pool);
        pool->n_total = pool->n_free = pool->n_low = n;
        pool->n_half = n >> 1;
        pool->n_short = n >> 4;
        pool->n_quarter = n >> 2;
        for (u32 i = n; i-- > 0;) {
                struct pkt *p = &meta[i];
                p->head = bufs + (size_t)i * PKT_BUF;
                p->pool = pool;
                p->next = pool->free;
                pool->free = p;
        }
}

struct pkt *pkt_alloc(struct pktpool *pool, u32 headroom)
{
        struct pkt *p = pool->free;
        if (unlikely(!p)) {
                pool->drops[DROP_POOL_EMPTY]++;
                return NULL;
        }
        pool->free = p->next;
        if (--pool->n_free < pool->n_low)
                pool->n_low = pool->n_free;
        p->next = p->chain = NULL;
        p->data = p->head + headroom;
        p->len = 0;
        p->refs = 1;
        p->nfrag = 0;
        p->flags = p->gso = 0;
        p->nif = NULL;
        return p;
}

/* Iterative along chain, one level deep through hold: a held buffer has no frags of its own to hold. */
void pkt_free(struct pkt *p)
{
        while (p) {
                if (--p->refs)
                        return;
                for (u32 i = 0; i < p->nfrag; i++)
                        if (p->frag[i].hold)
                                pkt_free(p->frag[i].hold);
                struct pkt *rest = p->chain;
                p->next = p->pool->free;
                p->pool->free = p;
                p->pool->n_free++;
                p = rest;
        }
}

void pktq_free(struct pktq *q)
{
        struct pkt *p;
        while ((p = pktq_get(q)) != NULL)
                pkt_free(p);
}

void pkt_drop(struct pkt *p, enum drop why)
{
        p->pool->drops[why]++;
        pkt_free(p);
}

bool pkt_add_frag(struct pkt *p, const void *ptr, u32 len, struct pkt *hold)
{
        if (p->nfrag == PKT_FRAGS)
                return false;
        p->frag[p->nfrag++] = (struct frag){ptr, len, hold};
        if (hold)
                pkt_hold(hold);
        return true;
}

u32 pkt_total(const struct pkt *p)
{
        u32 n = 0;
        for (; p; p = p->chain) {
                n += p->len;
                for (u32 i = 0; i < p->nfrag; i++)
                        n += p->frag[i].len;
        }
        return n;
}

/* Copies what [ptr, ptr + len) has of the window that begins *off bytes ahead; moves the window. */
static void take_piece(const u8 *ptr, u32 len, u32 *off, u8 **dst, u32 *n)
{
        if (*off >= len) {
                *off -= len;
                return;
        }
        u32 m = min_u32(len - *off, *n);
        memcpy(*dst, ptr + *off, m);
        *off = 0;
        *dst += m;
        *n -= m;
}

u32 pkt_copy_out(const struct pkt *p, u32 off, void *dst, u32 n)
{
        u8 *to = dst;
        for (; p && n; p = p->chain) {
                take_piece(p->data, p->len, &off, &to, &n);
                for (u32 i = 0; i < p->nfrag && n; i++)
                        take_piece(p->frag[i].ptr, p->frag[i].len, &off, &to, &n);
        }
        return (u32)(to - (u8 *)dst);
}

bool pkt_append(struct pkt *p, const void *src, u32 n)
{
        if (n > pkt_tailroom(p))
                return false;
        memcpy(p->data + p->len, src, n);
        p->len = (u16)(p->len + n);
        return true;
}
