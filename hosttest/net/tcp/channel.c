/* channel.c - directions that open late, run one way, close alone and open again (R37 to R46), between two of our stacks; and the
 * decoupled byte, all of it. The labels are the seed's. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#define DUO_CHECK
#include "../../conversation/talk.h"

#define test(f) cmocka_unit_test(f)

enum { C = DUO_CLIENT, S = DUO_SERVER };
static const char get[] = "GET /\r\n";
enum { GET = sizeof get - 1 };
static const struct tcp_opts late = {.qure = true, .optional_syn = true, .idempotent = talk_idempotent};

/* --- the byte --- */

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

/* --- conversations --- */

#define expect_said(i, who, fl, len) do { \
        assert_true((i) < K.d->n_said); const struct said *s_ = &K.d->said[i]; \
        if (s_->from != (who) || s_->flags != (fl) || s_->n != (u32)(len)) \
                fail_msg("segment %u: %c %s %u bytes, expected %c %x %u", (unsigned)(i), \
                         s_->from ? 'S' : 'C', duo_flags(s_->flags), s_->n, \
                         (who) ? 'S' : 'C', (unsigned)(fl), (unsigned)(len)); } while (0)

static void show(void)
{
        for (u32 i = 0; getenv("SHOW") && i < K.d->n_said; i++) {
                const struct said *x = &K.d->said[i];
                printf("# %8u us %c %s seq %u ack %u len %u wnd %u opts %u%s%s\n", (u32)x->at_us, x->from ? 'S' : 'C',
                       duo_flags(x->flags), x->seq, x->ack, x->n, x->wnd,
                       x->n_opts, x->hello ? " QuRe" : "", x->eaten ? " eaten" : "");
        }
}

/* R46, R38:
 *      10 C tx SYN        20 S tx ACK             30 C tx PSH,FIN        40 S tx ACK,SYN
 *      50 C tx ACK        60 S tx PSH             70 S tx PSH,FIN        80 C tx ACK */
static void r46_split_handshake_page_load(void **s)
{
        talk_begin(5000, &late, 0);
        K.later = K.open_first = true; /* the server opens its direction, then thinks */
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 100);
        assert_int_equal(K.requests, 1);
        assert_int_equal(K.s->state, 0x3f);
        tcp_send_ref(K.s, talk_bytes, 1448, NULL);
        tcp_flush(K.s);
        duo_run(K.d, 10);
        K.reply = 500;
        talk_answer(K.s);
        duo_run(K.d, 3000);
        show();
        expect_said(0, C, TCP_SYN, 0);                              /* 10 */
        expect_said(1, S, TCP_ACK, 0);                              /* 20 */
        expect_said(2, C, TCP_ACK | TCP_PSH | TCP_FIN, GET);        /* 30 */
        expect_said(3, S, TCP_SYN | TCP_ACK, 0);                    /* 40 */
        expect_said(4, C, TCP_ACK, 0);                              /* 50 */
        expect_said(5, S, TCP_ACK | TCP_PSH, 1448);                 /* 60 */
        const struct said *last = &K.d->said[K.d->n_said - 1], *fin = &K.d->said[K.d->n_said - 2];
        assert_int_equal(fin->flags, TCP_ACK | TCP_PSH | TCP_FIN);  /* 70 */
        assert_int_equal(last->flags, TCP_ACK);                     /* 80 */
        /* 20 has the number that 40 takes, and 30 acknowledges exactly that: the proof of the client's address */
        assert_int_equal(K.d->said[1].seq, K.d->said[3].seq);
        assert_int_equal(K.d->said[2].ack, K.d->said[1].seq);
        assert_true(K.d->said[0].hello && K.d->said[1].hello);
        assert_int_equal(K.got_reply, 1948);
        assert_int_equal(K.closed, 1);
        assert_true(talk_clean());
        talk_end();
}

/* The same where there is something to say at once: the reply goes with the SYN. */
static void r38_late_syn_takes_the_reply_along(void **s)
{
        talk_begin(5000, &late, 200);
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 3000);
        show();
        expect_said(1, S, TCP_ACK, 0);
        expect_said(2, C, TCP_ACK | TCP_PSH | TCP_FIN, GET);
        expect_said(3, S, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN, 200);
        expect_said(4, C, TCP_ACK, 0);
        assert_int_equal(K.d->n_said, 5);
        assert_int_equal(K.got_reply, 200);
        assert_true(talk_clean());
        /* and from the second on: three packets, or an ACK first where the server needs time */
        K.d->n_said = 0;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 3000);
        expect_said(1, S, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN, 200);
        assert_int_equal(K.d->n_said, 3);
        K.later = true;
        K.d->n_said = 0;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 100);
        expect_said(0, C, TCP_SYN | TCP_PSH | TCP_FIN, GET);
        expect_said(1, S, TCP_ACK, 0);
        assert_int_equal(K.s->state, 0x33);
        assert_int_equal(K.c->state, 0xcc);
        talk_answer(K.s);
        duo_run(K.d, 3000);
        assert_int_equal(K.got_reply, 200);
        assert_int_equal(K.closed, 1);
        assert_true(talk_clean());
        talk_end();
}

/* R39: a request channel only. */
static void r39_one_way_conversation(void **s)
{
        talk_begin(5000, &late, 0);
        K.silent = true;
        talk_connect(&talk_qure, get, GET, false);
        tcp_close(K.c); /* nothing is wanted back */
        duo_run(K.d, 3000);
        show();
        expect_said(0, C, TCP_SYN, 0);
        expect_said(1, S, TCP_ACK, 0);
        expect_said(2, C, TCP_ACK | TCP_PSH | TCP_FIN, GET);
        expect_said(3, S, TCP_ACK, 0);
        assert_int_equal(K.d->n_said, 4);
        assert_int_equal(K.requests, 1);
        assert_int_equal(K.closed, 1);
        assert_int_equal(K.server_closed, 1);
        assert_true(talk_clean());
        /* the second time: SYN,PSH,data,FIN and its ACK; the server answers again if that ACK is lost */
        K.d->n_said = 0;
        talk_connect(&talk_qure, get, GET, true);
        tcp_close(K.c);
        duo_run(K.d, 3000);
        show();
        expect_said(0, C, TCP_SYN | TCP_PSH | TCP_FIN, GET);
        expect_said(1, S, TCP_ACK, 0);
        assert_int_equal(K.d->n_said, 2);
        assert_int_equal(K.requests, 2);
        assert_int_equal(K.closed, 1);
        assert_int_equal(K.err, 0);
        assert_true(talk_clean());
        talk_end();
}

static u32 nth;
static bool eat_nth(struct duo *d, const struct said *x, u8 *ip) { return d->n_said == nth; }

static void r39_one_way_with_any_packet_lost(void **s)
{
        for (nth = 1; nth <= 6; nth++) {
                talk_begin(5000, &late, 0);
                K.silent = true;
                K.d->eat = eat_nth;
                talk_connect(&talk_qure, get, GET, false);
                tcp_close(K.c);
                duo_run(K.d, 30000);
                assert_int_equal(K.requests, 1);
                assert_int_equal(K.closed, 1);
                assert_int_equal(K.err, 0);
                talk_end();
        }
}

/* R40: the client's direction closes, the server's goes on; what belonged to the closed one is free at once. */
static void r40_half_close_frees_the_closed_sides_buffers(void **s)
{
        talk_begin(5000, &talk_server_qure, 0);
        K.later = true;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 100);
        assert_int_equal(K.s->state, 0x3f);
        assert_int_equal(K.s->rcv_adv - K.s->rcv_nxt, 0);
        assert_int_equal(K.s->rcvbuf + K.s->rcv_space, 0);
        assert_null(K.s->reasm);
        assert_null(K.c->flight);
        assert_int_equal(K.c->snd_queued, 0);
        K.reply = 300000;
        K.keep = true;
        talk_answer(K.s);
        tcp_flush(K.s);
        duo_run(K.d, 1000);
        assert_int_equal(K.got_reply, 300000);
        for (u32 i = 0; i < K.d->n_said; i++)
                if (K.d->said[i].from == S && i > 2)
                        assert_int_equal(K.d->said[i].wnd, 0);
        tcp_close(K.s);
        duo_run(K.d, 1000);
        assert_int_equal(K.closed, 1);
        assert_true(talk_clean());
        talk_end();
}

static void close_both(void)
{
        if (K.s)
                tcp_close(K.s);
        duo_run(K.d, 1000);
        if (K.c)
                tcp_close(K.c);
}

static void ask_again(const char *request, u32 n)
{
        assert_int_equal(tcp_reopen(K.c), 0);
        tcp_send_ref(K.c, request, n, NULL);
        tcp_shutdown(K.c);
        stack_batch_end(K.d->st[C]);
        duo_run(K.d, 0);
}

/* R41: a second SYN with data on the same connection. */
static void r41_reopen_with_data_in_the_same_segment(void **s)
{
        talk_begin(5000, &talk_server_qure, 100);
        K.keep = K.stay = true;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 1000);
        assert_int_equal(K.got_reply, 100);
        assert_int_equal(K.c->state, 0xcf); /* our direction closed, the server's open */
        for (u32 i = 0; i < 10; i++) {
                u32 nxt = K.c->snd_nxt;
                K.d->n_said = 0;
                ask_again(get, GET);
                assert_int_equal(K.c->state, 0x47); /* a new incarnation of our four bits; the server's did not notice */
                duo_run(K.d, 1000);
                expect_said(0, C, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN, GET);
                expect_said(1, S, TCP_ACK | TCP_PSH, 100);
                assert_int_equal(K.d->said[0].seq, nxt);
                assert_int_equal(K.d->said[1].ack, nxt + 1 + GET + 1); /* the SYN, the data and the FIN at once */
                assert_int_equal(K.requests, 2 + i);
                assert_int_equal(K.got_reply, 100 * (2 + i));
                assert_int_equal(K.c->state, 0xcf);
        }
        assert_int_equal(K.d->st[S]->tcp->conv->count.reopened, 10);
        close_both();
        duo_run(K.d, 1000);
        assert_true(talk_clean());
        talk_end();
}

/* The user sees the end of the first message, and that there is another. */
static void r41_reopened_direction_is_not_at_its_end(void **s)
{
        talk_begin(5000, &talk_server_qure, 100);
        K.keep = K.stay = true;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 1000);
        assert_true(tcp_eof(K.s));
        assert_int_equal(tcp_reopen(K.c), 0);
        tcp_send_ref(K.c, "GET", 3, NULL);
        tcp_flush(K.c);
        duo_run(K.d, 1000);
        assert_false(tcp_eof(K.s));
        assert_int_equal(tcp_readable(K.s), 3);
        assert_int_equal(K.s->state, 0x0f);
        assert_int_equal(tcp_reopen(K.c), 0); /* it is open: nothing to do */
        tcp_send_ref(K.c, " /\n", 3, NULL);
        tcp_shutdown(K.c);
        duo_run(K.d, 1000);
        assert_true(tcp_eof(K.s));
        assert_int_equal(K.requests, 2);
        assert_int_equal(K.got_reply, 200);
        talk_end();
}

/* R42: the server acknowledges the SYN but not yet the data; the client sends that again, without SYN. */
static void r42_syn_acknowledged_but_not_yet_the_data(void **s)
{
        static const struct tcp_opts o = {.qure = true, .idempotent = talk_idempotent, .hold_reopened = true};
        talk_begin(5000, &o, 100);
        K.keep = K.stay = true;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 1000);
        K.d->n_said = 0;
        ask_again(get, GET);
        duo_run(K.d, 1000);
        show();
        expect_said(0, C, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN, GET);
        expect_said(1, S, TCP_ACK, 0);
        assert_int_equal(K.d->said[1].ack, K.d->said[0].seq + 1);
        assert_true(K.d->said[1].wnd != 0); /* the window is there now */
        expect_said(2, C, TCP_ACK | TCP_PSH | TCP_FIN, GET);
        assert_int_equal(K.d->said[2].seq, K.d->said[0].seq + 1);
        assert_int_equal(K.d->said[2].at_us - K.d->said[1].at_us, 5000); /* at once, not after a time-out */
        assert_int_equal(K.requests, 2);
        assert_int_equal(K.got_reply, 200);
        talk_end();
}

/* Both directions close and open again in turn, over and over. */
static void r37_each_direction_by_itself(void **s)
{
        talk_begin(5000, &late, 50);
        K.later = K.stay = true;
        talk_connect(&talk_qure, get, GET, false);
        duo_run(K.d, 100);
        assert_int_equal(K.requests, 1);
        assert_int_equal(K.s->state, 0x03);
        for (u32 i = 0; i < 5; i++) {
                assert_int_equal(tcp_reopen(K.s), 0);
                tcp_send_ref(K.s, talk_bytes, 50, NULL);
                tcp_shutdown(K.s);
                stack_batch_end(K.d->st[S]);
                duo_run(K.d, 100);
                assert_int_equal(K.got_reply, 50 * (i + 1));
                assert_int_equal(K.eofs, (int)i + 1);
                assert_int_equal(K.s->state, 0xcf);
                assert_int_equal(K.c->state, 0x3f);
                tcp_send_ref(K.c, get, GET, NULL); /* the client's direction went on all the time */
                tcp_flush(K.c);
                duo_run(K.d, 100);
                assert_int_equal(K.requests, 2 + (int)i);
        }
        tcp_close(K.c);
        duo_run(K.d, 100);
        assert_true(talk_clean());
        talk_end();
}

/* Any one packet of a conversation with two requests lost, at every place. */
static void reopening_survives_the_loss_of_any_packet(void **s)
{
        for (nth = 1; nth <= 16; nth++) {
                talk_begin(5000, &talk_server_qure, 100);
                K.keep = K.stay = true;
                K.d->eat = nth > 2 ? eat_nth : NULL; /* 1 and 2: the plain retry, elsewhere */
                talk_connect(&talk_qure, get, GET, true);
                duo_run(K.d, 10000);
                assert_int_equal(K.got_reply, 100);
                for (u32 i = 0; i < 3; i++) {
                        ask_again(get, GET);
                        duo_run(K.d, 10000);
                        assert_int_equal(K.requests, 2 + i);
                        assert_int_equal(K.got_reply, 100 * (2 + i));
                }
                close_both();
                duo_run(K.d, 100000);
                show();
                assert_true(talk_clean());
                talk_end();
        }
}

static u32 dice;
static bool eat_some(struct duo *d, const struct said *x, u8 *ip)
{
        dice = dice * 1664525 + 1013904223;
        return d->n_said > 2 && (dice >> 16) % 8 == 0;
}

static void reopening_under_steady_loss(void **s)
{
        for (u32 seed = 1; seed <= 100; seed++) {
                dice = seed;
                talk_begin(5000, &talk_server_qure, 3000);
                K.keep = K.stay = true;
                K.d->eat = eat_some;
                talk_connect(&talk_qure, get, GET, true);
                duo_run(K.d, 100000);
                for (u32 i = 0; i < 6; i++) {
                        ask_again(get, GET);
                        duo_run(K.d, 100000);
                        assert_int_equal(K.requests, 2 + i);
                        assert_int_equal(K.got_reply, 3000 * (2 + i));
                }
                close_both();
                duo_run(K.d, 400000);
                assert_true(talk_clean());
                talk_end();
        }
}

static u8 captured[2048];
static u32 captured_n;
static bool capture_reopen(struct duo *d, const struct said *x, u8 *ip)
{
        if (x->from == C && (x->flags & TCP_SYN) && (x->flags & TCP_ACK) && !captured_n) {
                captured_n = x->bytes;
                memcpy(captured, ip, captured_n);
        }
        return false;
}

static void put_seq(u32 seq)
{
        be32 v = be32_of(seq);
        memcpy(captured + 24, &v, 4);
        duo_resum(captured, captured_n);
}

/* Only RCV.NXT opens again; an old duplicate and a guess are acknowledged, and change nothing. */
static void syn_at_another_number_does_not_reopen(void **s)
{
        /* without timestamps, which would tell that it is old */
        static const struct tcp_opts o = {.qure = true, .idempotent = talk_idempotent, .no_timestamps = true};
        talk_begin(1000, &o, 100);
        K.keep = K.stay = true;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 1000);
        K.d->eat = capture_reopen;
        captured_n = 0;
        ask_again(get, GET);
        duo_run(K.d, 1000);
        assert_int_equal(K.requests, 2);
        assert_true(captured_n != 0);
        duo_inject(K.d, C, captured, captured_n);
        put_seq(K.s->rcv_nxt + 1);
        duo_inject(K.d, C, captured, captured_n);
        put_seq(K.s->rcv_nxt - 1);
        duo_inject(K.d, C, captured, captured_n);
        duo_run(K.d, 1000);
        assert_int_equal(K.requests, 2);
        assert_int_equal(K.s->state, 0x3f);
        assert_int_equal(K.d->st[S]->tcp->conv->count.reopened, 1);
        put_seq(K.s->rcv_nxt);
        captured[28] ^= 0x40; /* acknowledges what was never sent */
        duo_resum(captured, captured_n);
        duo_inject(K.d, C, captured, captured_n);
        assert_int_equal(K.requests, 2);
        assert_int_equal(K.s->state, 0x3f);
        talk_end();
}

/* A plain connection knows none of this. */
static void toward_plain_peers_there_is_no_reopening(void **s)
{
        static const struct tcp_opts plain;
        talk_begin(1000, &late, 100);
        K.keep = K.stay = true;
        talk_connect(&plain, get, GET, true);
        duo_run(K.d, 1000);
        expect_said(1, S, TCP_SYN | TCP_ACK, 0); /* R45: no late SYN either */
        assert_int_equal(tcp_reopen(K.c), E_CLOSED);
        assert_int_equal(tcp_reopen(K.s), E_CLOSED);
        assert_int_equal(K.s->conv, 0);
        talk_end();
}

static void message_not_yet_read_keeps_the_next_one_waiting(void **s)
{
        talk_begin(1000, &talk_server_qure, 100);
        K.keep = K.stay = true;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 1000);
        tcp_set_events(K.s, &tcp_no_events); /* nobody reads */
        ask_again(get, GET);
        duo_run(K.d, 100);
        assert_int_equal(tcp_readable(K.s), GET);
        ask_again("again\n", 6);
        duo_run(K.d, 100);
        assert_int_equal(tcp_readable(K.s), GET);
        assert_true(tcp_eof(K.s));
        tcp_consume(K.s, GET);
        tcp_set_events(K.s, &talk_server);
        duo_run(K.d, 3000);
        assert_int_equal(K.got, 2 * GET + 6 - GET);
        assert_int_equal(K.requests, 2);
        talk_end();
}

static void data_on_a_late_channel_waits_for_the_proof(void **s)
{
        talk_begin(5000, &late, 100);
        tcp_peer_member(K.d->st[C], DUO_ADDR(S), TALK_PORT); /* known, but without a cookie */
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 9);
        assert_int_equal(K.requests, 0);
        expect_said(0, C, TCP_SYN | TCP_PSH | TCP_FIN, GET);
        expect_said(1, S, TCP_ACK, 0);
        duo_run(K.d, 3000);
        assert_int_equal(K.requests, 1);
        assert_int_equal(K.got_reply, 100);
        assert_true(talk_clean());
        talk_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(all_legal_bytes_times_all_events), test(r45_on_the_rfcs_path_both_tables_agree),
                        test(r46_split_handshake_page_load),
                test(r38_late_syn_takes_the_reply_along), test(r39_one_way_conversation), test(r39_one_way_with_any_packet_lost),
                test(r40_half_close_frees_the_closed_sides_buffers), test(r41_reopen_with_data_in_the_same_segment),
                test(r41_reopened_direction_is_not_at_its_end),
                test(r42_syn_acknowledged_but_not_yet_the_data), test(r37_each_direction_by_itself),
                        test(reopening_survives_the_loss_of_any_packet),
                test(reopening_under_steady_loss), test(syn_at_another_number_does_not_reopen),
                        test(toward_plain_peers_there_is_no_reopening),
                test(message_not_yet_read_keeps_the_next_one_waiting), test(data_on_a_late_channel_waits_for_the_proof)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
