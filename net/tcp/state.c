/* state.c - the one transition table of the connection byte, its only writer, and the RFC's names for it.
 * Not here: what else happens at a transition; rx.c, open.c and timer.c call tcp_set_state when it is due.
 * SPDX-License-Identifier: MIT */
#include "state.h"
#include "tcb.h"

struct edge { u8 from, event, to; };

/* Bytes with edges, and their rows; the others have the empty one. */
enum { NOWHERE, R_00, R_04, R_07, R_0F, R_1F, R_3F, R_4F, R_5F, R_7F, R_CF, R_DF, ROWS };
static const u8 row[256] = {
        [0x00] = R_00, [0x04] = R_04, [0x07] = R_07, [0x0f] = R_0F, [0x1f] = R_1F, [0x3f] = R_3F,
        [0x4f] = R_4F, [0x5f] = R_5F, [0x7f] = R_7F, [0xcf] = R_CF, [0xdf] = R_DF,
};

/* RFC 9293 figure 5 as bits; the requirement at the right. What is not here cannot happen: no edge leads to 0. */
static const u8 edges[ROWS][TCP_EV_N] = {
        [R_00][TCP_EV_SEND_SYN]   = 0x04, /* CLOSED        -> SYN_SENT       R21 */
        [R_00][TCP_EV_SYN]        = 0x07, /* LISTEN        -> SYN_RECEIVED   R22 */
        [R_04][TCP_EV_SYN_ACK]    = 0x0f, /* SYN_SENT      -> ESTABLISHED    R23 */
        [R_04][TCP_EV_SYN]        = 0x07, /* SYN_SENT      -> SYN_RECEIVED   R24, answered by SYN,ACK */
        [R_07][TCP_EV_ACK_OF_SYN] = 0x0f, /* SYN_RECEIVED  -> ESTABLISHED    R25 */
        [R_0F][TCP_EV_SEND_FIN]   = 0x4f, /* ESTABLISHED   -> FIN_WAIT_1     R26 */
        [R_0F][TCP_EV_FIN]        = 0x3f, /* ESTABLISHED   -> CLOSE_WAIT     R27 */
        [R_4F][TCP_EV_ACK_OF_FIN] = 0xcf, /* FIN_WAIT_1    -> FIN_WAIT_2     R28 */
        [R_4F][TCP_EV_FIN]        = 0x7f, /* FIN_WAIT_1    -> CLOSING        R28 */
        [R_CF][TCP_EV_FIN]        = 0xff, /* FIN_WAIT_2    -> TIME_WAIT      R29 */
        [R_7F][TCP_EV_ACK_OF_FIN] = 0xff, /* CLOSING       -> TIME_WAIT, LAST_ACK -> CLOSED  R30 */
        [R_3F][TCP_EV_SEND_FIN]   = 0x7f, /* CLOSE_WAIT    -> LAST_ACK       R30, R162 */
        /* application mode: the FIN's acknowledgement waits for the reader (R158) */
        [R_0F][TCP_EV_FIN_HELD]   = 0x1f,
        [R_1F][TCP_EV_ACK_FIN]    = 0x3f,
        [R_1F][TCP_EV_SEND_FIN]   = 0x5f,
        [R_4F][TCP_EV_FIN_HELD]   = 0x5f,
        [R_5F][TCP_EV_ACK_FIN]    = 0x7f,
        [R_5F][TCP_EV_ACK_OF_FIN] = 0xdf,
        [R_CF][TCP_EV_FIN_HELD]   = 0xdf,
        [R_DF][TCP_EV_ACK_FIN]    = 0xff,
};

int tcp_transition(u8 byte, enum tcp_event ev)
{
        if (ev == TCP_EV_ABORT)
                return TCP_B_GONE;
        u8 to = ev < TCP_EV_N ? edges[row[byte]][ev] : 0;
        return to ? to : -1;
}

/* One direction of a decoupled byte, its FIN pair left of its SYN pair as in the byte. The receiving direction's bits are 33, the
 * sending one's cc. What is not here cannot happen (R37 to R42). */
static const struct edge qure_edges[] = {
        {0x00, TCP_EV_SEND_SYN,   0x04}, /* open                                R21 */
        {0xcc, TCP_EV_SEND_SYN,   0x04}, /* open again: a new incarnation       R41 */
        {0x04, TCP_EV_ACK_OF_SYN, 0x0c},
        {0x44, TCP_EV_ACK_OF_SYN, 0x4c},
        {0x04, TCP_EV_SEND_FIN,   0x44}, /* a whole message in one segment      R47 */
        {0x0c, TCP_EV_SEND_FIN,   0x4c},
        {0x4c, TCP_EV_ACK_OF_FIN, 0xcc},
        {0x00, TCP_EV_SYN,        0x03}, /* the peer opens                      R38 */
        {0x33, TCP_EV_SYN,        0x03}, /* the peer opens again                R41 */
        {0x03, TCP_EV_FIN,        0x33},
        {0x03, TCP_EV_FIN_HELD,   0x13},
        {0x13, TCP_EV_ACK_FIN,    0x33},
};

enum { SENDING = SYN_TX | SYN_ACK_RX | FIN_TX | FIN_ACK_RX, RECEIVING = SYN_RX | SYN_ACK_TX | FIN_RX | FIN_ACK_TX };

int tcp_transition_qure(u8 byte, enum tcp_event ev)
{
        if (ev == TCP_EV_ABORT)
                return TCP_B_GONE;
        if (ev == TCP_EV_SYN_ACK) { /* both at once */
                int half = tcp_transition_qure(byte, TCP_EV_ACK_OF_SYN);
                return half < 0 ? -1 : tcp_transition_qure((u8)half, TCP_EV_SYN);
        }
        bool receiving = ev == TCP_EV_SYN || ev == TCP_EV_FIN || ev == TCP_EV_FIN_HELD || ev == TCP_EV_ACK_FIN;
        u8 mask = receiving ? RECEIVING : SENDING;
        for (u32 i = 0; i < COUNT_OF(qure_edges); i++)
                if (qure_edges[i].from == (byte & mask) && qure_edges[i].event == ev)
                        return (byte & ~mask) | qure_edges[i].to;
        return -1;
}

bool tcp_set_state(struct tcb *t, enum tcp_event ev)
{
        int to = unlikely(t->conv) ? tcp_transition_qure(t->state, ev) : tcp_transition(t->state, ev);
        if (to < 0)
                return false;
        if (ev == TCP_EV_SEND_FIN && !(t->state & FIN_RX))
                t->flags |= TF_ACTIVE_CLOSE; /* RFC 9293 3.6: the first to close is who waits in TIME_WAIT */
        t->state = (u8)to;
        if (to == TCP_B_ESTABLISHED)
                tcp_predict(t);
        else
                t->pred = 0;
        return true;
}

static bool legal_nybble(u8 n)
{
        return (n & 3) != 2 && (n >> 2 & 3) != 2;
}

bool tcp_byte_legal(u8 byte)
{
        return legal_nybble(byte & 15) && legal_nybble(byte >> 4) && (byte < 16 || (byte & 15) == 15);
}

bool tcp_byte_legal_qure(u8 byte)
{
        u8 rx = byte & RECEIVING, tx = byte & SENDING;
        bool receiving = rx == 0x00 || rx == 0x01 || rx == 0x03 || rx == 0x13 || rx == 0x33;
        return receiving && (tx == 0x00 || tx == 0x04 || tx == 0x44 || tx == 0x0c || tx == 0x4c || tx == 0xcc);
}

/* The nearest of the eleven for a decoupled byte, by what the FIN nybble says. */
static enum tcp_rfc_state nearest(u8 byte, bool active_close)
{
        switch (byte >> 4) {
        case 0x0:
                if ((byte & (SYN_TX | SYN_ACK_RX)) == SYN_TX)
                        return TCP_SYN_SENT;
                return byte == SYN_ACK_TX + SYN_RX ? TCP_SYN_RECEIVED : TCP_ESTABLISHED;
        case 0x1: case 0x3: return TCP_CLOSE_WAIT;
        case 0x4: return TCP_FIN_WAIT_1;
        case 0xc: return TCP_FIN_WAIT_2;
        default: return active_close ? TCP_CLOSING : TCP_LAST_ACK;
        }
}

enum tcp_rfc_state tcp_rfc_state(u8 byte, bool active_close)
{
        switch (byte) {
        case 0x00: return TCP_CLOSED;
        case TCP_B_SYN_SENT: return TCP_SYN_SENT;
        case TCP_B_SYN_RECEIVED: return TCP_SYN_RECEIVED;
        case TCP_B_FIN_WAIT_1: return TCP_FIN_WAIT_1;
        case TCP_B_FIN_WAIT_2: return TCP_FIN_WAIT_2;
        case TCP_B_CLOSE_WAIT: case TCP_B_CLOSE_WAIT_HELD: return TCP_CLOSE_WAIT;
        case TCP_B_CLOSING: case TCP_B_CLOSING_HELD: return active_close ? TCP_CLOSING : TCP_LAST_ACK;
        case TCP_B_TIME_WAIT: case TCP_B_TIME_WAIT_HELD: return active_close ? TCP_TIME_WAIT : TCP_CLOSED;
        default: return nearest(byte, active_close);
        }
}

const char *tcp_rfc_name(enum tcp_rfc_state s)
{
        static const char *const name[] = {
                [TCP_LISTEN] = "LISTEN", [TCP_SYN_SENT] = "SYN_SENT", [TCP_SYN_RECEIVED] = "SYN_RECEIVED",
                [TCP_ESTABLISHED] = "ESTABLISHED", [TCP_FIN_WAIT_1] = "FIN_WAIT_1", [TCP_FIN_WAIT_2] = "FIN_WAIT_2",
                [TCP_CLOSE_WAIT] = "CLOSE_WAIT", [TCP_CLOSING] = "CLOSING", [TCP_LAST_ACK] = "LAST_ACK",
                [TCP_TIME_WAIT] = "TIME_WAIT", [TCP_CLOSED] = "CLOSED",
        };
        return s >= TCP_LISTEN && s <= TCP_CLOSED ? name[s] : "?";
}
