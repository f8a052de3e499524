/* listen.c - listeners, and what arrives in LISTEN (RFC 9293 3.10.7.2).
 * Not here: half-open connections (synq.c). SPDX-License-Identifier: MIT */
#include "engine.h"
#include "mem.h"

static struct listener **bucket(struct tcp_state *ts, u16 port)
{
        return &ts->lbucket[port % TCP_LISTEN_BUCKETS];
}

/* The listener on exactly this address wins over one on any. */
struct listener *listener_find(struct tcp_state *ts, ipaddr addr, u16 port)
{
        struct listener *any = NULL;
        for (struct listener *l = *bucket(ts, port); l; l = l->next) {
                if (l->port != port)
                        continue;
                if (ipaddr_eq(l->addr, addr))
                        return l;
                if (ipaddr_is_any(l->addr))
                        any = l;
        }
        return any;
}

struct listener *tcp_listen(struct stack *st, ipaddr addr, u16 port, const struct tcp_events *ev, void *user,
                            const struct tcp_opts *opts,
                            int *err)
{
        static const struct tcp_opts plain;
        struct tcp_state *ts = st->tcp;
        struct listener *l = listener_find(ts, addr, port);
        *err = 0;
        if (!port || ipaddr_is_mcast(addr) || ipaddr_is_bcast(addr))
                *err = E_INVAL;
        else if (l && ipaddr_eq(l->addr, addr))
                *err = E_INUSE;
        else if (!ts->free_listener)
                *err = E_NOMEM;
        if (*err)
                return NULL;
        l = ts->free_listener;
        ts->free_listener = l->next;
        u16 index = (u16)(l - ts->listeners);
        *l = (struct listener){.next = *bucket(ts, port), .ts = ts, .addr = addr, .port = port,
                               .index = index, .isn_laddr = ISN_NO_ADDR,
                               .opts = opts ? *opts : plain};
        tcp_opts_agree(&l->opts);
        l->opts.rcvbuf = tcp_rcvbuf(ts, &l->opts);
        l->wnd = (u16)min_u32(l->opts.rcvbuf, 65535);
        l->opts.backlog = l->opts.backlog ? l->opts.backlog : TCP_BACKLOG;
        l->rcv_scale = tcp_scale_for(ts, &l->opts);
        l->opts.tos &= 0xfc; /* RFC 3168 6.1.1: no ECT on SYN,ACK */
        const struct tcp_opts *o = &l->opts;
        l->room = o->no_wscale || o->no_sack || o->no_timestamps || o->uto || o->syn_layout[0] ? 0 : o->backlog;
        l->mss = o->mss ? o->mss : 65535;
        l->like = (struct tcb){.ts = ts, .ev = ev, .user = user, .listener = (u16)(index + 1)};
        tcb_set_opts(&l->like, &l->opts);
        if (l->like.uto_tell)
                l->like.flags |= TF_ACK_NOW; /* RFC 5482 3.2: the first segment without SYN has it */
        *bucket(ts, port) = l;
        isn_forget(ts); /* who was found for an address may not be found for it any more */
        return l;
}

/* Accepted connections stay and forget where they came from. */
static void orphan(struct listener *l)
{
        struct tcp_state *ts = l->ts;
        for (u32 i = 0; i < ts->n_pool; i++)
                if (ts->pool[i].listener == l->index + 1)
                        ts->pool[i].listener = 0;
}

void tcp_unlisten(struct listener *l)
{
        struct tcp_state *ts = l->ts;
        synq_flush(l);
        orphan(l);
        for (struct listener **at = bucket(ts, l->port); *at; at = &(*at)->next) {
                if (*at == l) {
                        *at = l->next;
                        break;
                }
        }
        l->port = 0;
        l->next = ts->free_listener;
        ts->free_listener = l;
}

struct listener *tcp_listener(const struct tcb *t) { return t->listener ? &t->ts->listeners[t->listener - 1] : NULL; }
void *tcp_listener_user(const struct listener *l) { return l->like.user; }
void tcp_waiting(struct listener *l, int n) { l->n_waiting += (u32)n; }

/* An acknowledgement that no half-open entry knows: of a cookie, if any are out (RFC 4987 3.6), else it draws RST. */
static void ack_in_listen(struct tcp_state *ts, struct listener *l, struct tcp_seg *s, struct pkt *p, const struct ip_hdr *ip,
                          const struct tcp_hdr *h)
{
        struct synq q;
        synq_fill(ts, l, s, ip, h, &q);
        if (!(s->flags & TCP_SYN) && cookie_check(ts, &q, s)) {
                ts->count.cookies_good++;
                synq_accept(ts, &q, s, p, NULL);
                return;
        }
        tcp_reset_for(ts, ip, h, s);
        pkt_drop(p, ts->cookies_out ? DROP_TCP_COOKIE : DROP_TCP_LISTEN_ACK);
}

void tcp_listen_rx(struct tcp_state *ts, struct listener *l, struct tcp_seg *s, struct pkt *p, const struct ip_hdr *ip,
                   const struct tcp_hdr *h, u32 iss)
{
        if (s->flags & TCP_RST) { /* first */
                pkt_drop(p, DROP_TCP_LISTEN_RST);
        } else if (s->flags & TCP_ACK) { /* second */
                ack_in_listen(ts, l, s, p, ip, h);
        } else if (!(s->flags & TCP_SYN)) { /* fourth */
                pkt_drop(p, DROP_TCP_LISTEN_OTHER);
        } else { /* third; security is not supported */
                synq_open(ts, l, s, p, ip, h, iss);
        }
}
