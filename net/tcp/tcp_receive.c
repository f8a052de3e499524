/* tcp_receive.c - the straight line: the frame that is most likely next, from the driver's hand to the user, in one go.
 * Twin of asm/tcp_receive.S. Not here: everything else, which eth_rx, ip_rx, tcp_rx and the steps of rx.c do one by one.
 * SPDX-License-Identifier: MIT */
#include "arp.h"
#include "cksum.h"
#include "engine.h"
#include "eth.h"

static inline u32 word(const u8 *p, u32 i) { return ((const u32_any *)p)[i]; }

enum { HEADERS = sizeof(struct ip_hdr) + sizeof(struct tcp_hdr) };

/* To our MAC, from one machine, IPv4: what eth_rx asks. */
static inline bool frame_ok(const struct netif *nif, const u8 *f)
{
        const struct eth_hdr *e = (const struct eth_hdr *)f;
        return mac_eq(e->dst, nif->mac) && !mac_is_group(e->src) && be16_get(e->type) == ETHERTYPE_IP_;
}

/* No options, no fragment, TCP, and a right header sum: what ip_rx asks before it looks at addresses. */
static inline bool header_ok(const u8 *ip)
{
        u32 w0 = word(ip, 0), w1 = word(ip, 1), w2 = word(ip, 2);
        if ((w0 & 0xff) != 0x45 || (w1 & 0xffbf0000) || (w2 >> 8 & 0xff) != IPPROTO_TCP_)
                return false;
        return cksum_fold(cksum_plus(cksum_plus(w0, w1), cksum_plus(w2, cksum_plus(word(ip, 3), word(ip, 4))))) == 0xffff;
}

/* Nothing but text of `len` bytes, p->data at it, for a user to whom a part of a message is as good. */
static inline void tell(struct tcb *t, struct pkt *p, u32 len, bool acked)
{
        struct tcp_state *ts = t->ts;
        t->rcv_nxt += len;
        tcb_saw_mss(t, len);
        if (t->rcv_queued) {
                tcp_append(t, p, len, false);
        } else {
                t->rcv_first = p;
                t->rcv_queued = len;
                ts->line = p;
        }
        if (t->ev->readable)
                t->ev->readable(t);
        if (t->timer_kind == TT_READY)
                calm_settle(t); /* he has nothing to say */
        bool read = p->next == p; /* by tcp_consume */
        ts->line = ts;
        if (read && t->rcv_nxt - t->rcv_acked >= 2u * t->rcv_mss && !acked && !ts->st->n_due &&
            !(t->flags & (TF_DEAD | TF_WANT_TX | TF_SYN_PENDING | TF_QUEUED | TF_ACK_NOW))) {
                ts->answer = p; /* nobody else waits, and tcp_leave will note it */
                t->flags |= TF_ACK_NOW;
                return;
        }
        if (read)
                pkt_free(p);
        /* a reply that goes out at once acknowledges it, and nobody else is asked before */
        if (t->timer_kind == TT_REPLY && tcp_usual_reply(t) && !(t->flags & (TF_DEAD | TF_SYN_PENDING)) && !(acked && t->ev->writable) &&
            (t->flags & TF_FIN_QUEUED ? read : ts->st->pkts.free != NULL))
                return;
        if (read)
                tcp_window_read(t);
        tcp_ack_policy(t, len);
}

/* In-order text of `len` bytes, p->data at it, or none, and FIN. */
static inline void take(struct tcb *t, struct pkt *p, u32 len, bool psh, bool fin)
{
        t->rcv_nxt += len;
        if (!len) {
                pkt_free(p);
        } else if (t->rcv_queued) {
                tcp_append(t, p, len, psh);
        } else {
                t->rcv_first = p;
                t->rcv_queued = len;
                if (psh && (t->flags & TF_PSH_MESSAGE))
                        t->flags |= TF_PSHED;
        }
        if (fin)
                tcp_got_fin(t);
        else
                tcp_ack_policy(t, len);
        tcp_tell_readable(t);
}

bool tcp_receive(struct netif *nif, struct pkt *p)
{
        struct stack *st = nif->st;
        struct tcp_state *ts = st->tcp;
        u32 l2 = nif->caps & NETIF_L3 ? 0 : ETH_HLEN;
        const u8 *ip = p->data + l2, *h = ip + sizeof(struct ip_hdr);
        /* validate */
        if (p->len < l2 + HEADERS || p->chain || (l2 && !frame_ok(nif, p->data)) || !header_ok(ip))
                return false;
        u32 total = be(word(ip, 0)) & 0xffff, raddr = word(ip, 3), laddr = word(ip, 4);
        if (total < HEADERS || total > p->len - l2)
                return false;
        /* demultiplex: the connection's link header is good, so its addresses and its interface still are, too */
        struct tcb *t = tcp_lookup(ts, raddr, laddr, word(h, 0));
        if (!t)
                return nif->straight != NETIF_UNUSUAL && tcp_unpredicted(nif, p, NULL);
        if (t->hop_gen != nif->hop_gen || t->nif != nif->straight || t->retries != nif->zero)
                return false;
        nif->flow = t;
        /* predict: off, flags, window in memory; PSH and FIN may be there or not. Mostly the window is the last one, too */
        u32 w3 = word(h, 3), psh = TCP_PSH << 8, seq = be(word(h, 1)), ack = be(word(h, 2)), hlen = sizeof(struct tcp_hdr), tsval = 0, tsecr = 0;
        bool same_wnd = tcb_window_known(t) && w3 >> 16 == t->wnd_field && !(w3 & TCP_FIN << 8);
        if (!t->pred || (w3 & 0xffffu & ~(psh | TCP_FIN << 8)) != tcb_foretold(t))
                return tcp_unpredicted(nif, p, t);
        if (ack - t->snd_una > t->snd_nxt - t->snd_una || (t->flags & TF_URG_TX) || ((t->flags & TF_ECN) && (ip[1] & 3) == 3))
                return false;
        if (t->flags & TF_TS) {
                hlen += TCP_TS_LEN;
                if (total < HEADERS + TCP_TS_LEN || word(h, 5) != TCP_TS_WORD)
                        return false;
                tsval = be(word(h, 6));
                tsecr = be(word(h, 7));
                if ((s32)(tsval - t->ts_recent) < 0)
                        return false;
        }
        u32 len = total - sizeof(struct ip_hdr) - hlen, space = t->rcv_adv - t->rcv_nxt,
                wnd = (u32)__builtin_bswap16((u16)(w3 >> 16)) << t->snd_scale;
        bool acked = ack != t->snd_una, fin = w3 & TCP_FIN << 8, probe = seq == t->rcv_nxt - 1 && !len && !fin && !acked && space;
        if (seq != t->rcv_nxt && !probe)
                return false;
        if (len > space || (fin && !space) || (!same_wnd && !wnd) || (len && tcp_short_of_buffers(st)))
                return false;
        if (!len && !fin && !acked && !probe)
                return false; /* a duplicate or a window update is for ack.c to judge */
        if (!(p->flags & PKT_CSUM_OK)) {
                u32 n = total - sizeof(struct ip_hdr), pseudo = cksum_plus(cksum_plus(raddr, laddr), be(n) + (IPPROTO_TCP_ << 8));
                if (cksum_fold(cksum_add(pseudo, h, n)) != 0xffff)
                        return false;
        }
        /* it is what was expected: nothing above has changed anything */
        ts->count.in_segs++;
        if (probe) { /* is anybody there (RFC 9293 3.8.4, 3.8.6.1)? Answered at once, in the buffer that asked */
                ts->count.challenges++;
                st->pkts.drops[DROP_TCP_WINDOW]++;
                pkt_again(p, PKT_HEADROOM);
                tcp_ack_in(t, p);
                return true;
        }
        if (hlen > sizeof(struct tcp_hdr) && seq_le(seq, t->rcv_acked))
                t->ts_recent = tsval;
        if (!same_wnd) {
                t->snd_wnd = wnd;
                tcb_know_window(t, be(w3) & 0xffff);
                t->max_snd_wnd = max_u32(t->max_snd_wnd, wnd);
                if (t->timer_kind > TT_CALM)
                        t->reply_most = 0;
        }
        bool ready = t->timer_kind == TT_REPLIED && ack == t->snd_nxt && len && !fin && same_wnd && !(t->flags & TCB_MORE_FLAGS & ~TF_TS);
        if (acked)
                tcp_acked(t, ack, hlen > sizeof(struct tcp_hdr) ? &tsecr : NULL);
        if (ready)
                calm_ready(t);
        if (((acked || !same_wnd) && t->snd_queued != t->snd_nxt - t->snd_una) || (t->flags & TF_FIN_QUEUED))
                t->flags |= TF_WANT_TX; /* the window moved: more may fit */
        t->last_rx_ms = tcb_now_ms(t);
        tcp_enter(t);
        t->snd_wl1 = seq;
        if (len) {
                p->data += l2 + sizeof(struct ip_hdr) + hlen;
                p->len = (u16)len;
        }
        if (len && !fin && !(t->flags & TF_PSH_MESSAGE)) {
                tell(t, p, len, acked);
        } else if (len || fin) {
                take(t, p, len, w3 & TCP_PSH << 8, fin);
        } else {
                pkt_free(p);
        }
        if (acked)
                tcp_tell_writable(t, 1);
        tcp_leave(t);
        return true;
}

void netif_rx(struct netif *nif, struct pkt *p)
{
        p->nif = nif;
        nif->count.rx_packets++;
        nif->count.rx_bytes += p->len;
        if (!tcp_receive(nif, p))
                netif_rx_long(nif, p);
}
