/* tcp.h - TCP connections, event face: what services are written against. The connection is the
 * socket. A service gives its callbacks when it listens or connects; they run inside the stack and
 * never block. The POSIX-like and blocking face (sock.h) is built from these.
 * SPDX-License-Identifier: MIT */
#ifndef TCP_H
#define TCP_H

#include "stack.h"

struct tcb;      /* one connection; its fields are open to inspection in net/tcp/tcb.h */
struct listener;

/* All but `closed` may be NULL. Calls that send may be made from any of them. */
struct tcp_events {
        /* A handshake completed on a listener (R91, R93), or a connection was moved here. false refuses: the peer sees RST. */
        bool (*accept)(struct tcb *t);
        /* Our tcp_connect succeeded. */
        void (*connected)(struct tcb *t);
        /* New bytes in order, a PSH in message mode, or the peer's FIN (tcp_eof). */
        void (*readable)(struct tcb *t);
        /* Bytes were acknowledged: there is room in the send queue again. */
        void (*writable)(struct tcb *t);
        /* The last call for this connection: 0 closed normally, else E_RESET, E_TIMEDOUT, E_REFUSED, E_UNREACH (MUST-12).
         * It comes when both directions are finished and nothing is left to read, or when the connection fails; t is gone after
         * it. May come from inside tcp_close or tcp_consume. */
        void (*closed)(struct tcb *t, int err);
        /* The peer announced urgent data (MUST-32); it is read in line, tcp_urgent_left says how much of it is ahead. */
        void (*urgent)(struct tcb *t);
        /* Nothing came for keepalive_ms: called, when set, in place of the keep-alive probe, and again every keepalive_ms.
         * A service closes idle connections here without keeping a timer for each. */
        void (*idle)(struct tcb *t);
        /* The connection is about to be moved to another node (doc/handoff.md). Writes where the service is in its work: at most
         * max bytes (TCP_PLACE_MAX), 0 between messages; returns how many. Unread and queued bytes travel by themselves. Negative
         * with *why, a few words for a person: not now. Else t is frozen: the service stops its own timers and leaves t alone until
         * `closed` with 0 (it lives elsewhere now) or, when the move failed, `readable` (if there is something) and `writable`.
         * NULL: the service cannot be moved. */
        int (*place_put)(struct tcb *t, u8 *dst, u32 max, const char **why);
        /* A listener's: a connection comes from another node with the n bytes (never 0) that place_put wrote there. t is silent: the
         * service takes what it needs and touches nothing else. true: `accept` follows when t starts, or `closed` if it does not.
         * false, or NULL: the old node keeps it. */
        bool (*place_take)(struct tcb *t, const u8 *src, u32 n);
};

enum { TCP_SYN_LAYOUT = 12, TCP_PLACE_MAX = 256 };

/* Options of a listener (inherited by what it accepts) or connection; zero-initialised = RFC defaults. */
struct tcp_opts {
        u16  mss;            /* ours to announce, 0 = from the MTU */
        u32  rcvbuf, sndbuf; /* bytes, 0 = default */
        u16  backlog;        /* listener: accepted at most waiting, 0 = 16 */
        u8   ttl, tos;
        bool nodelay;        /* Nagle off */
        bool no_wscale, no_sack, no_timestamps, ecn;
        u8   wscale;         /* shift of our window to announce, plus 1 (1 to 15), less if rcvbuf is not two units; 0 = what it needs */
        bool app_mode;       /* vproxy (R154-R162): acknowledge when read, close resets, no TIME_WAIT */
        /* bytes are acknowledged when they are consumed, and may be refused before (R180); app_mode has it too */
        bool ack_on_read;
        /* R53, R54: readable only at PSH, FIN or a full window; not beside app_mode, whose peer waits for the reader */
        bool psh_message;
        u8   cc;             /* enum tcp_cc */
        u32  user_timeout_ms;/* RFC 5482, R2; 0 = default; at most 37 hours */
        bool uto;            /* RFC 5482: tell it to the peer, adopt the peer's unless user_timeout_ms is set */
        u32  keepalive_ms;   /* 0 = off (MUST-25); more than 2^30 (12 days) count as that */
        u32  timewait_ms;    /* 0 = 2 x 30 s; at most 655 s */
        /* RFC 7413: listener takes data on a SYN with a valid cookie; tcp_connect sends what is queued with its SYN */
        bool fastopen;
        bool qure;           /* option 144 (doc/conversations.md): tcp_connect shows it, a listener answers; else plain.
                              * Toward a peer known to speak it the SYN takes along what is queued, and the FIN (R47). */
        bool optional_syn;   /* listener: a QuRe peer's SYN is acknowledged, ours goes when there is something to say (R38) */
        bool speaks_first;   /* listener: asked at a QuRe peer's SYN, may answer and close before the request comes (R43) */
        bool hold_reopened;  /* listener: a SYN that opens again is acknowledged, its data has to come once more (R42) */
        /* Listener: these first bytes of a SYN's data are a request that may run before the handshake, for it does no harm twice.
         * NULL = a QuRe peer's data always waits for the handshake, Fast Open's never. */
        bool (*idempotent)(const u8 *data, u32 n);
        bool no_pmtud;       /* segments may be fragmented on their way */
        bool foreign;        /* tcp_connect: src is another machine's, in whose way this one is (through.h) */
        bool fixed_isn;      /* for conformance tests: start with `isn` instead of RFC 6528's choice */
        u32  isn;
        u32  ts_off;         /* tcp_connect with fixed_isn: our timestamps are the stack's milliseconds plus this, 0 = as usual */
        u8   syn_layout[TCP_SYN_LAYOUT]; /* option kinds of our SYN in order (1 = NOP), 0 ends; empty = 2, 4, 8, 1, 3 (, 34) */
};
enum tcp_cc { TCP_CC_CUBIC, TCP_CC_NEWRENO };

/* Listens on addr:port (any() = all). NULL and *err on failure (E_INUSE, E_NOMEM). */
struct listener *tcp_listen(struct stack *st, ipaddr addr, u16 port, const struct tcp_events *ev, void *user,
                            const struct tcp_opts *opts, int *err);
/* Stops listening; half-open connections are reset, accepted ones stay. */
void tcp_unlisten(struct listener *l);

/* Begins an active open. src any() and sport 0 = chosen (RFC 6056). NULL and *err on failure (MUST-46). */
struct tcb *tcp_connect(struct stack *st, ipaddr src, u16 sport, ipaddr dst, u16 dport, const struct tcp_events *ev, void *user,
                        const struct tcp_opts *opts, int *err);

/* A connection's slot and which of its lives (R167): outlives the connection without harm. */
struct tcp_key { u32 slot; u16 gen; };
struct tcp_key tcp_key(const struct tcb *t);
struct tcb *tcp_by_key(struct stack *st, struct tcp_key key); /* NULL when that life is over */
struct tcp_names;
struct tcb *tcp_find(struct stack *st, const struct tcp_names *names);
bool tcp_in_time_wait(struct stack *st, const struct tcp_names *names);

void *tcp_user(const struct tcb *t);
void tcp_set_user(struct tcb *t, void *user);
void tcp_set_events(struct tcb *t, const struct tcp_events *ev);
struct stack *tcp_stack(const struct tcb *t);
struct listener *tcp_listener(const struct tcb *t);           /* NULL for an active open */
void *tcp_listener_user(const struct listener *l);
/* The user keeps accepted connections waiting: counts them (+1, -1) against the backlog, beyond which SYNs are not answered. */
void tcp_waiting(struct listener *l, int n);

struct tcp_names { ipaddr laddr, raddr; u16 lport, rport; };
void tcp_names(const struct tcb *t, struct tcp_names *out);
int tcp_state_number(const struct tcb *t);                     /* the RFC's numbering, LISTEN 1 to CLOSED 11 (R15) */
const char *tcp_state_name(const struct tcb *t);              /* "ESTABLISHED", one of the RFC's eleven */

/* --- receiving: bytes stay in the buffers they arrived in until consumed --- */
u32 tcp_readable(const struct tcb *t);                         /* bytes in order, not yet consumed */
/* contiguous run at offset off: its length and address; 0 at the end */
u32 tcp_peek(const struct tcb *t, u32 off, const u8 **ptr);
u32 tcp_copy(const struct tcb *t, u32 off, void *dst, u32 n);  /* copies without consuming; bytes copied */
void tcp_consume(struct tcb *t, u32 n);                        /* n <= tcp_readable: frees buffers, may open the window */
/* consumes the first buffer whole and gives it away, or NULL (the seeds' pipe) */
struct pkt *tcp_take(struct tcb *t);
/* Gives the unread bytes back unacknowledged (ack_on_read only): the peer will send them again. E_INVAL otherwise, or after
 * its FIN. */
int  tcp_refuse(struct tcb *t);
bool tcp_window_full(const struct tcb *t);                     /* nothing more can come before something is consumed */
bool tcp_eof(const struct tcb *t);                             /* the peer's FIN was reached in the stream */

/* --- sending: what is sent is described; segments are built from the queue when sent and again when resent --- */
u32 tcp_send_room(const struct tcb *t);
u32 tcp_send_queued(const struct tcb *t);                      /* bytes queued that were not acknowledged yet */
bool tcp_sending_over(const struct tcb *t);                    /* shut down or closed: no room will ever come */
u32 tcp_mss(const struct tcb *t);                              /* payload of a full segment */
/* Queues n bytes at ptr by reference; the memory must outlive the connection (files, constants). `sum` is NULL, or the
 * cksum_add of the n bytes, which then is not computed again. 0 or E_NOMEM (queue full), E_CLOSED. All or nothing. */
int tcp_send_ref(struct tcb *t, const void *ptr, u32 n, const u32 *sum);
/* Queues the bytes of p (data, len; no chain) and takes the buffer (consumed in every case). 0 or negative. */
int tcp_send_pkt(struct tcb *t, struct pkt *p);
/* The same with the cksum_add of the bytes. p may be shared (pkt_hold): one reference is taken, the bytes stay as they are. */
int tcp_send_pkt_sum(struct tcb *t, struct pkt *p, u32 sum);
/* Copies n bytes into buffers of the pool; returns the bytes taken (may be fewer: room, or all but three eighths of the buffers
 * are in use; who fills buffers for tcp_send_pkt leaves those too), or negative. */
int tcp_send(struct tcb *t, const void *src, u32 n);
/* Takes back at most n of the bytes queued last, as far as they were never sent. How many; 0 behind tcp_shutdown. */
u32 tcp_unqueue(struct tcb *t, u32 n);
void tcp_cork(struct tcb *t, bool on);                         /* hold back small segments until uncorked */
/* sends what may be sent now; the stack calls it at batch end anyway */
void tcp_flush(struct tcb *t);

/* --- ending --- */
void tcp_shutdown(struct tcb *t);                              /* our FIN after the queued bytes (half close, R40) */
/* shutdown and let go: no more events, `closed` excepted; unread data = RST (SHLD-3) */
void tcp_close(struct tcb *t);
void tcp_abort(struct tcb *t);                                 /* RST now; `closed` is not called */

/* --- conversations: directions that open by themselves, toward a peer that showed option 144 --- */
bool tcp_is_qure(const struct tcb *t);
bool tcp_proven(const struct tcb *t);                          /* the peer is where it says (design 6) */
/* Opens our direction: for the first time on a listener with optional_syn, before there is anything to say; or again after
 * tcp_shutdown (R41). What is queued before the stack sends goes with the SYN. 0, E_AGAIN while our last FIN is not acknowledged,
 * E_CLOSED toward a plain peer. A peer that opens again is seen by tcp_eof, which turns false, and `readable`. */
int tcp_reopen(struct tcb *t);
/* Takes back what is queued when nothing of it was sent: the peer has said already that it does not want it (R43). Bytes. */
u32 tcp_withdraw(struct tcb *t);
/* A listener's speaks_first, from now on; and whether a connection that it accepts is at its SYN, with ours still to be sent. */
void tcp_speaks_first(struct listener *l, bool on);
bool tcp_unopened(const struct tcb *t);
/* This service speaks QuRe, as we know from membership of its cluster (R49): no discovery, no ageing. port 0: whatever of that
 * machine is not known better. */
void tcp_peer_member(struct stack *st, ipaddr addr, u16 port);
void tcp_peer_forget(struct stack *st, ipaddr addr, u16 port);
void tcp_option_kind(struct stack *st, u8 kind);               /* 144 unless set; 253 and 254 carry RFC 6994's experiment */
struct tcp_conv_info {
        u8  kind;
        /* SYNs with the option; requests used at once, without a cookie; held back; seen before */
        u32 hellos, early, unproven, held, replays;
        /* plain retries; directions opened again; now: connections */
        u32 fallbacks, reopened, rate_limited, bad_cookies, now, peers;
};
void tcp_conv_info(struct stack *st, struct tcp_conv_info *out);
/* From the cluster's secret, the same on every node: the key of all cookies (address proofs, Fast Open's, SYN cookies; those made
 * under the key before stay good) and of initial sequence numbers. */
void tcp_cluster_keys(struct stack *st, const u8 cookie[16], const u8 isn[16]);
/* From now on this machine answers for an address that another of the cluster answered for: the other's SYN cookies are good, and
 * as nobody here knows which SYNs the other used, data on SYNs waits for the handshake for 60 s. */
void tcp_takeover(struct stack *st);

/* Everything queued so far is urgent (MUST-30, 62): segments carry URG until it is acknowledged. New programs should not
 * (SHLD-13). */
void tcp_send_urgent(struct tcb *t);
/* Bytes from the first unread one to the end of the peer's urgent data, 0 = none is ahead (MUST-33). */
u32 tcp_urgent_left(const struct tcb *t);

void tcp_set_nodelay(struct tcb *t, bool on);
/* DSCP << 2, any time (MUST-48, SHLD-21); the ECN bits are the engine's */
void tcp_set_tos(struct tcb *t, u8 tos);
void tcp_set_ttl(struct tcb *t, u8 ttl);                       /* MUST-49 */
void tcp_set_cc(struct tcb *t, u8 cc);                         /* enum tcp_cc */
/* Smallest retransmission time-out of this stack's connections, milliseconds. Default 200, and then it is the least that the variance
 * adds to the round trip, as Linux has it; from 1000 on it is what RFC 6298 2.4 says, the least of the sum. */
void tcp_set_rto_min(struct stack *st, u32 ms);
void tcp_set_keepalive(struct tcb *t, u32 idle_ms);
void tcp_set_user_timeout(struct tcb *t, u32 ms);
void tcp_set_rcvbuf(struct tcb *t, u32 bytes);                 /* more than before; as far as its window's scale can say */
int  tcp_soft_error(struct tcb *t);                            /* last ICMP soft error, cleared by reading (MUST-47) */

/* Walks all connections and listeners for netstat: fn returns false to stop. */
struct tcp_info {
        struct tcp_names names;
        const char      *state;
        u8               byte;      /* the connection byte FFFFSSSS */
        u32              rcv_queue, snd_queue, cwnd, ssthresh, srtt_us, rto_ms, retransmits;
};
void tcp_info(const struct tcb *t, struct tcp_info *out);
void tcp_walk(struct stack *st, bool (*fn)(void *ctx, const struct tcp_info *info), void *ctx);

/* --- seams to the stack --- */
struct ip_hdr;
bool tcp_init(struct stack *st);                               /* called by stack_new */
void tcp_forget_hops(struct stack *st);                        /* called by stack_hops_changed when hop_gen begins anew */
/* called by stack_batch_end: what could wait goes out (MUST-58, 59) */
void tcp_batch_end(struct stack *st);
extern const struct tcb tcp_nobody;                            /* no segment is for it: what nif->flow begins with */
/* the straight line past IP (net/tcp/engine.h); false: p is untouched */
bool tcp_receive(struct netif *nif, struct pkt *p);
void tcp_rx(struct stack *st, struct pkt *p, const struct ip_hdr *ip); /* an ip_proto_fn */

#endif
