/* state.h - the connection byte FFFFSSSS (R10 to R30): low nybble SYN, high nybble FIN, each `t! t? r! r?`.
 *
 *      bit   7        6       5          4       3          2       1          0
 *            FIN_ACK_ FIN_TX  FIN_ACK_   FIN_RX  SYN_ACK_   SYN_TX  SYN_ACK_   SYN_RX
 *            RX               TX                 RX                 TX
 *
 * A request bit (?) says that the flag was sent or came; its answer bit (!) that it was acknowledged. Bits are only
 * ever set. `01` of the receiving pair rests where the acknowledgement is withheld on purpose (application mode).
 *
 * Toward a peer that speaks QuRe the two directions are decoupled: each has its own SYN and FIN pair, opens, closes and opens
 * again by itself, and opening again begins a new incarnation of that direction's four bits, the only time that bits are cleared
 * (R37 to R41). tcb->conv tells which of the two rules a connection follows.
 * SPDX-License-Identifier: MIT */
#ifndef TCP_STATE_H
#define TCP_STATE_H

#include "types.h"

enum tcp_conn_bit {
        SYN_RX = 1, SYN_ACK_TX = 2, SYN_TX = 4, SYN_ACK_RX = 8,
        FIN_RX = 16, FIN_ACK_TX = 32, FIN_TX = 64, FIN_ACK_RX = 128,
};

/* The RFC's states as bytes (R13). CLOSING and LAST_ACK, and TIME_WAIT and CLOSED-after, share one: who closed first tells
 * them apart. */
enum tcp_byte {
        TCP_B_CLOSED = 0x00, TCP_B_LISTEN = 0x00, TCP_B_SYN_SENT = 0x04, TCP_B_SYN_RECEIVED = 0x07, TCP_B_ESTABLISHED = 0x0f,
        TCP_B_FIN_WAIT_1 = 0x4f, TCP_B_FIN_WAIT_2 = 0xcf, TCP_B_CLOSE_WAIT = 0x3f, TCP_B_CLOSING = 0x7f, TCP_B_LAST_ACK = 0x7f,
        TCP_B_TIME_WAIT = 0xff, TCP_B_GONE = 0xff,
        /* peer's FIN not yet acknowledged */
        TCP_B_CLOSE_WAIT_HELD = 0x1f, TCP_B_CLOSING_HELD = 0x5f, TCP_B_TIME_WAIT_HELD = 0xdf,
};

/* What moves the byte. */
enum tcp_event {
        TCP_EV_SEND_SYN,     /* active open */
        TCP_EV_SYN,          /* a SYN came, answered by SYN,ACK or ACK */
        TCP_EV_SYN_ACK,      /* SYN and acknowledgement of ours together */
        TCP_EV_ACK_OF_SYN,
        TCP_EV_SEND_FIN,
        TCP_EV_FIN,          /* the peer's FIN came in order and is acknowledged */
        TCP_EV_FIN_HELD,     /* ... and its acknowledgement waits for the reader (R158) */
        TCP_EV_ACK_FIN,      /* the reader came: the held acknowledgement goes out */
        TCP_EV_ACK_OF_FIN,
        TCP_EV_ABORT,        /* RST either way, time-out, or the user's abort */
        TCP_EV_N
};

/* The RFC's numbering of its states (R15). */
enum tcp_rfc_state {
        TCP_LISTEN = 1, TCP_SYN_SENT, TCP_SYN_RECEIVED, TCP_ESTABLISHED, TCP_FIN_WAIT_1, TCP_FIN_WAIT_2, TCP_CLOSE_WAIT,
        TCP_CLOSING, TCP_LAST_ACK, TCP_TIME_WAIT, TCP_CLOSED,
};

struct tcb;

/* The byte after `ev` in `byte`, or -1 where the transition table has no such edge. */
int tcp_transition(u8 byte, enum tcp_event ev);

/* The same for decoupled directions. TCP_EV_SYN and TCP_EV_SEND_SYN open a direction that was never open or is closed; an FIN
 * needs only the SYN of its own direction. */
int tcp_transition_qure(u8 byte, enum tcp_event ev);

/* Moves t's byte along the table: the only writer of tcb->state. false (nothing changed) where there is no edge. */
bool tcp_set_state(struct tcb *t, enum tcp_event ev);

/* Both nybbles hold only the pairs 00, 01, 11 (R18), and no FIN bit stands beside an incomplete SYN nybble (R17). */
bool tcp_byte_legal(u8 byte);

/* The same for decoupled directions: the FIN pair of a direction stands only beside its own SYN (a three-packet server is 33
 * or 77). */
bool tcp_byte_legal_qure(u8 byte);

/* The RFC's name of a byte; `active_close`: our FIN was sent before the peer's came. */
enum tcp_rfc_state tcp_rfc_state(u8 byte, bool active_close);
const char *tcp_rfc_name(enum tcp_rfc_state s);

/* Questions that the packet path asks, one test each (R32, corrected: a decoupled channel may be 33 or 77). */
static inline bool tcp_synchronised(u8 b) { return (b & SYN_RX) != 0; }
static inline bool tcp_both_open(u8 b) { return (b & 0x0f) == 0x0f; }

#endif
