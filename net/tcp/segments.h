/* segments.h - a segment on its way in and out: reading, judging, building, sending.
 * SPDX-License-Identifier: MIT */
#ifndef TCP_SEGMENTS_H
#define TCP_SEGMENTS_H

#include "flight.h"

struct tcp_state;

/* tcp_receive.c, twin of asm/tcp_receive.S: the straight line for the frame that is most likely next. Takes p as it came from the
 * driver and returns true when it has been dealt with: a datagram without options for a connection whose link header is known,
 * with right sums, which is what header prediction expects - in-order data that fits the window, an acknowledgement of something
 * new, or both at once, in ESTABLISHED. false leaves everything untouched for eth_rx and who follows it. netif_rx
 * calls it (tcp.h). */
/* tcp_respond.c, twin of asm/tcp_respond.S: the header from the connection's template. Consumes p, whose bytes (frags included)
 * are `len` bytes of further options and payload with the partial checksum `sum`; puts the header in front - ports, seq,
 * RCV.NXT, flags, window, timestamp - and hands it to IP. What is said about acknowledgement and window is then noted as said. */
enum tcp_respond_flag {                          /* beside the TCP flags in the low 8 bits of `flags` */
        TCP_R_ECT     = 1 << 8,                  /* new data of an ECN connection: IP says ECT(0) */
        TCP_R_NO_SUM  = 1 << 9,                  /* `sum` is not known: the device or nif_xmit computes it */
        TCP_R_OPT_SHIFT = 12,                    /* bits 12 to 15: words of options at the front of p */
};
void tcp_respond(struct tcb *t, struct pkt *p, u32 seq, u32 flags, u32 len, u32 sum);

/* unpredicted.c: the straight line goes on for what is not predicted and yet belongs to every connection. p is as tcp_receive
 * found it: link and IP header are right; t is its connection, whose link header is good, or NULL. false: nothing was changed. */
bool tcp_unpredicted(struct netif *nif, struct pkt *p, struct tcb *t);
bool tcp_header_sum_right(const struct pkt *p, const u32_any *ip, u32 n); /* ip at IP's header, n bytes of TCP's and no text */
/* syn.c, ack_of_syn.c: such a segment that belongs to no connection, a SYN alone and an ACK alone. */
bool tcp_syn_arrives(struct netif *nif, struct pkt *p, const u32_any *ip, u32 n);
bool tcp_ack_of_syn(struct netif *nif, struct pkt *p, const u32_any *ip, u32 n);
bool tcp_last_arrives(struct pkt *p, struct tcb *t, const u32_any *ip, u32 n); /* last.c: an ACK, perhaps with FIN, for t */

void tcp_ack_bare(struct tcb *t); /* an acknowledgement without data or SACK, or owed for later when there is no buffer */

/* hop.c */
void tcb_set_hop(struct tcb *t);                                          /* looks for the ready link header */
void tcp_respond_by_ip(struct tcb *t, struct pkt *p, u32 seq, u32 flags, u32 len, u32 sum); /* as tcp_respond, the long way */

/* rx.c */
void tcp_arrives(struct tcb *t, struct tcp_seg *s, struct pkt *p);        /* RFC 9293 3.10.7.4 and .3, step by step; consumes p */
void tcp_enter(struct tcb *t);                                            /* the stack enters a connection ... */
/* ... and leaves it: sends what is due, frees it when dead */
void tcp_leave(struct tcb *t);
void tcp_owing(struct tcb *t);                                            /* an acknowledgement that it left owing is noted */
extern const struct tcp_events tcp_no_events;
void tcp_finish(struct tcb *t, int err);                                  /* the connection is over: tells the user, frees */
void tcp_try_finish(struct tcb *t);                                       /* after FF: finishes once the user has all data */

void tcp_syn_sent_rx(struct tcb *t, struct tcp_seg *s, struct pkt *p);    /* synsent.c: 3.10.7.3; consumes p */
void tcp_take_syn(struct tcb *t, const struct tcp_seg *s);                /* the peer's numbers and what it offered */
void tcp_got_syn_ack(struct tcb *t, struct tcp_seg *s, struct pkt *p, bool late); /* late: its SYN is still to come */
void tcp_opened(struct tcb *t);                                           /* a handshake of ours is complete */

/* ack.c */
bool tcp_ack_arrives(struct tcb *t, const struct tcp_seg *s);             /* the whole of an acceptable acknowledgement */
void tcp_ack_advance(struct tcb *t, u32 ack, const u32 *tsecr);           /* SND.UNA moves to ack: queue, samples */
/* the same and congestion window and timer, while all is well */
void tcp_acked(struct tcb *t, u32 ack, const u32 *tsecr);
void tcp_tell_writable(struct tcb *t, u32 bytes);

/* text.c */
void tcp_take_data(struct tcb *t, struct tcp_seg *s, struct pkt *p);      /* seventh and eighth step; consumes p (payload) */
void tcp_append(struct tcb *t, struct pkt *p, u32 len, bool psh);         /* in-order bytes into the receive queue */
void tcp_ack_policy(struct tcb *t, u32 len);                              /* now, at the end of the batch, or delayed */
void tcp_tell_readable(struct tcb *t);
void tcp_got_fin(struct tcb *t);

/* window.c */
u32 tcp_edge(struct tcb *t);                                              /* right edge to advertise now; never left of rcv_adv */
/* acknowledgement to send (application mode: what was read) */
u32 tcp_rcv_ack(const struct tcb *t);

/* options.c */
struct syn_options {
        const u8 *layout;      /* kinds in order, 0 ends; NULL or empty = as usual */
        u16  mss, uto;         /* 0 = not sent */
        u8   wscale, tfo_len;
        bool ws, sack, ts, tfo_on;
        u32  tsval, tsecr;
        const u8 *tfo;
};
void tcp_parse(const struct tcp_hdr *h, struct tcp_seg *s);               /* options of a header whose length is checked */
/* A SYN's options from w to end, as nearly every peer lays them out, word by word; s has none yet. false: tcp_parse has to. */
bool tcp_usual_syn(const u32_any *w, const u32_any *end, struct tcp_seg *s);
u32 tcp_put_usual_syn(u32_any *w, const struct syn_options *so);          /* the same way round: bytes of options */
u32 tcp_put_syn(u8 *o, const struct syn_options *so);                     /* bytes written, a multiple of 4 */
u32 tcp_put_ts(u8 *o, u32 tsval, u32 tsecr);
u32 tcp_put_sack(const struct tcb *t, u8 *o, u32 room, const struct sack_block *dsack);

/* whole.c */
enum { TCP_UNUSUAL_TX = TF_CORK | TF_ECN | TF_URG_TX | TF_ACK_ON_READ | TF_NO_DF | TF_NO_PMTUD };
/* What is of TT_REPLY may go out as it is, and the FIN behind it. */
static inline bool tcp_usual_reply(const struct tcb *t)
{
        u32 n = t->snd_queued + (t->flags & TF_FIN_QUEUED ? 1 : 0);
        return !(t->flags & TCP_UNUSUAL_TX) && n <= t->mss && n <= t->snd_wnd;
}
/* all that is queued as one segment; false: tx.c does it */
bool tcp_send_whole(struct tcb *t);

/* segment.c: a segment of the send queue as a packet. */
int tcp_send_range(struct tcb *t, u32 seq, u32 len, u32 flags, bool fresh);
/* urgent.c: URG and its pointer into a finished header */
void tcp_mark_urgent(struct tcb *t, struct tcp_hdr *h, u32 seq, bool no_sum);

/* What a segment without data takes as its number: SND.NXT, but with a window probe outstanding, or the peer's window shrunk, not
 * beyond that window, since the peer would drop the acknowledgement or the RST (RFC 9293 3.4, 3.10.7.4). A window that is less
 * than one of its units short was only rounded down (RFC 7323 2.4): what it held was taken, and a number in front of that would
 * be dropped, too. */
static inline u32 tcp_bare_seq(const struct tcb *t)
{
        u32 edge = t->snd_una + t->snd_wnd, beyond = t->snd_nxt - edge;
        if (likely((s32)beyond <= 0) || !(t->state & SYN_ACK_RX))
                return t->snd_nxt;
        return (t->flight && (t->flight->last->flags & SENT_PROBE)) || beyond >> t->snd_scale ? edge : t->snd_nxt;
}
/* tcp_ack_bare in p, empty behind its headroom. */
static inline void tcp_ack_in(struct tcb *t, struct pkt *p)
{
        tcp_respond(t, p, tcp_bare_seq(t), TCP_ACK | (t->flags & TF_ECE ? TCP_ECE : 0), 0, 0);
}

/* tx.c */
/* sends what may be sent now, and the acknowledgement that is due */
void tcp_tx(struct tcb *t);
/* the same without a pure acknowledgement, which waits for the end of the batch */
void tcp_tx_data(struct tcb *t);
void tcp_tx_rest(struct tcb *t);                                          /* what tcp_send_whole did not do of it */
void tcp_ack_now(struct tcb *t, const struct sack_block *dsack);          /* a pure acknowledgement at once */
void tcp_send_syn(struct tcb *t);                                         /* SYN or SYN,ACK of an active open */
void tcp_syn_again(struct tcb *t);                                        /* SYN behind the RST that made room for it */
/* synsent.c: a finished segment that may have a SYN's options; in pieces where they do not fit the path */
void tcp_out_syn(struct tcb *t, struct pkt *p);
void tcp_want_tx(struct tcb *t);                                          /* the user queued something */
/* RFC 5961: acknowledge, but not too often; drops p */
void tcp_challenge(struct tcb *t, const struct tcp_seg *s, struct pkt *p, enum drop why);
/* the front of a run once more, whatever the windows say */
void tcp_retransmit(struct tcb *t, struct sent *r);
void tcp_probe(struct tcb *t);                                            /* a zero window: one byte, or FIN, beyond it */
u32 tcp_unsent(const struct tcb *t);                                      /* bytes queued and never sent */
bool tcp_fin_due(const struct tcb *t);

/* reply.c: segments without a connection. */
struct tcp_reply {
        ipaddr src, dst;
        u32    ports;        /* as the header that is answered holds them */
        u32    seq, ack;
        u16    wnd;
        u8     flags, ttl, tos, n_opts;
        const u8 *opts;
};
void tcp_reply(struct tcp_state *ts, const struct tcp_reply *r);
void tcp_reset_for(struct tcp_state *ts, const struct ip_hdr *ip, const struct tcp_hdr *h, const struct tcp_seg *s);
void tcp_reset(struct tcb *t);                                            /* RST of a connection */
void tcp_reset_at(struct tcb *t, u32 seq, u8 flags);                      /* the same with a number of its own, TCP_ACK or not */

#endif
