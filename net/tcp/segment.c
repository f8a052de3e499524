/* segment.c - a segment is built from the send queue when it is sent, and built again when it is sent again.
 * Bytes are gathered by reference where the device can, copied with their checksum where it cannot.
 * SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "engine.h"
#include "mem.h"

enum { COPY_BELOW = 128 }; /* shorter than this, a copy costs less than a reference */

struct place { struct sndent *e; u32 off; }; /* a byte of the queue */

/* Where sequence number seq lies; the queue's first byte is SND.UNA, or the one behind our unacknowledged SYN. */
static struct place find(struct tcb *t, u32 seq)
{
        u32 base = t->snd_una + (t->state & SYN_ACK_RX ? 0 : 1), off = seq - base;
        struct sndent *e = t->snd_first;
        while (e && off >= e->len) {
                off -= e->len;
                e = e->next;
        }
        return (struct place){e, off};
}

/* SND.NXT's place is remembered: new data needs no walk. */
static struct place find_new(struct tcb *t)
{
        struct flight *f = t->flight;
        if (!f->cur)
                f->cur = t->snd_first, f->cur_off = 0;
        /* the last segment may have ended several entries further */
        while (f->cur && f->cur_off >= f->cur->len && f->cur->next) {
                f->cur_off -= f->cur->len;
                f->cur = f->cur->next;
        }
        return (struct place){f->cur, f->cur_off};
}

static void copy_all(struct pkt *p, struct place at, u32 len, u32 *sum)
{
        for (u32 left = len; left;) {
                u32 n = min_u32(left, at.e->len - at.off);
                u32 s = cksum_copy(p->data + p->len, at.e->ptr + at.off, n, 0);
                *sum = cksum_plus(*sum, p->len & 1 ? cksum_odd(s) : s);
                p->len = (u16)(p->len + n);
                left -= n;
                at = (struct place){at.e->next, 0};
        }
}

/* References to at most PKT_FRAGS pieces behind a copied front; false when it takes more. *known: all sums were cached. */
static bool gather(struct pkt *p, struct place at, u32 len, u32 *sum, bool *known)
{
        u32 done = 0;
        *known = true;
        while (done < len) {
                u32 n = min_u32(len - done, at.e->len - at.off);
                bool whole = at.e->has_sum && n == at.e->len;
                u32 s = at.e->sum;
                if (n <= COPY_BELOW && !p->nfrag) {
                        s = cksum_copy(p->data + p->len, at.e->ptr + at.off, n, 0);
                        p->len = (u16)(p->len + n);
                        whole = true;
                } else if (!pkt_add_frag(p, at.e->ptr + at.off, n, at.e->hold)) {
                        return false;
                }
                *known &= whole;
                if (whole)
                        *sum = cksum_plus(*sum, done & 1 ? cksum_odd(s) : s);
                done += n;
                at = (struct place){at.e->next, 0};
        }
        return true;
}

/* Every piece of the range is a whole entry with its sum: it needs no reading at all. */
static bool all_cached(struct place at, u32 len)
{
        while (len) {
                if (at.off || !at.e->has_sum || at.e->len > len)
                        return false;
                len -= at.e->len;
                at = (struct place){at.e->next, 0};
        }
        return true;
}

static void ungather(struct pkt *p, u32 front)
{
        for (u32 i = 0; i < p->nfrag; i++)
                pkt_free(p->frag[i].hold);
        p->nfrag = 0;
        p->len = (u16)front;
}

/* RFC 2018 4: while there are holes, what we send says so, too. Never more than half of it. */
static u32 put_holes(const struct tcb *t, u8 *o)
{
        if (likely(!t->reasm) || !(t->flags & TF_SACK))
                return 0;
        return tcp_put_sack(t, o, min_u32(TCP_OPTS_MAX - (t->flags & TF_TS ? TCP_TS_LEN : 0), t->mss / 2u), NULL);
}

/* Sends [seq, seq + len) of the queue (and flags, FIN included); `fresh`: at SND.NXT, never sent before. Returns the bytes
 * that went (fewer when they lie in too many pieces, or beside blocks of SACK), or -1 without a buffer. */
int tcp_send_range(struct tcb *t, u32 seq, u32 len, u32 flags, bool fresh)
{
        struct stack *st = tcb_stack(t);
        const struct netif *nif = st->nif[t->nif];
        struct pkt *p = pkt_alloc(&st->pkts, PKT_HEADROOM);
        if (!p)
                return -1;
        u32 opts = put_holes(t, p->data), sum = 0;
        bool known = true;
        if (unlikely(opts != 0)) {
                p->len = (u16)opts;
                sum = cksum_add(0, p->data, opts);
                if (len > t->mss - opts) {
                        len = t->mss - opts;
                        flags &= ~(u32)(TCP_FIN | TCP_PSH);
                }
                flags |= opts / 4 << TCP_R_OPT_SHIFT;
        }
        if (len) {
                u32 sum_opts = sum;
                struct place at = fresh ? find_new(t) : find(t, seq);
                bool by_ref = (nif->caps & NETIF_SG) || all_cached(at, len);
                if (!by_ref || !gather(p, at, len, &sum, &known)) {
                        ungather(p, opts);
                        u32 room = pkt_tailroom(p);
                        if (len > room) {
                                len = room;
                                flags &= ~(u32)(TCP_FIN | TCP_PSH);
                        }
                        known = true;
                        sum = sum_opts;
                        copy_all(p, at, len, &sum);
                }
                if (len > t->mss)
                        p->gso = t->mss;
        }
        flags |= known && !p->gso ? 0 : TCP_R_NO_SUM;
        /* RFC 3168 6.1.5, 6.1.6: neither what is sent again nor a window probe */
        flags |= fresh && len && (t->flags & TF_ECN) && t->snd_wnd && !t->no_ect ? TCP_R_ECT : 0;
        tcp_respond(t, p, seq, flags, opts + len, sum);
        return (int)len;
}
