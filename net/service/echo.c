/* echo.c - the echo and discard services (RFC 862, 863), on TCP and UDP: something to move bytes against.
 * Echo hands each received buffer to the send queue as it is (the seeds' pipe); when that is full, bytes wait where they are
 * and the closed window tells the peer.
 * SPDX-License-Identifier: MIT */
#include "echo.h"
#include "ip.h"
#include "tcp.h"
#include "udp.h"

enum { ECHO_PORTS = 8 };

struct echo_port { struct listener *l; struct udp_sock *us; u16 port; u8 kind; };
struct echo_state { struct echo_port port[ECHO_PORTS]; };

static void ended(struct tcb *t, int err) { }

/* The peer's FIN is answered by ours once everything before it was sent back or thrown away. */
static void finish_at_eof(struct tcb *t)
{
        if (tcp_eof(t) && !tcp_readable(t))
                tcp_close(t);
}

/* Who does not read does not get the buffers of all others: beyond five eighths (tcp.h) one at a time is on its way back. */
static bool has_room(const struct tcb *t)
{
        const struct pktpool *pool = &tcp_stack(t)->pkts;
        return tcp_send_room(t) >= PKT_BUF && (pool->n_free > (pool->n_total >> 3) * 3 || !tcp_send_queued(t));
}

static void echo_back(struct tcb *t)
{
        while (tcp_readable(t) && has_room(t)) {
                struct pkt *p = tcp_take(t);
                if (!p || tcp_send_pkt(t, p) < 0)
                        break;
        }
        finish_at_eof(t);
}

static void discard(struct tcb *t)
{
        tcp_consume(t, tcp_readable(t));
        finish_at_eof(t);
}

/* Neither is ever in the middle of something: what is not sent back yet is unread or queued. */
static int no_place(struct tcb *t, u8 *dst, u32 max, const char **why) { return 0; }

static const struct tcp_events echo_events = {.readable = echo_back, .writable = echo_back, .closed = ended, .place_put = no_place};
static const struct tcp_events discard_events = {.readable = discard, .closed = ended, .place_put = no_place};

static void echo_datagram(struct udp_sock *us, struct pkt *p, const struct udp_from *from)
{
        /* RFC 862 would answer anybody; an answer to a port below 1024 could be another echo service, and then a storm */
        struct pkt *q = from->sport >= 1024 ? udp_alloc(udp_stack(us)) : NULL;
        u32 n = pkt_total(p);
        if (q && n <= pkt_tailroom(q)) {
                q->len = (u16)pkt_copy_out(p, 0, q->data, n);
                ipaddr asked = ip_is_ours(udp_stack(us), from->dst) ? from->dst : IPADDR_ANY; /* RFC 1122 4.1.3.5 */
                udp_send(us, q, asked, from->src, from->sport, NULL);
        } else {
                pkt_free(q);
        }
        pkt_free(p);
}

static void discard_datagram(struct udp_sock *us, struct pkt *p, const struct udp_from *from) { pkt_free(p); }

static struct echo_port *find(struct stack *st, u16 port)
{
        for (u32 i = 0; st->echo && i < ECHO_PORTS; i++)
                if (st->echo->port[i].port == port)
                        return &st->echo->port[i];
        return NULL;
}

int echo_listen(struct stack *st, u16 port, int kind)
{
        int err = E_NOMEM;
        if (!port)
                return E_INVAL;
        if (!st->echo)
                st->echo = stack_alloc(st, sizeof *st->echo, 16);
        if (find(st, port))
                return E_INUSE;
        struct echo_port *e = find(st, 0);
        if (!e)
                return E_NOMEM;
        e->l = tcp_listen(st, IPADDR_ANY, port, kind == ECHO_ECHO ? &echo_events : &discard_events, NULL, NULL, &err);
        if (!e->l)
                return err;
        e->us = udp_open(st, IPADDR_ANY, port, kind == ECHO_ECHO ? echo_datagram : discard_datagram, NULL);
        if (!e->us) {
                tcp_unlisten(e->l);
                return E_INUSE;
        }
        e->port = port;
        e->kind = (u8)kind;
        return 0;
}

bool echo_unlisten(struct stack *st, u16 port, int kind)
{
        struct echo_port *e = port ? find(st, port) : NULL;
        if (!e || e->kind != kind)
                return false;
        tcp_unlisten(e->l);
        udp_close(e->us);
        e->port = 0;
        return true;
}
