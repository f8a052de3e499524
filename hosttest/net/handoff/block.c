/* block.c - keys, authenticator and control block by themselves. SPDX-License-Identifier: MIT */
#include "lan.h"

static struct control_block sample(void)
{
        return (struct control_block){.nonce = {1, 2, 3, 4, 5, 6, 7, 8},
                                      .flags = TF_TS | TF_SACK | TF_EOF | TF_URG_TX,
                                      .state = 0x3f,
                                      .snd_scale = 7,
                                      .rcv_scale = 3,
                                      .service = IPADDR(192, 0, 2, 80),
                                      .client = IPADDR(198, 51, 100, 7),
                                      .service_port = 80,
                                      .client_port = 40000,
                                      .retries = 2,
                                      .cc = TCP_CC_NEWRENO,
                                      .ttl = 64,
                                      .tos = 0x20,
                                      .snd_up = 40,
                                      .rcv_up = 1,
                                      .rcv_space = 70000,
                                      .w_max = 20000,
                                      .keepalive_ms = 60000,
                                      .rx_age_ms = 5,
                                      .tx_age_ms = 6,
                                      .progress_age_ms = 7,
                                      .pmtu = 1500,
                                      .user_timeout = 9,
                                      .timewait_cs = 500,
                                      .snd_una = 0xfffffff0,
                                      .snd_nxt = 100,
                                      .snd_wnd = 65535,
                                      .snd_wl1 = 9,
                                      .snd_wl2 = 10,
                                      .max_snd_wnd = 70000,
                                      .rcv_nxt = 5000,
                                      .rcv_adv = 70000,
                                      .rcv_acked = 4990,
                                      .ts_recent = 77,
                                      .tsval = 78,
                                      .cwnd = 14600,
                                      .ssthresh = 0xffffffff,
                                      .srtt_us = 800,
                                      .rttvar_us = 400,
                                      .rto_ms = 200,
                                      .min_rtt_us = 90,
                                      .snd_bytes = 300,
                                      .rcv_bytes = 20,
                                      .peer_mss = 1460,
                                      .rcv_mss = 1448};
}

static void block_comes_back_as_it_was_written(void **s)
{
        struct control_block b = sample(), c;
        u8 wire[BLOCK_MAX];
        memset(&c, 0, sizeof c);
        b.n_place = 0;
        block_put(wire, &b);
        assert_true(block_get(wire, BLOCK_BYTES, &c));
        assert_memory_equal(&b, &c, sizeof b);
        assert_int_equal(wire[0], 2);
        assert_int_equal(wire[1], 0x3f);
        assert_memory_equal(wire + 12, ((u8[]){192, 0, 2, 80, 198, 51, 100, 7, 0, 80, 0x9c, 0x40}), 12);
        assert_memory_equal(wire + 28, ((u8[]){0xff, 0xff, 0xff, 0xf0, 0, 0, 0, 100}), 8);
        assert_memory_equal(wire + 178, ((u8[]){7, 3, 2, TCP_CC_NEWRENO, 64, 0x20}), 6);
        /* the replayed bytes are those in front of RCV.NXT and the FIN */
        assert_int_equal(block_replay(&b), 5000 - 1 - 20);
        assert_int_equal(block_first(&b), 5000 - 1 - 20 - 300 - BLOCK_BYTES - 1);
}

static void place_travels_behind_the_fixed_part_as_it_is(void **s)
{
        for (u32 n = 0; n <= TCP_PLACE_MAX; n++) {
                struct control_block b = sample(), c;
                u8 wire[BLOCK_MAX];
                memset(&c, 0, sizeof c);
                for (u32 i = 0; i < n; i++)
                        b.place[i] = (u8)(7 * i + n);
                b.n_place = (u16)n;
                b.scope.n = (u8)(n % (HANDOFF_SCOPE + 1));
                memset(b.scope.b, 0x5a, b.scope.n);
                b.wish = IPADDR(10, 0, 0, (u8)n);
                memset(wire, 0xee, sizeof wire);
                block_put(wire, &b);
                u32 len = BLOCK_BYTES + b.scope.n + n;
                assert_int_equal(block_len(&b), len);
                assert_true(len == BLOCK_MAX || wire[len] == 0xee);
                assert_true(block_get(wire, len, &c));
                assert_memory_equal(&b, &c, sizeof b);
                assert_int_equal(block_first(&b), 5000 - 1 - 20 - 300 - len - 1);
                wire[204] = HANDOFF_SCOPE + 1; /* bytes of scope */
                assert_false(block_get(wire, len, &c));
                wire[204] = (u8)min_u32(len - BLOCK_BYTES + 1, 255);
                assert_false(block_get(wire, len, &c));
        }
}

static void block_of_any_other_length_or_version_is_refused(void **s)
{
        struct control_block b = sample();
        u8 wire[BLOCK_MAX + 4] = {0};
        b.n_place = 17;
        block_put(wire, &b);
        for (u32 n = 0; n <= sizeof wire; n++)
                assert_int_equal(block_get(wire, n, &b), n == BLOCK_BYTES + 17);
        wire[2] = (BLOCK_MAX + 1) >> 8; /* longer than any place, and says so */
        wire[3] = (BLOCK_MAX + 1) & 255;
        assert_false(block_get(wire, BLOCK_MAX + 1, &b));
        wire[2] = (BLOCK_BYTES - 1) >> 8;
        wire[3] = (BLOCK_BYTES - 1) & 255;
        assert_false(block_get(wire, BLOCK_BYTES - 1, &b));
        wire[2] = BLOCK_BYTES >> 8;
        wire[3] = BLOCK_BYTES & 255;
        assert_true(block_get(wire, BLOCK_BYTES, &b));
        wire[0]--;
        assert_false(block_get(wire, BLOCK_BYTES, &b));
}

static void block_that_contradicts_itself_is_refused(void **s)
{
        u8 wire[BLOCK_MAX];
        struct control_block b, out;
#define wrong(change)                                                                                                            \
        do {                                                                                                                     \
                b = sample();                                                                                                    \
                change;                                                                                                          \
                block_put(wire, &b);                                                                                             \
                assert_false(block_get(wire, BLOCK_BYTES, &out));                                                                \
        } while (0)
        wrong(b.state = 0x07);
        wrong(b.state = 0xff);
        wrong(b.snd_nxt = 1000);                /* more outstanding than queued */
        wrong(b.snd_nxt = b.snd_una - 1);
        wrong(b.state = 0x7f);                  /* FIN sent, but bytes wait behind it */
        wrong(b.snd_scale = 15);
        wrong(b.rcv_scale = 15);
        wrong(b.rcv_adv = b.rcv_nxt - 1);
        wrong(b.rcv_acked = b.rcv_nxt + 1);
        wrong(b.snd_bytes = ADOPT_BYTES_MAX + 1);
        wrong(b.rcv_bytes = ADOPT_BYTES_MAX + 1);
        wrong(b.peer_mss = 0);
        wrong(b.rcv_mss = 0);
        wrong(b.rto_ms = 0);
        wrong(b.rto_ms = TCP_RTO_MAX_MS + 1);
        wrong(b.cwnd = 0);
        wrong(b.service_port = 0);
        wrong(b.client_port = 0);
        wrong(b.client = IPADDR(224, 0, 0, 1));
        wrong(b.service = IPADDR_ANY);
        wrong(b.flags |= TF_BUSY);
        wrong(b.flags |= TF_USER_CLOSED);       /* and yet no FIN */
        wrong(b.flags &= ~(u32)TF_EOF);
        wrong(b.snd_up = b.snd_una + 1000);
        wrong(b.flags |= TF_URG_RX; b.rcv_up = block_replay(&b));
        wrong(b.cc = 2);
        wrong(b.cc = 3 << 2);
        wrong(b.ttl = 0);
        wrong(b.pmtu = 67);
        wrong(b.rcv_space = 0x80000000);
        wrong(b.state = 0xff);
        wrong(b.state = 0x2f);
        wrong(b.ahead[0].at = b.ahead[0].n = 5); /* behind FIN */
#undef wrong
#define wrong(change)                                                                                                            \
        do {                                                                                                                     \
                b = sample();                                                                                                    \
                b.state = 0x0f;                                                                                                  \
                b.flags &= ~(u32)TF_EOF;                                                                                         \
                b.ahead[0].at = 10, b.ahead[0].n = 5, b.ahead[1].at = 20, b.ahead[1].n = 6;                                      \
                block_put(wire, &b);                                                                                             \
                assert_true(block_get(wire, BLOCK_BYTES, &out));                                                                 \
                change;                                                                                                          \
                block_put(wire, &b);                                                                                             \
                assert_false(block_get(wire, BLOCK_BYTES, &out));                                                                \
        } while (0)
        wrong(b.ahead[0].at = 0);
        wrong(b.ahead[1].at = 15);              /* joins the first */
        wrong(b.ahead[1].at = 9);
        wrong(b.ahead[1].n = 65000);            /* beyond the window */
        wrong(b.ahead[1].n = 0xffffffff);
        wrong(b.ahead[1].at = 0xfffffffe);
#undef wrong
}

/* A QuRe client's SYN with a request of 20 bytes and FIN; nobody answered it yet. */
static struct control_block early_sample(void)
{
        struct control_block b = sample();
        b.state = 0x33;
        b.flags = TF_TS | TF_EOF | TF_SYN_PENDING | TF_TFO_ACCEPTED;
        b.snd_nxt = b.snd_una;
        b.snd_bytes = 0;
        b.conv_flags = CV_MET | CV_PROVEN;
        b.offers = OFFER_TS;
        b.our_mss = 1440;
        b.irs = 4978;
        b.syn_end = 7;
        b.credit = 1234;
        return b;
}

static void early_block_comes_back_or_is_refused(void **s)
{
        u8 wire[BLOCK_MAX];
        struct control_block b = early_sample(), out;
        memset(&out, 0, sizeof out);
        block_put(wire, &b);
        assert_true(block_get(wire, BLOCK_BYTES, &out));
        assert_memory_equal(&b, &out, sizeof b);
#define good(is, change)                                                                                                         \
        do {                                                                                                                     \
                b = early_sample();                                                                                              \
                change;                                                                                                          \
                block_put(wire, &b);                                                                                             \
                assert_int_equal(block_get(wire, BLOCK_BYTES, &out), is);                                                        \
        } while (0)
#define sent b.flags &= ~(u32)TF_SYN_PENDING, b.snd_nxt++, b.syn_end = b.snd_nxt
#define fast_open b.conv_flags = 0, b.state = 0x07, b.flags &= ~(u32)TF_EOF
        good(true, b.state = 0x03; b.flags &= ~(u32)TF_EOF);
        good(true, b.state = 0x37; sent);
        good(true, b.state = 0x37; sent; b.snd_bytes = 9; b.snd_nxt += 9; b.syn_end += 5);
        good(true, b.state = 0xff; b.flags &= ~(u32)(TF_SYN_PENDING | TF_TFO_ACCEPTED)); /* the service may open again */
        good(true, fast_open);
        good(true, fast_open; sent);
        good(false, b.snd_nxt++);               /* not sent, and yet outstanding */
        good(false, b.state = 0x37; b.flags &= ~(u32)TF_SYN_PENDING); /* sent, and nothing outstanding */
        good(false, b.state = 0x30);            /* the peer never opened */
        good(false, b.state = 0x73; b.snd_nxt++);
        good(false, b.state = 0x33; sent);      /* sent, says the flag; the byte does not */
        good(false, b.state = 0x37; sent; b.syn_end++);
        good(false, b.state = 0x37; sent; b.syn_end--);
        good(false, b.state = 0x37; sent; b.snd_nxt += 9; b.syn_end += 5);
        good(false, b.conv_flags &= ~CV_MET);
        good(false, b.conv_flags |= CV_KNOWN);
        good(false, b.our_mss = 0);
        good(false, b.offers = 8);
        good(false, fast_open; b.flags &= ~(u32)TF_TFO_ACCEPTED);
        good(false, fast_open; b.state = 0x03);
        good(false, fast_open; b.state = 0x0f);
#undef good
#undef sent
#undef fast_open
}

static void keys_differ_by_label_and_by_every_bit_of_the_secret(void **s)
{
        u8 secret[32] = "a secret of thirty-two bytes....";
        struct cluster_keys k, l;
        cluster_keys_derive(secret, 32, &k);
        const u8 *all[] = {k.auth, k.text, k.cookie, k.isn};
        for (u32 i = 0; i < 4; i++)
                for (u32 j = 0; j < i; j++)
                        assert_memory_not_equal(all[i], all[j], 16);
        for (u32 bit = 0; bit < 256; bit++) {
                secret[bit / 8] ^= (u8)(1 << bit % 8);
                cluster_keys_derive(secret, 32, &l);
                assert_memory_not_equal(&k, &l, sizeof k);
                assert_memory_not_equal(k.auth, l.auth, 16);
                secret[bit / 8] ^= (u8)(1 << bit % 8);
        }
        cluster_keys_derive(secret, 31, &l);
        assert_memory_not_equal(k.auth, l.auth, 16);
}

static void authenticator_covers_everything(void **s)
{
        struct cluster_keys k;
        u8 opts[32] = {144, 32}, text[100] = {9}, nonce[8] = {3}, tag[8], other[8];
        cluster_keys_derive(lan_secret, 16, &k);
        const struct auth_scope right = {CTL_52, T_ACK, IPADDR(10, 0, 0, 1), IPADDR(10, 0, 0, 2), 0x12345678, 1, 2, 3, nonce};
        auth_make(&k, &right, opts, 32, text, 100, tag);
        auth_make(&k, &right, opts, 32, text, 100, other);
        assert_true(auth_equal(tag, other));
#define covers(change)                                                                                                           \
        do {                                                                                                                     \
                struct auth_scope a = right;                                                                                     \
                change;                                                                                                          \
                auth_make(&k, &a, opts, 32, text, 100, other);                                                                   \
                assert_false(auth_equal(tag, other));                                                                            \
        } while (0)
        covers(a.kind = CTL_53);
        covers(a.flags |= T_RST);
        covers(a.src = IPADDR(10, 0, 0, 2));
        covers(a.dst = IPADDR(10, 0, 0, 1));
        covers(a.ports++);
        covers(a.seq++);
        covers(a.ack++);
        covers(a.first++);
        covers(a.nonce = NULL);
        covers(nonce[7]++);
        nonce[7]--;
        covers(text[99]++);
        text[99]--;
        covers(opts[5]++);
        opts[5]--;
        auth_make(&k, &right, opts, 32, text, 99, other);
        assert_false(auth_equal(tag, other));
        opts[31] = 1; /* where the tag itself lies */
        auth_make(&k, &right, opts, 32, text, 100, other);
        assert_true(auth_equal(tag, other));
}

static void flow_table_finds_forgets_and_fills_up(void **s)
{
        struct wire *w = wire_new(NULL, 0);
        struct tuples f = {0};
        assert_true(flow_init(&f, w->st, 1000));
        for (u32 i = 0; i < 1000; i++) {
                struct flow *e = flow_add(&f, i * 7, 1, i);
                assert_non_null(e);
                e->state = FLOW_ACTIVE;
                e->seen_s = i < 500 ? 65500 : 100; /* the clock wraps between */
        }
        assert_null(flow_add(&f, 1, 2, 3));
        for (u32 i = 0; i < 1000; i++)
                assert_int_equal(flow_find(&f, i * 7, 1, i)->raddr, i * 7);
        assert_null(flow_find(&f, 7, 2, 1));
        u32 left = 1000, n = 0;
        struct flow *e;
        while (flow_expired(&f, (u16)(65500 + FLOW_EXPIRE_S + 1), &left, &e)) {
                flow_del(&f, e);
                n++;
        }
        assert_int_equal(n, 500);
        assert_int_equal(f.n_used, 500);
        assert_null(flow_find(&f, 7, 1, 1));
        assert_non_null(flow_find(&f, 999 * 7, 1, 999));
        assert_non_null(flow_add(&f, 1, 2, 3));
        wire_discard(w);
}

/* Entry and share of the buckets: 32 bytes (design 4). */
static void million_flows_take_thirty_two_bytes_each(void **s)
{
        struct wire *w = wire_new(NULL, 0);
        struct tuples f = {0};
        enum { N = 1000000 };
        assert_true(flow_init(&f, w->st, N));
        assert_true((sizeof(struct flow) * (u64)N + (sizeof(u32) << (32 - f.shift))) <= 32ull * N);
        for (u32 i = 0; i < N; i++)
                assert_non_null(flow_add(&f, i * 2654435761u, 5, i));
        u32 worst = 0;
        for (u32 b = 0; b < 1u << (32 - f.shift); b++) {
                u32 n = 0;
                for (u32 i = f.bucket[b]; i; i = ((struct flow *)f.at)[i - 1].next)
                        n++;
                worst = n > worst ? n : worst;
        }
        assert_true(worst < 24);
        wire_discard(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(block_comes_back_as_it_was_written),       test(block_of_any_other_length_or_version_is_refused),
                test(place_travels_behind_the_fixed_part_as_it_is),
                test(block_that_contradicts_itself_is_refused), test(early_block_comes_back_or_is_refused),
                test(keys_differ_by_label_and_by_every_bit_of_the_secret),
                test(authenticator_covers_everything),          test(flow_table_finds_forgets_and_fills_up),
                test(million_flows_take_thirty_two_bytes_each),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
