/* pkt.h - packet buffers: 2 KiB each from a fixed pool, one owner, headroom reserved at birth.
 *
 *      head                data          data+len              head+PKT_BUF
 *       |---- headroom ----|==== bytes ====|------ tailroom ------|
 *      head <= data <= data + len <= head + PKT_BUF
 *
 * Handing a pkt to a function that "consumes" it gives it up. What a datagram has beyond one buffer
 * hangs on `chain` (reassembly, large receive). A packet to be sent may also gather bytes that live
 * elsewhere (`frag`): file pages, or another pkt's buffer, which `hold` then keeps alive.
 * The order on the wire is data, frag[0..nfrag), then the same of chain, and so on.
 * SPDX-License-Identifier: MIT */
#ifndef PKT_H
#define PKT_H

#include "drop.h"
#include "types.h"

enum {
        PKT_BUF      = 2048, /* bytes of one buffer; buffers never cross a page */
        PKT_HEADROOM = 128,  /* room in front of a packet born here: eth 14 + tag 4 + IP 60 + driver 12, aligned */
        PKT_FRAGS    = 2,
};

enum pkt_flag {
        PKT_CSUM_OK   = 1, /* rx: transport checksum was verified by the device */
        PKT_CSUM_TODO = 2, /* tx: device (or nif_xmit) sums from csum_start, stores at +csum_off; the field holds the pseudo-header sum */
        PKT_BCAST     = 4, /* rx: arrived as link-level broadcast or multicast */
        PKT_VLAN      = 8, /* rx: carried an 802.1Q tag that was removed */
        PKT_CSUM_PARTIAL = 16, /* rx, with CSUM_OK: never was on a wire, the transport field holds the pseudo-header sum alone; who sends it on sets CSUM_TODO at l4 */
};

struct pkt;
struct netif;

struct frag {
        const u8   *ptr;
        u32         len;
        struct pkt *hold; /* buffer that contains ptr and is kept by this reference, or NULL for memory that never goes away */
};

struct pkt {
        struct pkt     *next;  /* link of the queue that owns it */
        struct pkt     *chain; /* more buffers of this datagram */
        u8             *data;
        u8             *head;
        u16             len;   /* bytes at data, this buffer only */
        u8              refs;  /* 1 for the owner plus 1 for each frag that points in */
        u8              nfrag;
        u16             flags;
        u16             gso;        /* tx: payload bytes per segment when the device shall cut, else 0 */
        u16             csum_start; /* tx, PKT_CSUM_TODO: offset from data */
        u16             csum_off;
        struct netif   *nif;        /* rx: where it came in */
        u16             l3, l4;     /* rx: offsets from head of the IP and transport headers */
        struct pktpool *pool;
        struct frag     frag[PKT_FRAGS];
};

struct pktpool {
        struct pkt *free;
        u32         n_total, n_free, n_low; /* n_low: fewest free ever */
        u32         n_half, n_quarter, n_short; /* a half, a quarter, a sixteenth: what is free decides what is promised (tcp_edge), and taken */
        u32         drops[DROP_N];
};

/* Makes `n` packets of the array `meta` and the buffer memory `bufs` (n * PKT_BUF bytes, 2 KiB aligned). */
void pktpool_init(struct pktpool *pool, struct pkt *meta, u8 *bufs, u32 n);

/* A packet with refs 1, len 0 and data at head + headroom, or NULL (counted POOL_EMPTY) when none is free. */
struct pkt *pkt_alloc(struct pktpool *pool, u32 headroom);

/* A buffer that was read and that nobody else holds, for what goes out in it: len 0 and data at head + headroom. */
static inline void pkt_again(struct pkt *p, u32 headroom)
{
        p->data = p->head + headroom;
        p->len = p->flags = p->gso = 0;
}

/* Gives up one reference; the last one frees the buffer, its holds and its chain. NULL is allowed. */
void pkt_free(struct pkt *p);

/* Frees p and counts why. The only way for a packet to leave the line. */
void pkt_drop(struct pkt *p, enum drop why);

/* Adds a gathered piece; `hold` (may be NULL) gains a reference. false when there is no slot left. */
bool pkt_add_frag(struct pkt *p, const void *ptr, u32 len, struct pkt *hold);

/* Bytes of the whole packet, fragments and chain included. */
u32 pkt_total(const struct pkt *p);

/* Copies bytes [off, off + n) of the whole packet to dst; returns the bytes copied, fewer at its end. */
u32 pkt_copy_out(const struct pkt *p, u32 off, void *dst, u32 n);

/* Appends n bytes in this buffer; false (and nothing changed) without tailroom. */
bool pkt_append(struct pkt *p, const void *src, u32 n);

/* Bytes free behind and in front of data. */
static inline u32 pkt_tailroom(const struct pkt *p) { return (u32)(p->head + PKT_BUF - (p->data + p->len)); }
static inline u32 pkt_headroom(const struct pkt *p) { return (u32)(p->data - p->head); }

/* Grows the front by n bytes and returns the new data; the caller reserved the headroom. */
static inline void *pkt_push(struct pkt *p, u32 n) { p->data -= n; p->len = (u16)(p->len + n); return p->data; }
/* Removes n <= len bytes from the front and returns the new data. */
static inline void *pkt_pull(struct pkt *p, u32 n) { p->data += n; p->len = (u16)(p->len - n); return p->data; }

static inline void pkt_hold(struct pkt *p) { p->refs++; }

/* Queue of packets through `next`, first in first out. */
struct pktq { struct pkt *first, **last; u32 n; };
static inline void pktq_init(struct pktq *q) { q->first = NULL; q->last = &q->first; q->n = 0; }
static inline void pktq_put(struct pktq *q, struct pkt *p) { p->next = NULL; *q->last = p; q->last = &p->next; q->n++; }
static inline struct pkt *pktq_get(struct pktq *q)
{
        struct pkt *p = q->first;
        if (p) {
                q->first = p->next;
                if (!q->first)
                        q->last = &q->first;
                q->n--;
        }
        return p;
}
void pktq_free(struct pktq *q);         /* all that is in it */

#endif
