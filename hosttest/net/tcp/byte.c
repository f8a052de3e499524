/* byte.c - the connection byte alone: all 256 values against all events, compared with the grammar of its bits, and its names.
 * How segments move it is states.c's matter. SPDX-License-Identifier: MIT */
#include "trace.h"

static int grammar(u8 b, enum tcp_event ev)
{
        u8 syn = b & 15, fin = b >> 4;
        bool open = syn == 15, rx = fin & 1, rx_acked = fin & 2, tx = fin & 4, tx_acked = fin & 8;
        bool legal_fin = open && (!rx_acked || rx) && (!tx_acked || tx);
        switch (ev) {
        case TCP_EV_SEND_SYN: return b == 0 ? 0x04 : -1;
        case TCP_EV_SYN: return b == 0x00 || b == 0x04 ? 0x07 : -1;   /* 0000|0001 -(0110)-> 0111, 0100|0001 -(0010)-> 0111 */
        case TCP_EV_SYN_ACK: return b == 0x04 ? 0x0f : -1;            /* 0100|1001 -(0010)-> 1111 */
        case TCP_EV_ACK_OF_SYN: return b == 0x07 ? 0x0f : -1;         /* 0111|1000 -> 1111 */
        case TCP_EV_SEND_FIN: return legal_fin && !tx && (!rx || fin == 1 || fin == 3) ? b | FIN_TX : -1;
        case TCP_EV_FIN: return legal_fin && !rx ? b | FIN_RX | FIN_ACK_TX : -1;
        case TCP_EV_FIN_HELD: return legal_fin && !rx ? b | FIN_RX : -1;
        case TCP_EV_ACK_FIN: return legal_fin && rx && !rx_acked ? b | FIN_ACK_TX : -1;
        case TCP_EV_ACK_OF_FIN: return legal_fin && tx && !tx_acked ? b | FIN_ACK_RX : -1;
        case TCP_EV_ABORT: return 0xff;
        default: return -1;
        }
}

static void all_bytes_all_events(void **s)
{
        u32 legal = 0;
        for (u32 b = 0; b < 256; b++) {
                u8 lo = b & 15, hi = b >> 4;
                bool pairs = (lo & 3) != 2 && lo >> 2 != 2 && (hi & 3) != 2 && hi >> 2 != 2;
                assert_int_equal(tcp_byte_legal((u8)b), pairs && (!hi || lo == 15));
                legal += tcp_byte_legal((u8)b);
                for (u32 ev = 0; ev < TCP_EV_N; ev++) {
                        int got = tcp_transition((u8)b, ev), want = grammar((u8)b, ev);
                        if (got != want)
                                fail_msg("byte %02x event %u: %x, expected %x", b, ev, got, want);
                        assert_true(got < 0 || (b & ~(u32)got) == 0);         /* R16: never cleared */
                        assert_true(got < 0 || !tcp_byte_legal((u8)b) || tcp_byte_legal((u8)got)); /* R18 */
                }
        }
        assert_int_equal(legal, 17); /* nine SYN nybbles, and with the last of them eight more FIN nybbles */
}

static void r13_names(void **s)
{
        static const struct { u8 b; bool active; const char *name; } n[] = {
                {0x04, 1, "SYN_SENT"}, {0x07, 0, "SYN_RECEIVED"}, {0x0f, 0, "ESTABLISHED"}, {0x4f, 1, "FIN_WAIT_1"},
                {0xcf, 1, "FIN_WAIT_2"},
                {0x3f, 0, "CLOSE_WAIT"}, {0x7f, 1, "CLOSING"}, {0x7f, 0, "LAST_ACK"}, {0xff, 1, "TIME_WAIT"},
                {0xff, 0, "CLOSED"}, {0, 0, "CLOSED"}};
        for (u32 i = 0; i < COUNT_OF(n); i++)
                assert_string_equal(tcp_rfc_name(tcp_rfc_state(n[i].b, n[i].active)), n[i].name);
}

int main(void)
{
        const struct CMUnitTest tests[] = {test(all_bytes_all_events), test(r13_names)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
