/* error.c - ICMP errors about our segments (RFC 9293 3.9.2.2, RFC 5927): only what quotes a sequence number that is in flight
 * counts.
 * SPDX-License-Identifier: MIT */
#include "engine.h"
#include "icmp.h"

static bool in_flight(const struct tcb *t, u32 seq)
{
        return seq_ge(seq, t->snd_una) && seq_lt(seq, t->snd_nxt);
}

/* MUST-56, SHLD-25: soft - remembered, told when the connection fails for another reason. SHLD-26: 2 to 4 are hard - but for an
 * established connection RFC 5927 5.2 has them soft too, since anybody may send them. */
static void unreachable(struct tcb *t, u8 code)
{
        bool hard = code == ICMP_PROTO || code == ICMP_PORT || code == ICMP_ADMIN || code == 9 || code == 10;
        t->soft_error = E_UNREACH;
        if (hard && !(t->state & SYN_ACK_RX))
                tcp_finish(t, code == ICMP_PORT ? E_REFUSED : E_UNREACH);
}

void tcp_icmp(struct stack *st, u8 type, u8 code, u16 mtu, const struct ip_hdr *quoted, const u8 *l4)
{
        const u32_any *w = (const u32_any *)l4;
        /* quoted is ours: source and destination change places */
        u32 ports = w[0] << 16 | w[0] >> 16, seq = be(w[1]);
        struct tcb *t = tcp_lookup(st->tcp, be32_raw(quoted->dst.v4), be32_raw(quoted->src.v4), ports);
        if (!t || !in_flight(t, seq))
                return;
        tcp_enter(t);
        flight_wake(t);
        if (type == ICMP_UNREACH && code == ICMP_FRAG_NEEDED)
                pmtu_learn(t, mtu);
        else if (type == ICMP_UNREACH)
                unreachable(t, code);
        else if (type == ICMP_TIME_EXCEEDED || type == ICMP_PARAM)
                t->soft_error = E_UNREACH; /* MUST-56; Source Quench is ignored (MUST-55) */
        tcp_leave(t);
}
