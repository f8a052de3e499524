/* sock_udp.c - datagram sockets: a bounded queue in front of udp.h, one datagram a read (R89).
 * SPDX-License-Identifier: MIT */
#include "sock_state.h"
#include "mem.h"

/* Who sent a waiting datagram is noted in its buffer, where its headers were. */
static struct udp_from *from_of(struct pkt *p) { return (struct udp_from *)p->head; }

static void arrived(struct udp_sock *us, struct pkt *p, const struct udp_from *from)
{
        struct sock *s = udp_user(us);
        bool other = s->rport && (from->sport != s->rport || !ipaddr_eq(from->src, s->raddr));
        if (other) {
                pkt_drop(p, DROP_SOCK_PEER);
        } else if (s->dgrams.n >= SOCK_DGRAMS || pkt_headroom(p) < sizeof *from) {
                pkt_drop(p, DROP_SOCK_FULL);
        } else {
                *from_of(p) = *from;
                pktq_put(&s->dgrams, p);
        }
}

/* As Linux has it: of those with a peer, and nothing that may pass. */
static void failed(struct udp_sock *us, int err, ipaddr dst, u16 dport)
{
        struct sock *s = udp_user(us);
        if (err == E_REFUSED && s->rport == dport && ipaddr_eq(s->raddr, dst))
                s->err = err;
}

int sock_udp_bind(struct sock *s, ipaddr addr, u16 port)
{
        s->u = udp_open(s->st, addr, port, arrived, s);
        if (!s->u)
                return E_INUSE;
        udp_on_error(s->u, failed);
        s->laddr = addr;
        s->lport = udp_port(s->u);
        return 0;
}

static int has_datagram(struct sock *s, u32 arg) { return s->err ? s->err : s->dgrams.n != 0; }

int sock_udp_read(struct sock *s, void *dst, u32 n, ipaddr *src, u16 *sport)
{
        int r = s->u ? sock_wait(s, has_datagram, 0, UINT32_MAX) : E_NOTCONN;
        if (r < 0) {
                s->err = 0;
                return r;
        }
        struct pkt *p = pktq_get(&s->dgrams);
        if (src)
                *src = from_of(p)->src;
        if (sport)
                *sport = from_of(p)->sport;
        n = pkt_copy_out(p, 0, dst, n);
        pkt_free(p);
        return (int)n;
}

int sock_udp_write(struct sock *s, const void *src, u32 n, ipaddr dst, u16 dport)
{
        if (!dport)
                return E_NOTCONN;
        int err = s->u ? 0 : sock_udp_bind(s, IPADDR_ANY, 0);
        if (!err)
                err = s->err, s->err = 0;
        if (err)
                return err;
        struct pkt *p = udp_alloc(s->st);
        if (!p)
                return E_NOMEM;
        if (!pkt_append(p, src, n)) {
                pkt_free(p);
                return E_MSGSIZE;
        }
        err = udp_send(s->u, p, s->laddr, dst, dport, NULL);
        return err < 0 ? err : (int)n;
}

void sock_udp_close(struct sock *s)
{
        udp_close(s->u);
        s->u = NULL;
        while (s->dgrams.n)
                pkt_free(pktq_get(&s->dgrams));
}
