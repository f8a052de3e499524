/* conv_client.c - the client of a conversation: what it knows of the service, the first answer, and the plain retry where nobody
 * answers. SPDX-License-Identifier: MIT */
#include "channel.h"
#include "engine.h"
#include "mem.h"

void conv_connect(struct tcb *t, const struct tcp_opts *o, u16 dport)
{
        struct peer *p = peer_find(t->ts, t->raddr, dport);
        struct flight *f = t->flight;
        struct conv *c = p && p->kind == PEER_PLAIN ? NULL : conv_new(t);
        if (!c)
                return;
        *c = (struct conv){.ws = f->offer_ws, .ts = f->offer_ts, .sack = f->offer_sack, .our_mss = f->our_mss,
                           .peer_port = dport};
        f->tfo_ask = false;
        f->tfo_len = 0;
        t->flags &= ~(u32)TF_SYN_PENDING;
        if (!p)
                return;
        c->flags |= CV_KNOWN;
        c->has_cookie = p->has_cookie;
        memcpy(c->cookie, p->cookie, sizeof c->cookie);
        t->peer_mss = p->mss;
        t->flags |= TF_SYN_PENDING;
}

/* Nobody answered the option, or what came with it: a plain connection from a new port, and the service is remembered as such. */
void conv_go_plain(struct tcb *t)
{
        struct tcp_state *ts = t->ts;
        struct flight keep = *t->flight;
        u16 port = tcp_pick_port(ts, tcb_laddr(t), tcb_raddr(t), tcb_rport(t));
        ts->conv->count.fallbacks++;
        peer_learn(ts, t->raddr, conv_of(t)->peer_port, PEER_PLAIN, NULL, TCP_MSS_DEFAULT);
        conv_free(t);
        flight_put(t);
        if (port) {
                tcp_remove(t);
                tcb_set_names(t, t->raddr, t->laddr, (t->ports & 0xffff) | (u32)__builtin_bswap16(port) << 16, NULL);
                tcp_insert(t);
        }
        t->iss = tcp_isn(ts, t->raddr, t->laddr, t->ports, &t->ts_off);
        t->snd_una = t->snd_nxt = t->iss;
        t->state = TCP_B_CLOSED; /* a connection that never was */
        t->retries = 0;
        rtt_init(t);
        flight_get(t);
        struct flight *f = t->flight; /* the one just given back */
        f->calm = false;
        memcpy(f->syn_layout, keep.syn_layout, sizeof f->syn_layout);
        f->our_mss = keep.our_mss;
        f->offer_ws = keep.offer_ws;
        f->offer_ts = keep.offer_ts;
        f->offer_sack = keep.offer_sack;
        f->ecn_ask = keep.ecn_ask;
        tcp_send_syn(t);
}

/* The peer's options without its SYN: it will say when it has something to say (R38). */
static void met_late(struct tcb *t, const struct tcp_seg *s, struct pkt *p)
{
        struct tcp_seg as_syn = *s;
        as_syn.flags |= TCP_SYN;
        as_syn.seq = s->seq - 1; /* its SYN will take exactly this number */
        tcp_parse((const struct tcp_hdr *)p->data, &as_syn);
        tcp_take_syn(t, &as_syn);
        tcp_got_syn_ack(t, &as_syn, p, true);
}

bool conv_first_answer(struct tcb *t, struct tcp_seg *s, struct pkt *p)
{
        struct conv *c = conv_of(t);
        struct option144 x;
        bool hello = option144_find(p->data + 20, s->hlen - 20u, t->ts->conv->kind, &x) && (x.has & O144_HELLO);
        bool good = (s->flags & TCP_ACK) && !(s->flags & TCP_RST) && seq_gt(s->ack, t->iss) && seq_le(s->ack, t->snd_nxt);
        if (!(s->flags & (TCP_ACK | TCP_RST)) && (s->flags & TCP_SYN) && (t->state & FIN_TX)) {
                pkt_drop(p, DROP_TCP_CONV_CROSSED); /* both opened at once, with data: the plain retry will do */
                return true;
        }
        if (good && hello) {
                c->flags |= CV_MET | CV_TOLD | CV_PROVEN;
                c->irs = s->seq;
                peer_learn(t->ts, t->raddr, c->peer_port, PEER_QURE, x.has & O144_PROOF ? x.proof : NULL,
                           s->has_mss ? s->mss : TCP_MSS_DEFAULT);
                if (!(s->flags & TCP_SYN)) {
                        met_late(t, s, p);
                        return true;
                }
        } else if (!(s->flags & TCP_RST) && (s->flags & TCP_SYN) && good) {
                /* a plain peer after all; what it did not take of our SYN is sent again */
                if (c->flags & CV_KNOWN)
                        peer_learn(t->ts, t->raddr, c->peer_port, PEER_PLAIN, NULL, TCP_MSS_DEFAULT);
                tcp_syn_sent_rx(t, s, p);
                conv_free(t); /* with both SYNs acknowledged the byte is one of the RFC's */
                return true;
        } else if (!(s->flags & (TCP_RST | TCP_ACK)) && (s->flags & TCP_SYN)) {
                conv_free(t);
        }
        tcp_syn_sent_rx(t, s, p);
        return true;
}
