/* tcb.h - one connection: the transmission control block (RFC 9293 3.3.1), open to inspection.
 * An idle established connection is this struct and its share of the hash table, nothing else: what exists
 * only while data is outstanding hangs on `flight`, what exists only while there are holes on `reasm`.
 * SPDX-License-Identifier: MIT */
#ifndef TCP_TCB_H
#define TCP_TCB_H

#include "hdr.h"
#include "state.h"
#include "tcp.h"

enum tcb_flag {
        TF_NODELAY      = 1u << 0,
        TF_CORK         = 1u << 1,
        TF_TS           = 1u << 2,  /* both sides use timestamps */
        TF_SACK         = 1u << 3,  /* both sides use SACK */
        TF_ECN          = 1u << 4,  /* both sides use ECN */
        TF_ECE          = 1u << 5,  /* we echo congestion until CWR comes */
        TF_CWR          = 1u << 6,  /* say CWR on the next new data */
        TF_APP_MODE     = 1u << 7,
        TF_PSH_MESSAGE  = 1u << 8,
        TF_ACK_NOW      = 1u << 9,  /* an acknowledgement goes out with the next tcp_tx */
        TF_ACK_DELAYED  = 1u << 10, /* an acknowledgement is owed by ack_due */
        TF_QUEUED       = 1u << 11, /* noted for the end of the batch */
        TF_WANT_TX      = 1u << 12, /* the user queued something while the stack is inside this connection */
        TF_BUSY         = 1u << 13, /* the stack is inside this connection: it is not freed before it leaves */
        TF_DEAD         = 1u << 14, /* freed when BUSY ends */
        TF_FIN_QUEUED   = 1u << 15, /* the user shut down: FIN after the queued bytes */
        TF_USER_CLOSED  = 1u << 16, /* the user let go: no more events but `closed` */
        TF_ACTIVE_CLOSE = 1u << 17,
        TF_ACTIVE_OPEN  = 1u << 18, /* MUST-11 */
        TF_EOF          = 1u << 19, /* the peer's FIN was reached in the stream */
        TF_PSHED        = 1u << 20, /* a message is complete (R53); noted with PSH_MESSAGE, and at the end */
        TF_NO_DF        = 1u << 21, /* path MTU black hole: let routers fragment */
        TF_SYN_PENDING  = 1u << 22, /* Fast Open, QuRe: our SYN waits for data to take along, or until the user was asked */
        TF_TFO_ACCEPTED = 1u << 23, /* Fast Open: the user knows of this connection before its handshake is complete */
        TF_ABORT_ON_ACK = 1u << 24, /* application mode: reset once everything is acknowledged (R160) */
        TF_URG_TX       = 1u << 25, /* snd_up counts */
        TF_URG_RX       = 1u << 26, /* rcv_up counts */
        TF_ACK_ON_READ  = 1u << 27, /* bytes are acknowledged when they are read (R158, R180) */
        TF_CONNECTED    = 1u << 28, /* the user was told of the connection */
        TF_NO_PMTUD     = 1u << 29,
        TF_PERSIST_ACKD = 1u << 30, /* the peer answered the last zero-window probe (MUST-37) */
        TF_IN_DELACK    = 1u << 31, /* on the list of delayed acknowledgements, perhaps without owing one any more */
};

enum uto { UTO_OFF, UTO_OPEN /* the peer may lengthen ours */, UTO_OURS /* told, but the user's own counts */ };
enum tcp_timer_kind { TT_NONE, TT_RTX, TT_TLP, TT_REO, TT_PERSIST, TT_KEEPALIVE, TT_FIN_WAIT_2, TT_TX_RETRY, TT_SWS,
                      TT_CALM, TT_READY, TT_REPLY, TT_REPLIED /* these four: calm.c */ };

struct flight;
struct reasm;
struct sndent;
struct tcp_state;

struct tcb {
        /* --- what every segment touches: lookup, header prediction, reply --- */
        struct tcb *next;       /* hash chain, or free list; itself: frozen */
        u32  raddr, laddr;      /* as in memory (be32_raw) */
        u32  ports;             /* as an arriving header holds them: source (theirs), destination (ours) */
        u32  rcv_nxt;           /* RCV.NXT */
        u32  rcv_adv;           /* right edge advertised: RCV.NXT + RCV.WND */
        u32  rcv_acked;         /* the acknowledgement sent last (RFC 7323 Last.ACK.sent) */
        u32  snd_una, snd_nxt;  /* SND.UNA, SND.NXT */
        u32  snd_wnd;           /* SND.WND, scaled to bytes */
        /* Read as one word: what the straight line accepts of a header, off and flags as in memory, 0 = nothing; with PSH, whether
         * the segment has it or not, while snd_wnd is what wnd_field says. tcp_predict takes PSH away: who writes snd_wnd calls it.
         * Where flags have to be looked at (TCB_MORE_FLAGS) no segment is to be equal: TCB_MORE is set, and FIN instead of PSH. */
        u16  pred;
        u16  wnd_field;         /* the window as in memory */
        u8   state;             /* the connection byte; tcp_set_state writes it */
        u8   snd_scale, rcv_scale;
        u8   timer_kind;
        u32  flags;             /* enum tcb_flag */
        u32  hdr_sum;           /* partial checksum of pseudo header and ports, 16 bits; what is missing is the length of the whole datagram */
        u32  ts_recent;         /* TS.Recent */
        /* Read as one word and compared with the interface's (netif.h): the straight line is open when they are equal. */
        u16  hop_gen;           /* `hop` is good while this is the stack's; 0 = it is not known */
        u8   nif;               /* index of the interface it leaves by */
        u8   retries;           /* time-outs in a row */
        /* --- 64: queues and what data touches --- */
        struct pkt *rcv_first, *rcv_last; /* as many buffers as rcv_queued says; what they, or the last one's next, are else is left over (rcvq_last) */
        u32  rcv_queued;        /* bytes in order, not consumed */
        struct reasm *reasm;    /* out-of-order data, or NULL */
        struct sndent *snd_first;
        union {
                struct sndent *snd_last; /* while there is a first one */
                u32 reply_most; /* of TT_READY, TT_REPLY and TT_REPLIED (calm.c): bytes of the next reply, which are more than neither mss, snd_wnd nor
                                 * sndbuf: what changes one of them lists the queue, or takes this for 0 */
        };
        u32  snd_queued;        /* bytes queued, the outstanding ones included */
        struct flight *flight;  /* outstanding data, scoreboard, recovery; NULL when nothing is outstanding, or a calm run */
        const struct tcp_events *ev;
        void *user;
        struct tcp_state *ts;   /* set for good when the slot is made, and timer.fire */
        struct tcb *link_next, *link_prev; /* delayed-acknowledgement list, or that of a large batch */
        u32  cwnd;
        u32  last_rx_ms;        /* anything acceptable came (keep-alive) */
        /* --- 128: timing and limits --- */
        struct timer timer;     /* may be due before due_ms: it then runs on */
        union {
                u32 due_ms;
                const u8 *reply; /* of TT_REPLY and TT_REPLIED (calm.c): all that is queued */
        };
        u32  srtt_us, rttvar_us; /* times 8, times 4 (RFC 6298 2) */
        u32  rto_ms;            /* 0, from TT_CALM on: it follows from the two above (tcb_rto) */
        union {
                u32 last_tx_ms; /* data was sent (idle restart) */
                u32 calm_tx_us; /* the same, from TT_CALM on (calm.c) */
        };
        u16  ack_due;           /* ms, low half: when a delayed acknowledgement is to go ... */
        u16  ack_look;          /* ... and when the list of delayed ones looks at this connection, not later (batch.c) */
        union {
                u32 progress_ms; /* since when nothing was acknowledged, while something is outstanding (R1, R2) */
                u32 reply_sum;   /* partial checksum of `reply` */
        };
        u32  max_snd_wnd;       /* largest window offered (SWS; RFC 5961 5) */
        u32  snd_wl1;           /* SND.WL2 is SND.UNA: what moves it brings its window */
        u16  gen;               /* counts lives of this slot (R167) */
        u16  peer_mss;          /* of its option (MUST-15: 536) */
        u32  iss;
        u32  ip_id;             /* IP's word of number and DF: with it, all of IP's header but the length adds up to nothing (tcb_set_ip_id) */
        u32  snd_up, rcv_up;    /* urgent pointers */
        u32  ts_off;            /* our timestamp clock minus the stack's */
        u16  hop;               /* the link header towards the peer (arp.h) */
        u16  rcv_mss;           /* estimate of the peer's full segment */
        u16  pmtu;              /* path MTU, IP bytes */
        u16  mss;               /* payload bytes of a full segment to send, options of data segments taken off */
        /* --- 208: as the listener keeps it for its connections, like `ev`, `user` and `flags` (accept.c) --- */
        u32  rcvbuf, sndbuf;    /* limits */
        u32  rcv_space;         /* what of rcvbuf is in use as the window; grows with use */
        u32  ssthresh;
        u32  min_rtt_us;        /* smallest ever measured, 0 = none (RACK) */
        u32  keepalive_ms;
        u32  w_max;             /* CUBIC's W_max, bytes */
        u16  user_timeout;      /* R2: ms_pack */
        u16  conv;              /* index + 1: the peer speaks QuRe, directions open and close by themselves (channel.h); 0 = plain */
        u16  timewait_cs;       /* 2 MSL, hundredths of a second */
        u16  challenge;         /* of challenge acknowledgements, in units of 4 ms (tx.c); 0 = none was sent */
        u16  listener;          /* index + 1, 0 = active open */
        u8   ttl, tos;
        u8   cc : 1;            /* enum tcp_cc */
        u8   no_ect : 1;        /* ECN, but what we send does not say so (RFC 3168 6.1.1) */
        u8   uto : 2;           /* enum uto */
        u8   uto_tell : 1;      /* RFC 5482: with the next acknowledgement */
        u8   pmtu_epoch : 3;    /* when pmtu was lowered, or a larger one did not arrive (pmtu.c) */
        s8   soft_error;
};
_Static_assert(offsetof(struct tcb, rcv_first) == 64, "hot fields fill one cache line");
_Static_assert(sizeof(struct tcb) <= 252, "256 bytes an idle connection, hash table included");

/* Sets t->pred from state, options and queues: call it when any of these changed. */
void tcp_predict(struct tcb *t);

enum {
        TCB_KNOWN = TCP_PSH << 8, TCB_MORE_KNOWN = TCP_FIN << 8, TCB_MORE = 1, /* of pred: the lowest bit is one that headers leave 0 */
        TCB_MORE_FLAGS = TF_TS | TF_ECN | TF_FIN_QUEUED | TF_URG_TX | TF_PSH_MESSAGE,
};

/* off and flags that are predicted. */
static inline u32 tcb_foretold(const struct tcb *t) { return t->pred & ~(u32)(TCB_KNOWN | TCB_MORE_KNOWN | TCB_MORE); }
static inline bool tcb_window_known(const struct tcb *t) { return t->pred & (TCB_KNOWN | TCB_MORE_KNOWN); }

/* snd_wnd is what a header's window, host order, says: the straight line need not look at it until another one comes. */
static inline void tcb_know_window(struct tcb *t, u32 wnd)
{
        t->wnd_field = __builtin_bswap16((u16)wnd);
        if (t->pred)
                t->pred |= t->pred & TCB_MORE ? TCB_MORE_KNOWN : TCB_KNOWN;
}

/* One of TCB_MORE_FLAGS was set. */
static inline void tcb_more(struct tcb *t)
{
        if (t->pred)
                t->pred = (u16)(tcb_foretold(t) | TCB_MORE);
}

/* Milliseconds in 16 bits, 12 of them significant, rounded up: up to 37 hours. */
static inline u16 ms_pack(u32 ms)
{
        u32 e = 0;
        ms = min_u32(ms, 0xfff << 15);
        while (e < 15 && (ms + (1u << e) - 1) >> e > 0xfff)
                e++;
        return (u16)(e << 12 | min_u32((ms + (1u << e) - 1) >> e, 0xfff));
}
static inline u32 ms_unpack(u16 v) { return (u32)(v & 0xfff) << (v >> 12); }

/* The connection is in one of its data-carrying states and nothing unusual is going on. */
static inline u16 tcb_lport(const struct tcb *t) { return (u16)__builtin_bswap16((u16)(t->ports >> 16)); }
static inline u16 tcb_rport(const struct tcb *t) { return (u16)__builtin_bswap16((u16)t->ports); }
static inline ipaddr tcb_raddr(const struct tcb *t) { ipaddr a = {be32_from_raw(t->raddr)}; return a; }
static inline ipaddr tcb_laddr(const struct tcb *t) { ipaddr a = {be32_from_raw(t->laddr)}; return a; }

#endif
