/* offsets.c - prints struct offsets for assembly into the compiler's listing; never linked (see Makefile, offsets.h).
 * SPDX-License-Identifier: MIT */
#include "../net/ip_state.h"
#include "../net/tcp/engine.h"
#include "arp.h"
#include "bootinfo.h"
#include "eth.h"
#include "netif.h"
#include "types.h"

#define OFF(name, type, field) __asm__ volatile("@off " #name " %c0" :: "i"(offsetof(type, field)))
#define VAL(name, value) __asm__ volatile("@off " #name " %c0" :: "i"(value))

/* What the packet path reads: tcp_receive.S, tcp_respond.S. */
static void packet_path(void)
{
        OFF(PKT_CHAIN, struct pkt, chain);
        OFF(PKT_NEXT, struct pkt, next);
        OFF(PKT_DATA, struct pkt, data);
        OFF(PKT_HEAD, struct pkt, head);
        OFF(PKT_LEN, struct pkt, len);
        OFF(PKT_REFS, struct pkt, refs);
        OFF(PKT_NFRAG, struct pkt, nfrag);
        OFF(PKT_FLAGS, struct pkt, flags);
        OFF(PKT_GSO, struct pkt, gso);
        _Static_assert(offsetof(struct pkt, gso) == offsetof(struct pkt, flags) + 2 && offsetof(struct pkt, nfrag) == offsetof(struct pkt, refs) + 1,
                       "written as one word");
        OFF(PKT_CSUM_START, struct pkt, csum_start);
        OFF(PKT_CSUM_OFF, struct pkt, csum_off);
        OFF(PKT_POOL, struct pkt, pool);
        OFF(PKT_NIF, struct pkt, nif);
        VAL(PKT_ROOM, PKT_HEADROOM);
        VAL(PKT_F_CSUM_OK, PKT_CSUM_OK);
        VAL(PKT_F_CSUM_TODO, PKT_CSUM_TODO);
        OFF(POOL_FREE, struct pktpool, free);
        OFF(POOL_N_FREE, struct pktpool, n_free);
        OFF(POOL_N_LOW, struct pktpool, n_low);
        OFF(POOL_HALF, struct pktpool, n_half);
        OFF(POOL_SHORT, struct pktpool, n_short);
        OFF(POOL_QUARTER, struct pktpool, n_quarter);
        VAL(POOL_DROP_EMPTY, offsetof(struct pktpool, drops) + 4 * DROP_POOL_EMPTY);
        VAL(POOL_DROP_WINDOW, offsetof(struct pktpool, drops) + 4 * DROP_TCP_WINDOW);
        OFF(NIF_ST, struct netif, st);
        OFF(NIF_MAC, struct netif, mac);
        OFF(NIF_MAC_REST, struct netif, mac_rest);
        OFF(NIF_FLOW, struct netif, flow);
        OFF(NIF_MTU, struct netif, mtu);
        OFF(NIF_CAPS, struct netif, caps);
        OFF(NIF_WAY, struct netif, hop_gen);
        _Static_assert(offsetof(struct netif, straight) == offsetof(struct netif, hop_gen) + 2 &&
                       offsetof(struct netif, zero) == offsetof(struct netif, hop_gen) + 3, "read as one word");
        OFF(NIF_WAY_OUT, struct netif, way_out);
        OFF(NIF_STRAIGHT, struct netif, straight);
        VAL(NIF_UNUSUAL, NETIF_UNUSUAL);
        OFF(NIF_STATE, struct netif, vlan);
        _Static_assert(offsetof(struct netif, up) == offsetof(struct netif, vlan) + 2 &&
                       offsetof(struct netif, link) == offsetof(struct netif, vlan) + 3, "read as one word");
        OFF(NIF_RX_BYTES, struct netif, count.rx_bytes);
        OFF(NIF_RX_PACKETS, struct netif, count.rx_packets);
        OFF(NIF_XMIT, struct netif, xmit);
        OFF(NIF_TX_BYTES, struct netif, count.tx_bytes);
        OFF(NIF_TX_PACKETS, struct netif, count.tx_packets);
        VAL(NIF_C_L3, NETIF_L3);
        VAL(NIF_C_SG, NETIF_SG);
        OFF(ST_TCP, struct stack, tcp);
        OFF(ST_NIF, struct stack, nif);
        OFF(ST_TAP, struct stack, tap);
        OFF(ST_HOP, struct stack, hop);
        OFF(ST_AT_BATCH_END, struct stack, at_batch_end);
        OFF(ST_N_DUE, struct stack, n_due);
        _Static_assert(offsetof(struct stack, n_due) == offsetof(struct stack, at_batch_end), "1: one is due, and nothing else");
        OFF(ST_PKTS, struct stack, pkts);
        OFF(ST_NOW_MS, struct stack, wheel.now_ms);
        OFF(HOP_DST, struct hop, dst);
        OFF(HOP_USED_MS, struct hop, used_ms);
        VAL(HOP_SIZE, sizeof(struct hop));
        VAL(HOP_NONE, HOP_NO_LINK);
}

static void connection(void)
{
        OFF(TS_ST, struct tcp_state, st);
        OFF(TS_BUCKET, struct tcp_state, bucket);
        OFF(TS_KEY, struct tcp_state, key);
        OFF(TS_SHIFT, struct tcp_state, shift);
        OFF(TS_DEPTH, struct tcp_state, depth);
        OFF(TS_LINE, struct tcp_state, line);
        OFF(TS_ANSWER, struct tcp_state, answer);
        OFF(TS_DUE, struct tcp_state, due);
        VAL(TCB_BITS, offsetof(struct tcb, tos) + 1);
        VAL(BIT_UTO_TELL, 1 << 4); /* hosttest/asm/batch_end.c */
        VAL(DUE_MAX, TCP_DUE);
        _Static_assert(TCP_DUE > 1, "with one that waits there is no list");
        OFF(TS_IN_SEGS, struct tcp_state, count.in_segs);
        OFF(TS_OUT_SEGS, struct tcp_state, count.out_segs);
        OFF(TS_CHALLENGES, struct tcp_state, count.challenges);
        OFF(TCB_NEXT, struct tcb, next);
        OFF(TCB_RADDR, struct tcb, raddr);
        OFF(TCB_LADDR, struct tcb, laddr);
        OFF(TCB_PORTS, struct tcb, ports);
        OFF(TCB_RCV_NXT, struct tcb, rcv_nxt);
        OFF(TCB_RCV_ADV, struct tcb, rcv_adv);
        OFF(TCB_RCV_ACKED, struct tcb, rcv_acked);
        OFF(TCB_SND_UNA, struct tcb, snd_una);
        OFF(TCB_SND_NXT, struct tcb, snd_nxt);
        OFF(TCB_SND_WND, struct tcb, snd_wnd);
        OFF(TCB_SND_WL1, struct tcb, snd_wl1);
        OFF(TCB_MAX_SND_WND, struct tcb, max_snd_wnd);
        OFF(TCB_PRED, struct tcb, pred);
        OFF(TCB_WND_FIELD, struct tcb, wnd_field);
        VAL(PRED_MORE, TCB_MORE);
        VAL(PRED_USUAL, 0x50); /* of its low byte: a header without options, and no flags to look at */
        VAL(F_MORE, TCB_MORE_FLAGS);
        _Static_assert(TCB_KNOWN == TCP_PSH << 8 && TCB_MORE_KNOWN == TCP_FIN << 8, "the straight line's");
        _Static_assert(offsetof(struct tcb, wnd_field) == offsetof(struct tcb, pred) + 2, "read as one word");
        OFF(TCB_SND_SCALE, struct tcb, snd_scale);
        OFF(TCB_RCV_SCALE, struct tcb, rcv_scale);
        OFF(TCB_FLAGS, struct tcb, flags);
        OFF(TCB_HDR_SUM, struct tcb, hdr_sum);
        OFF(TCB_IP_ID, struct tcb, ip_id);
        OFF(TCB_TS_RECENT, struct tcb, ts_recent);
        OFF(TCB_TS_OFF, struct tcb, ts_off);
        OFF(TCB_RCV_MSS, struct tcb, rcv_mss);
        OFF(TCB_NIF, struct tcb, nif);
        OFF(TCB_RCV_FIRST, struct tcb, rcv_first);
        OFF(TCB_RCV_QUEUED, struct tcb, rcv_queued);
        OFF(TCB_RCV_SPACE, struct tcb, rcv_space);
        OFF(TCB_SND_QUEUED, struct tcb, snd_queued);
        OFF(TCB_EV, struct tcb, ev);
        OFF(TCB_TS, struct tcb, ts);
        OFF(TCB_LAST_RX_MS, struct tcb, last_rx_ms);
        OFF(TCB_ACK_DUE, struct tcb, ack_due);
        OFF(TCB_HOP, struct tcb, hop);
        OFF(TCB_TTL, struct tcb, ttl);
        OFF(TCB_TOS, struct tcb, tos);
        _Static_assert(offsetof(struct tcb, tos) == offsetof(struct tcb, ttl) + 1, "summed as one word");
        OFF(TCB_WAY, struct tcb, hop_gen);
        _Static_assert(offsetof(struct tcb, nif) == offsetof(struct tcb, hop_gen) + 2 &&
                       offsetof(struct tcb, retries) == offsetof(struct tcb, hop_gen) + 3, "read as one word");
        OFF(TCB_RCVBUF, struct tcb, rcvbuf);
        OFF(TCB_SNDBUF, struct tcb, sndbuf);
        OFF(TCB_REASM, struct tcb, reasm);
        OFF(TS_CELLS, struct tcp_state, cells);
        OFF(TS_CALM_MS, struct tcp_state, calm_ms);
        OFF(TS_FLIGHTS, struct tcp_state, flights);
        OFF(TS_RTO_MIN, struct tcp_state, rto_min_ms);
        OFF(CELL_N_FREE, struct cellpool, n_free);
        OFF(CELL_KEEP, struct cellpool, keep);
        _Static_assert(offsetof(struct cellpool, free) == 0, "a cell's link is its first word, and the pool's its own");
        OFF(TCB_STATE, struct tcb, state);
        OFF(TCB_MSS, struct tcb, mss);
        OFF(TCB_FLIGHT, struct tcb, flight);
        OFF(TCB_SND_FIRST, struct tcb, snd_first);
        OFF(TCB_SND_LAST, struct tcb, snd_last);
        OFF(TCB_REPLY_MOST, struct tcb, reply_most);
        OFF(TCB_CWND, struct tcb, cwnd);
        VAL(CWND_FIRST, TCP_CWND_FIRST);
        OFF(TCB_RTO_MS, struct tcb, rto_ms);
        OFF(TCB_SRTT_US, struct tcb, srtt_us);
        OFF(TCB_RTTVAR_US, struct tcb, rttvar_us);
        OFF(TCB_MIN_RTT_US, struct tcb, min_rtt_us);
        OFF(TCB_LAST_TX_MS, struct tcb, last_tx_ms);
        OFF(TCB_CALM_TX_US, struct tcb, calm_tx_us);
        OFF(TCB_KEEPALIVE_MS, struct tcb, keepalive_ms);
        OFF(TCB_TIMER, struct tcb, timer);
        OFF(TCB_TIMER_PPREV, struct tcb, timer.pprev);
        OFF(TCB_TIMER_DUE, struct tcb, timer.due_ms);
        OFF(TCB_TIMER_KIND, struct tcb, timer_kind);
        OFF(EV_READABLE, struct tcp_events, readable);
        OFF(EV_WRITABLE, struct tcp_events, writable);
}

/* What a SYN meets and leaves: syn.S. */
static void half_open(void)
{
        OFF(TS_HANDOFF, struct tcp_state, handoff);
        OFF(TS_OTHERS, struct tcp_state, others);
        OFF(TS_OSHIFT, struct tcp_state, oshift);
        OFF(OTHERS_TW, struct tcp_others, tw);
        _Static_assert(offsetof(struct tcp_others, half) == 0 && sizeof(struct tcp_others) == 8, "a chain begins where it does");
        OFF(TS_LBUCKET, struct tcp_state, lbucket);
        OFF(TS_FREE_SYNQ, struct tcp_state, free_synq);
        OFF(TS_N_HALF, struct tcp_state, n_half);
        OFF(TS_HALF, struct tcp_state, half);
        _Static_assert(offsetof(struct tcp_state, half[0].end) == offsetof(struct tcp_state, half[0].first) + 4, "the first list is at TS_HALF");
        OFF(TS_HALF_TIMER, struct tcp_state, half_timer);
        OFF(TS_HALF_TIMER_PPREV, struct tcp_state, half_timer.pprev);
        OFF(TS_HALF_TIMER_DUE, struct tcp_state, half_timer.due_ms);
        OFF(TS_PASSIVE_OPENS, struct tcp_state, count.passive_opens);
        VAL(LISTEN_BUCKETS, TCP_LISTEN_BUCKETS);
        _Static_assert((TCP_LISTEN_BUCKETS & (TCP_LISTEN_BUCKETS - 1)) == 0, "masked");
        OFF(L_NEXT, struct listener, next);
        OFF(L_ADDR, struct listener, addr);
        OFF(L_PORT, struct listener, port);
        OFF(L_N_WAITING, struct listener, n_waiting);
        OFF(L_RCV_SCALE, struct listener, rcv_scale);
        OFF(L_ROOM, struct listener, room);
        OFF(L_TTL, struct listener, like.ttl);
        OFF(L_MSS, struct listener, mss);
        OFF(L_WND, struct listener, wnd);
        OFF(L_BACKLOG, struct listener, opts.backlog);
        OFF(L_ISN_LADDR, struct listener, isn_laddr);
        OFF(L_BEGUN, struct listener, isn);
        OFF(L_FIXED_ISN, struct listener, opts.fixed_isn);
        OFF(L_ISN, struct listener, opts.isn);
        OFF(Q_NEXT, struct synq, next);
        OFF(Q_RADDR, struct synq, raddr);
        OFF(Q_LADDR, struct synq, laddr);
        OFF(Q_PORTS, struct synq, ports);
        OFF(Q_IRS, struct synq, irs);
        OFF(Q_ISS, struct synq, iss);
        OFF(Q_TS_RECENT, struct synq, ts_recent);
        OFF(Q_TS_OFF, struct synq, ts_off);
        OFF(Q_TSVAL, struct synq, tsval);
        OFF(Q_SENT_US, struct synq, sent_us);
        OFF(Q_L, struct synq, l);
        OFF(Q_LATER, struct synq, later);
        OFF(Q_AT, struct synq, at);
        OFF(Q_DUE_MS, struct synq, due_ms);
        OFF(Q_IP_ID, struct synq, ip_id);
        OFF(Q_PEER_MSS, struct synq, peer_mss);
        OFF(Q_WND, struct synq, wnd);
        OFF(Q_OUR_MSS, struct synq, our_mss);
        OFF(Q_HOP, struct synq, hop);
        OFF(Q_WAY, struct synq, hop_gen);
        _Static_assert(offsetof(struct synq, nif) == offsetof(struct synq, hop_gen) + 2 && offsetof(struct synq, zero) == offsetof(struct synq, hop_gen) + 3,
                       "written as one word");
        OFF(Q_SCALES, struct synq, snd_scale);
        OFF(Q_RCV_SCALE, struct synq, rcv_scale);
        _Static_assert(offsetof(struct synq, rcv_scale) == offsetof(struct synq, snd_scale) + 1 && offsetof(struct synq, live) == offsetof(struct synq, snd_scale) + 3,
                       "written as one word");
        OFF(Q_AGREED, struct synq, ts_ok);
        _Static_assert(offsetof(struct synq, sack_ok) == offsetof(struct synq, ts_ok) + 1 && offsetof(struct synq, has_wscale) == offsetof(struct synq, ts_ok) + 2 &&
                       sizeof(struct synq) == offsetof(struct synq, ts_ok) + 4, "written as one word, the rest cleared");
        OFF(L_LIKE, struct listener, like);
        OFF(Q_TRIES, struct synq, tries);
        OFF(Q_LIVE, struct synq, live);
        OFF(TS_FREE_TCB, struct tcp_state, free_tcb);
        OFF(TS_N_TCBS, struct tcp_state, n_tcbs);
        VAL(TCB_SIZE, sizeof(struct tcb));
        OFF(TCB_LIKE, struct tcb, rcvbuf);
        OFF(TCB_USER, struct tcb, user);
        _Static_assert((sizeof(struct tcb) - offsetof(struct tcb, rcvbuf)) % 4 == 0, "copied as words");
        _Static_assert(TF_TS == 4 && TF_SACK == 8, "made by lea of what was agreed on");
        OFF(TCB_GEN, struct tcb, gen);
        OFF(TCB_ISS, struct tcb, iss);
        OFF(TCB_PMTU, struct tcb, pmtu);
        OFF(TCB_PEER_MSS, struct tcb, peer_mss);
        _Static_assert(offsetof(struct tcb, rcv_scale) == offsetof(struct tcb, snd_scale) + 1, "written as one word");
        OFF(EV_ACCEPT, struct tcp_events, accept);
        VAL(F_CONNECTED, TF_CONNECTED);
        VAL(MSS_MIN, TCP_MSS_MIN);
        VAL(RTO_SYN_LOST_MS, TCP_RTO_SYN_LOST_MS);
        VAL(DROP_NOT_ACCEPTED, DROP_TCP_NOT_ACCEPTED);
        VAL(MSS_DEFAULT, TCP_MSS_DEFAULT);
        VAL(RTO_INIT_MS, TCP_RTO_INIT_MS);
        VAL(POOL_DROP_SYN_TAKEN, offsetof(struct pktpool, drops) + 4 * DROP_TCP_SYN_TAKEN);
        OFF(ST_IP, struct stack, ip);
        OFF(IPS_MUL, struct ip_state, mul);
        OFF(IPS_DSTS, struct ip_state, dsts);
        VAL(DST_SIZE, sizeof(struct ip_dst));
        OFF(DST_ADDR, struct ip_dst, dst);
        OFF(DST_VALID, struct ip_dst, valid);
        _Static_assert(offsetof(struct ip_dst, kind) == offsetof(struct ip_dst, valid) + 1 && IP_DSTS == 16, "read as one word; four bits of hash");
        VAL(DST_UNICAST, IP_UNICAST << 8 | 1);
        OFF(DST_HOP, struct ip_dst, hop);
        OFF(DST_HOP_GEN, struct ip_dst, hop_gen);
        OFF(DST_NIF, struct ip_dst, path.nif);
        OFF(NIF_ADDR, struct netif, addr[0].addr);
        VAL(FLAG_SYN, TCP_SYN);
        VAL(W_MSS, TCP_W_MSS);
        VAL(W_SACK_OK_TS, TCP_W_SACK_OK_TS);
        VAL(W_SACK_OK_SCALE, TCP_W_SACK_OK_SCALE);
        VAL(W_SACK_OK_END, TCP_W_SACK_OK_END);
        VAL(W_NOPS_SACK_OK, TCP_W_NOPS_SACK_OK);
        VAL(W_NOP_SCALE, TCP_W_NOP_SCALE);
        VAL(SCALE_MAX, TCP_SCALE_MAX);
}

/* What a connection leaves behind: last.S. */
static void ended(void)
{
        enum { UNUSUAL_END = TF_APP_MODE | TF_ACK_ON_READ | TF_URG_RX | TF_URG_TX | TF_ECN | TF_ABORT_ON_ACK | TF_BUSY | TF_DEAD |
                             TF_ACK_NOW };
        VAL(F_UNUSUAL_END, (u32)UNUSUAL_END);
        VAL(F_EOF, TF_EOF);
        VAL(F_ACTIVE_CLOSE, TF_ACTIVE_CLOSE);
        VAL(F_ACTIVE_OPEN, TF_ACTIVE_OPEN);
        VAL(F_TFO_ACCEPTED, TF_TFO_ACCEPTED);
        VAL(BYTE_FIN_WAIT_1, TCP_B_FIN_WAIT_1);
        VAL(BYTE_FIN_WAIT_2, TCP_B_FIN_WAIT_2);
        VAL(BYTE_LAST_ACK, TCP_B_LAST_ACK);
        VAL(BYTE_TIME_WAIT, TCP_B_TIME_WAIT);
        VAL(DROP_OVER, DROP_TCP_OVER);
        OFF(TCB_CONV, struct tcb, conv);
        OFF(TCB_TIMEWAIT_CS, struct tcb, timewait_cs);
        OFF(EV_CLOSED, struct tcp_events, closed);
        _Static_assert(offsetof(struct tcb, next) == 0 && offsetof(struct timer, next) == 0, "the link of its chain, and of its slot");
        OFF(TIMER_PPREV, struct timer, pprev);
        OFF(ST_WHEEL_RUNNING, struct stack, wheel.n_running);
        OFF(TS_TW, struct tcp_state, tw);
        OFF(TS_N_TW, struct tcp_state, n_tw);
        OFF(TS_TW_FIRST, struct tcp_state, tw_first);
        OFF(TS_TW_COUNT, struct tcp_state, tw_count);
        OFF(TS_TW_TIMER, struct tcp_state, tw_timer);
        OFF(TS_TW_TIMER_PPREV, struct tcp_state, tw_timer.pprev);
        OFF(TW_RADDR, struct timewait, raddr);
        OFF(TW_LADDR, struct timewait, laddr);
        OFF(TW_PORTS, struct timewait, ports);
        OFF(TW_RCV_NXT, struct timewait, rcv_nxt);
        OFF(TW_SND_NXT, struct timewait, snd_nxt);
        OFF(TW_TS_RECENT, struct timewait, ts_recent);
        OFF(TW_DUE_MS, struct timewait, due_ms);
        VAL(TW_BITS, offsetof(struct timewait, due_ms) + 4);
        _Static_assert(sizeof(struct timewait) == 32 && offsetof(struct timewait, due_ms) == 24, "indexed by a shift; its bits are one word");
}

/* What is queued and what is outstanding: whole.S. */
static void queues(void)
{
        OFF(ENT_NEXT, struct sndent, next);
        OFF(ENT_PTR, struct sndent, ptr);
        OFF(ENT_LEN, struct sndent, len);
        OFF(ENT_SUM, struct sndent, sum);
        OFF(ENT_HOLD, struct sndent, hold);
        OFF(ENT_HAS_SUM, struct sndent, has_sum);
        OFF(SENT_FLAGS, struct sent, flags);
        OFF(FLY_LAST, struct flight, last);
        VAL(FRAG0, offsetof(struct pkt, frag[0]));
        VAL(FRAG1, offsetof(struct pkt, frag[1]));
        OFF(FRAG_LEN, struct frag, len);
        OFF(FRAG_HOLD, struct frag, hold);
        OFF(ST_NOW_US, struct stack, now_us);
        OFF(ST_WHEEL, struct stack, wheel);
        _Static_assert(WHEEL_BITS == 6 && offsetof(struct timer, next) == 0, "filed by timer_set.S");
        OFF(WHEEL_NOW, struct wheel, now_ms);
        OFF(WHEEL_NEXT, struct wheel, next_ms);
        OFF(WHEEL_RUNNING, struct wheel, n_running);
        OFF(WHEEL_USED_1, struct wheel, used[1]);
        OFF(WHEEL_SLOT_1, struct wheel, slot[1]);
        OFF(TIMER_DUE, struct timer, due_ms);
        _Static_assert(WHEEL_SLOTS == 64 && sizeof(((struct wheel *)0)->used[0]) == 8, "timer_set.S counts in shifts of six bits");
        VAL(KIND_NONE, TT_NONE);
        VAL(KIND_KEEPALIVE, TT_KEEPALIVE);
        VAL(KIND_CALM, TT_CALM);
        VAL(CALM_NO_RTT, (u32)CALM_NO_RTT);
        VAL(KIND_READY, TT_READY);
        VAL(KIND_REPLY, TT_REPLY);
        VAL(KIND_REPLIED, TT_REPLIED);
        OFF(TCB_REPLY, struct tcb, reply);
        OFF(TCB_REPLY_SUM, struct tcb, reply_sum);
        VAL(BYTE_FIN_RX, FIN_RX);
        VAL(BYTE_ESTABLISHED, TCP_B_ESTABLISHED);
        VAL(BYTE_SYN_ACK_RX, SYN_ACK_RX);
        VAL(RUN_PROBE, SENT_PROBE);
        VAL(BYTE_FIN_TX, FIN_TX);
        VAL(F_SACK, TF_SACK);
        VAL(F_CORK, TF_CORK);
}

static void connection_flags(void)
{
        VAL(F_TS, TF_TS);
        VAL(F_ECN, TF_ECN);
        VAL(F_ECE, TF_ECE);
        VAL(F_ACK_NOW, TF_ACK_NOW);
        VAL(F_ACK_DELAYED, TF_ACK_DELAYED);
        VAL(F_IN_DELACK, TF_IN_DELACK);
        VAL(F_QUEUED, TF_QUEUED);
        VAL(F_WANT_TX, TF_WANT_TX);
        VAL(F_BUSY, TF_BUSY);
        VAL(F_DEAD, TF_DEAD);
        VAL(F_SYN_PENDING, TF_SYN_PENDING);
        VAL(F_FIN_QUEUED, TF_FIN_QUEUED);
        VAL(F_USER_CLOSED, TF_USER_CLOSED);
        VAL(F_PSHED, TF_PSHED);
        VAL(F_PSH_MESSAGE, TF_PSH_MESSAGE);
        VAL(F_ACK_ON_READ, TF_ACK_ON_READ);
        VAL(F_URG_TX, TF_URG_TX);
        VAL(F_URG_RX, TF_URG_RX);
        VAL(F_NO_DF, TF_NO_DF);
        VAL(F_NO_PMTUD, TF_NO_PMTUD);
        VAL(FLAG_FIN, TCP_FIN);
        VAL(FLAG_PSH, TCP_PSH);
        VAL(FLAG_ACK, TCP_ACK);
        VAL(FLAG_ECE, TCP_ECE);
        VAL(R_ECT, TCP_R_ECT);
        VAL(TS_WORD, TCP_TS_WORD);
        VAL(R_NO_SUM, TCP_R_NO_SUM);
        VAL(DELACK_MS, TCP_DELACK_MS);
}

void offsets(void);
void offsets(void)
{
        packet_path();
        connection();
        connection_flags();
        half_open();
        ended();
        queues();
        OFF(BI_VIA, struct bootinfo, via);
        OFF(BI_DRIVE, struct bootinfo, drive);
        OFF(BI_VOL_BASE, struct bootinfo, vol_base);
        OFF(BI_VOL_SIZE, struct bootinfo, vol_size);
        OFF(BI_N_RANGES, struct bootinfo, n_ranges);
        OFF(BI_RANGE, struct bootinfo, range);
        OFF(BI_CMDLINE, struct bootinfo, cmdline);
        VAL(BI_SIZE, sizeof(struct bootinfo));
        VAL(BI_RANGE_SIZE, sizeof(struct mem_range));
        VAL(BI_RANGE_MAX, BOOT_RANGES);
}
