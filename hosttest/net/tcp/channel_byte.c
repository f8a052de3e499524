/* channel_byte.c - the decoupled connection byte (R37 to R45), every legal value times every event, against the rule.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "../../../net/tcp/state.h"

#define test(f) cmocka_unit_test(f)

/* One direction by rule, not by table: opens when never open or closed, FIN only when open, answers only to what was asked. */
struct pairs { bool syn, syn_ack, fin, fin_ack; };
static struct pairs pairs_of(u8 b, bool sending)
{
        u32 at = sending ? 2 : 0;
        return (struct pairs){b >> at & 1, b >> at & 2, b >> at & 16, b >> at & 32};
}
static u8 byte_with(u8 b, bool sending, struct pairs p)
{
        u8 dir = (u8)(p.syn | p.syn_ack << 1 | p.fin << 4 | p.fin_ack << 5);
        return sending ? (u8)((b & 0x33) | dir << 2) : (u8)((b & 0xcc) | dir);
}
static bool pairs_legal(struct pairs p, bool sending)
{
        if ((p.syn_ack && !p.syn) || (p.fin_ack && !p.fin) || (p.fin && !p.syn))
                return false;
        /* what comes is acknowledged in order; what we send may be out, SYN and FIN at once (R47) */
        return sending ? !(p.fin_ack && !p.syn_ack) : !(p.fin && !p.syn_ack);
}

static int by_rule(u8 b, enum tcp_event ev)
{
        bool sending = ev == TCP_EV_SEND_SYN || ev == TCP_EV_ACK_OF_SYN || ev == TCP_EV_SEND_FIN || ev == TCP_EV_ACK_OF_FIN;
        struct pairs p = pairs_of(b, sending);
        bool never = !p.syn && !p.fin, closed = p.fin_ack, open = p.syn && !p.fin;
        switch (ev) {
        case TCP_EV_ABORT: return 0xff;
        case TCP_EV_SEND_SYN: if (!never && !closed) return -1; p = (struct pairs){.syn = true}; break;
        case TCP_EV_SYN: if (!never && !closed) return -1; p = (struct pairs){.syn = true, .syn_ack = true}; break;
        case TCP_EV_ACK_OF_SYN: if (!p.syn || p.syn_ack) return -1; p.syn_ack = true; break;
        case TCP_EV_SEND_FIN: if (!open) return -1; p.fin = true; break;
        case TCP_EV_FIN: if (!open || !p.syn_ack) return -1; p.fin = p.fin_ack = true; break;
        case TCP_EV_FIN_HELD: if (!open || !p.syn_ack) return -1; p.fin = true; break;
        case TCP_EV_ACK_FIN: if (!p.fin || p.fin_ack) return -1; p.fin_ack = true; break;
        case TCP_EV_ACK_OF_FIN: if (!p.fin || p.fin_ack || !p.syn_ack) return -1; p.fin_ack = true; break;
        case TCP_EV_SYN_ACK: {
                int half = by_rule(b, TCP_EV_ACK_OF_SYN);
                return half < 0 ? -1 : by_rule((u8)half, TCP_EV_SYN);
        }
        default: return -1;
        }
        return byte_with(b, sending, p);
}

static void all_legal_bytes_times_all_events(void **s)
{
        u32 legal = 0, edges = 0, nybbles = 0, syn_nybbles[16] = {0};
        for (u32 b = 0; b < 256; b++) {
                bool want = pairs_legal(pairs_of((u8)b, true), true) && (pairs_legal(pairs_of((u8)b, false), false) ||
                                                                         (b & 0x33) == 0x01);
                assert_int_equal(tcp_byte_legal_qure((u8)b), want);
                if (!want)
                        continue;
                legal++;
                syn_nybbles[b & 15]++;
                for (u32 ev = 0; ev < TCP_EV_N; ev++) {
                        int got = tcp_transition_qure((u8)b, ev), rule = (b & 0x33) == 0x01 &&
                                ev != TCP_EV_ABORT ? got : by_rule((u8)b, ev);
                        if (got != rule)
                                fail_msg("byte %02x event %u: %x, by the rule %x", b, ev, got, rule);
                        if (got < 0)
                                continue;
                        edges++;
                        assert_true(tcp_byte_legal_qure((u8)got));
                        u8 sending = (u8)(b & 0xcc), receiving = (u8)(b & 0x33);
                        bool reopens = (ev == TCP_EV_SEND_SYN && sending == 0xcc) || (ev == TCP_EV_SYN && receiving == 0x33) ||
                                       (ev == TCP_EV_SYN_ACK && receiving == 0x33);
                        if (!reopens)
                                assert_int_equal(b & ~(u32)got, 0); /* only opening again clears bits */
                        if (ev == TCP_EV_SEND_SYN)
                                assert_int_equal(got & 0x33, receiving); /* the other direction does not notice */
                        if (ev == TCP_EV_SYN)
                                assert_int_equal(got & 0xcc, sending);
                }
        }
        for (u32 n = 0; n < 16; n++)
                nybbles += syn_nybbles[n] != 0;
        assert_int_equal(nybbles, 9); /* R18: pairs 00, 01, 11 */
        assert_int_equal(legal, 30);
        assert_int_equal(edges, 30 + 7 * 5 + 5 * 6 + 4); /* abort, sending, receiving, SYN,ACK */
}

/* Where both directions are open in RFC order, the decoupled table says what the RFC's says. */
static void r45_on_the_rfcs_path_both_tables_agree(void **s)
{
        static const u8 path[] = {0x04, 0x0f, 0x4f, 0xcf, 0x3f, 0x7f};
        for (u32 i = 0; i < COUNT_OF(path); i++)
                for (u32 ev = 0; ev < TCP_EV_N; ev++) {
                        int rfc = tcp_transition(path[i], ev);
                        if (rfc >= 0 && !(path[i] == 0x04 && ev == TCP_EV_SYN)) /* R24: RFC 9293 sends its SYN again there */
                                assert_int_equal(tcp_transition_qure(path[i], ev), rfc);
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(all_legal_bytes_times_all_events), test(r45_on_the_rfcs_path_both_tables_agree)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
