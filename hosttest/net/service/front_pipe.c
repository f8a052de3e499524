/* front_pipe.c (test) - bytes both ways: bodies, back-pressure, half close, tunnels, ports without parsing.
 * SPDX-License-Identifier: MIT */
#include "front_ends.h"

static void bodies_both_ways_without_loss(void **state)
{
        struct end *c = client();
        char head[100];

        run_for(10);
        sprintf(head, "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: %u\r\n\r\n", BIG);
        say(c, head);
        accepted[0]->deaf = true; /* windows close */
        c->to_send = BIG;
        feed(c);
        run_for(500);
        u32 waiting = ours->st->pkts.n_total - ours->st->pkts.n_free;
        assert_true(waiting * PKT_BUF < 400000); /* bounded by pipe and receive buffers */
        accepted[0]->deaf = false;
        take_all(accepted[0]);
        run_for(3000);
        assert_int_equal(accepted[0]->n, strlen(head) + BIG);
        assert_memory_equal(accepted[0]->got + strlen(head), big, BIG);
        sprintf(head, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", BIG);
        c->deaf = true;
        say(accepted[0], head);
        accepted[0]->to_send = BIG;
        feed(accepted[0]);
        run_for(500);
        c->deaf = false;
        take_all(c);
        run_for(3000);
        assert_int_equal(c->n, strlen(head) + BIG);
        assert_memory_equal(c->got + strlen(head), big, BIG);
        c->n = 0;
        say(c, GET_TWO); /* and the boundaries were seen */
        assert_true(n_accepted == 2 && got(accepted[1], GET_TWO));
}

static void chunked_both_ways_with_the_next_request_behind(void **state)
{
        static const char body[] = "5;x=y\r\nhello\r\n0\r\nT: v\r\n\r\n";
        struct end *c = client();

        run_for(10);
        say(c, "PUT /one HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x");
        say(c, "=y\r\nhel");
        say(c, "lo\r\n0\r\nT: v\r\n\r\nGET /two HT");
        say(c, "TP/1.1\r\nHost: a\r\n\r\n");
        assert_true(accepted[0]->n > strlen(body));
        assert_memory_equal(accepted[0]->got + accepted[0]->n - strlen(body), body, strlen(body));
        assert_int_equal(n_accepted, 1);
        say(accepted[0], "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n");
        assert_int_equal(n_accepted, 1);
        say(accepted[0], "\r\n");
        assert_true(n_accepted == 2 && got(accepted[1], GET_TWO));
        say(accepted[1], "HTTP/1.1 204 No Content\r\n\r\n");
        c->n = 0;
        say(c, "HEAD /two HTTP/1.1\r\nHost: a\r\n\r\n");
        say(accepted[1], "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
        say(c, GET_TWO);
        assert_int_equal(n_accepted, 2);
        assert_true(begins(c, "HTTP/1.1 200 OK\r\n"));
}

/* The client shuts its side down behind the request and still gets the whole reply. */
static void a_half_closed_client_gets_its_reply(void **state)
{
        struct end *c = client();

        run_for(10);
        say(c, GET_ONE);
        tcp_shutdown(c->t);
        run_for(20);
        assert_false(accepted[0]->eof);
        accepted[0]->to_send = 200000;
        say(accepted[0], "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n");
        feed(accepted[0]);
        run_for(1000);
        assert_true(c->n > 200000 && c->eof);
        assert_memory_equal(c->got + c->n - 200000, big, 200000);
}

static void an_upgrade_becomes_a_tunnel(void **state)
{
        struct end *c = client();

        run_for(10);
        say(c, "GET /one HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n");
        say(accepted[0], "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\nhi");
        accepted[0]->n = c->n = 0;
        say(c, GET_TWO "\x01\xff");
        assert_true(got(accepted[0], GET_TWO "\x01\xff"));
        say(accepted[0], "any thing");
        assert_true(got(c, "any thing"));
        tcp_shutdown(c->t);
        run_for(20);
        assert_true(accepted[0]->eof);
        say(accepted[0], ", and still");
        assert_true(got(c, "any thing, and still") && !c->eof);
        tcp_shutdown(accepted[0]->t);
        run_for(20);
        assert_true(c->eof);
        assert_int_equal(figures().tunnels, 1);
}

static void a_port_without_parsing(void **state)
{
        struct front_rule by_source = {.conds = COND_SOURCE, .net = OTHER, .plen = 32};

        assert_int_equal(front_listen(front, IPADDR_ANY, 90, "one"), 0);
        assert_int_equal(front_listen(front, IPADDR_ANY, 90, "one"), E_INUSE);
        assert_int_equal(front_backend_del(front, "one"), E_INUSE);
        assert_int_equal(front_rule_add(front, "two", &by_source), 0);
        struct end *c = client_from(WIRE_PEER, 90), *d = client_from(OTHER, 90);
        run_for(20);
        assert_int_equal(n_accepted, 2);
        assert_true(ipaddr_eq(accepted[0]->at, ONE) && ipaddr_eq(accepted[1]->at, TWO));
        say(accepted[0], "220 the target may speak first\r\n");
        assert_true(begins(c, "220 "));
        say(c, "\n\n");
        tcp_shutdown(accepted[0]->t);
        run_for(20);
        assert_true(c->eof && got(accepted[0], "\n\n") && !accepted[0]->eof);
        say(c, "more");
        assert_true(got(accepted[0], "\n\nmore"));
        tcp_shutdown(c->t);
        run_for(20);
        assert_true(accepted[0]->eof);
        tcp_abort(accepted[1]->t);
        accepted[1]->t = NULL;
        run_for(20);
        assert_true(d->closed && d->err == E_RESET); /* a reset goes through */
        assert_true(front_unlisten(front, IPADDR_ANY, 90));
        assert_false(front_unlisten(front, IPADDR_ANY, 90));
}

static void a_port_without_parsing_and_nobody_behind(void **state)
{
        assert_int_equal(front_listen(front, IPADDR_ANY, 90, "one"), 0);
        backend("one", 1, WIRE_PEER);
        struct end *c = client_from(OTHER, 90);
        run_for(50);
        assert_true(c->closed && c->err == E_RESET);
}

/* Buffers are gone just when a head is to be sent: it goes out once, whole, when they are back. */
static void no_buffer_for_a_head(void **state)
{
        char s[2100] = "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n";
        struct end *c = client();
        struct pkt *held = NULL;

        memset(s + strlen(s), 'b', 2000);
        run_for(10);
        tcp_send(c->t, s, (u32)strlen(s));
        wire_batch_end(peer);
        for (const struct frame *f; (f = wire_tx(peer));) /* the request; the front asks for the target */
                wire_rx(ours, f->b, f->n);
        for (const struct frame *f; (f = wire_tx(ours));)
                wire_rx(peer, f->b, f->n);
        while (ours->st->pkts.n_free > ours->st->pkts.n_total / 4) {
                struct pkt *p = pkt_alloc(&ours->st->pkts, 0);

                p->next = held;
                held = p;
        }
        run_for(100);
        assert_true(n_accepted == 1 && accepted[0]->n == 0);
        while (held) {
                struct pkt *p = held;

                held = p->next;
                pkt_free(p);
        }
        run_for(100);
        assert_true(got(accepted[0], s));
}

/* Targets that read nothing, clients that send a byte a segment: the pool is not emptied, and a good client is served. */
static void small_pieces_for_a_deaf_target(void **state)
{
        struct end *c[24];

        end(state);
        begin_with(256, 0, 64);
        target(ONE, 8000);
        target(TWO, 8000);
        backend("one", 1, ONE);
        backend("two", 1, TWO);
        path_rule("one", "/one");
        path_rule("two", "/two");
        for (u32 i = 0; i < COUNT_OF(c); i++) {
                c[i] = client();
                run_for(10);
                say(c[i], "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n");
                accepted[i]->deaf = true;
        }
        for (u32 k = 0; k < 300; k++)
                for (u32 i = 0; i < COUNT_OF(c); i++) {
                        tcp_send(c[i]->t, "x", 1);
                        tcp_flush(c[i]->t);
                        carry();
                }
        assert_true(ours->st->pkts.n_free > ours->st->pkts.n_total / 2);
        for (u32 i = 0; i < COUNT_OF(c); i++) {
                c[i]->to_send = BIG;
                feed(c[i]);
        }
        run_for(2000);
        assert_true(ours->st->pkts.n_low > 0);
        struct end *d = client_from(OTHER, 80);
        run_for(10);
        say(d, GET_TWO);
        run_for(3 * FRONT_PRESSED_MS); /* those that do not move give way, and the request comes again, after 3.2 s and 6.4 s */
        assert_int_equal(n_accepted, COUNT_OF(c) + 1);
        say(accepted[COUNT_OF(c)], OK_5);
        assert_true(got(d, OK_5));
        assert_true(figures().gateway_timeout > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(bodies_both_ways_without_loss),
                T(chunked_both_ways_with_the_next_request_behind),
                T(a_half_closed_client_gets_its_reply),
                T(an_upgrade_becomes_a_tunnel),
                T(a_port_without_parsing),
                T(a_port_without_parsing_and_nobody_behind),
                T(no_buffer_for_a_head),
                T(small_pieces_for_a_deaf_target),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
