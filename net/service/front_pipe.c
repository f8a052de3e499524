/* front_pipe.c - bytes from one side of a relay to the other (the seeds' pipe): a received buffer goes into the other
 * connection's send queue as it is. What that has no room for stays where it came, so that its sender's window closes.
 * Copied are only the last piece of a message with something else behind it, and pieces so small that a buffer each would
 * be a waste.
 * SPDX-License-Identifier: MIT */
#include "front_impl.h"

bool front_drained(const struct relay *r, u32 from)
{
        const struct tcb *a = r->side[from];

        return !r->stuck[from] && (a ? tcp_eof(a) && !tcp_readable(a) : r->eof[from]);
}

/* n more bytes may wait in b: an eighth of what buffers are free, so that many slow readers get less each and some is always
 * left. An empty queue is fed in any case: every pipe goes on, and each that waits is woken by the acknowledgement of what
 * it has. */
static bool has_room(const struct relay *r, const struct tcb *b, u32 n)
{
        u32 queued = tcp_send_queued(b), most = min_u32(r->f->pipe_max, r->f->st->pkts.n_free * (PKT_BUF / 8));

        return tcp_send_room(b) >= n && (!queued || queued + n <= most);
}

bool front_holds_much(const struct relay *r)
{
        const struct pktpool *pool = &r->f->st->pkts;
        u32 bytes = 0;

        if (pool->n_free > pool->n_quarter)
                return false;
        for (u32 i = 0; i < 2; i++)
                bytes += r->side[i] ? tcp_send_queued(r->side[i]) + tcp_readable(r->side[i]) : 0;
        return bytes > PKT_BUF;
}

/* Hands a buffer to the other side; what cannot be queued is kept, and tried again. */
static bool queue(struct relay *r, u32 from, struct pkt *p)
{
        struct tcb *b = r->side[!from];
        int n = p->len;

        if (p->len < FRONT_SMALL && tcp_send_queued(b)) {
                n = tcp_send(b, p->data, p->len);
                if (n > 0)
                        pkt_pull(p, (u32)n);
        } else {
                pkt_hold(p);
                if (tcp_send_pkt(b, p) == 0)
                        p->len = 0; /* ours was the second reference: the bytes are described in the queue */
        }
        r->stuck[from] = p->len ? p : NULL;
        r->retry |= p->len != 0;
        if (!p->len)
                pkt_free(p);
        return !r->stuck[from];
}

/* The first k bytes of a buffer that holds more. Returns how many went. */
static u32 copy_part(struct relay *r, u32 from, const u8 *ptr, u32 k)
{
        int done = tcp_send(r->side[!from], ptr, k);

        r->retry |= done < (int)k;
        return done > 0 ? (u32)done : 0;
}

static void count(struct relay *r, u32 from, u32 n)
{
        u64 *bytes = from == CLIENT ? &r->f->count.to_targets : &r->f->count.to_clients;

        *bytes += n;
        r->moved_ms = stack_now_ms(r->f->st);
}

void front_pipe(struct relay *r, u32 from)
{
        const u8 *ptr;
        u32 n, k, done;

        if (r->stuck[from] && r->side[!from] && !queue(r, from, r->stuck[from]))
                return;
        while (r->side[from] && r->side[!from] && !r->stuck[from] && (n = tcp_peek(r->side[from], 0, &ptr))) {
                struct front_body behind = r->body[from];

                if (!has_room(r, r->side[!from], n))
                        return;
                k = front_body_pass(&behind, ptr, n);
                if (!k) {
                        r->body[from] = behind; /* done, or bad */
                        return;
                }
                done = k < n ? copy_part(r, from, ptr, k) : k;
                if (done == k)
                        r->body[from] = behind;
                else
                        front_body_pass(&r->body[from], ptr, done);
                count(r, from, done);
                if (k == n)
                        queue(r, from, tcp_take(r->side[from]));
                else
                        tcp_consume(r->side[from], done);
                if (done < k)
                        return;
        }
}
