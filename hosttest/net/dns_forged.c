/* dns_forged.c - answers that are not believed, and records that lie.
 * SPDX-License-Identifier: MIT */
#include "dns_server.h"

/* An answer that is not believed: the query stays open. */
static void unasked(struct wire *w)
{
        u32 before = wire_drops(w, DROP_DNS_UNASKED);
        reply(w);
        assert_int_equal(wire_drops(w, DROP_DNS_UNASKED), before + 1);
        assert_int_equal(calls, 0);
}

static void forged_answers_are_not_believed(void **state)
{
        struct wire *w = *state;
        ask(w, "a.example");
        begin(0x8180);
        rr(QNAME, 2, 1, 60, "\xc0\x00\x02\x01", 4);
        reply_from(w, SERVER1, 54);
        reply_from(w, IPADDR(10, 0, 0, 9), 53);
        assert_int_equal(wire_drops(w, DROP_DNS_UNASKED), 2);
        msg.b[1] ^= 1; /* id */
        unasked(w);
        msg.b[1] ^= 1;
        msg.b[2] ^= 0x80; /* a query */
        unasked(w);
        msg.b[2] ^= 0x80;
        msg.b[13] ^= 1; /* another name */
        unasked(w);
        msg.b[13] ^= 1;
        msg.b[asked.n - 3] ^= 4; /* another type */
        unasked(w);
        msg.b[asked.n - 3] ^= 4;
        msg.b[5] = 2; /* two questions */
        unasked(w);
        msg.b[5] = 1;
        msg.n = 11;
        unasked(w);
        msg.n = asked.n + 16;
        reply(w);
        assert_int_equal(calls, 1);
        assert_int_equal(got.err, 0);
}

static void broken(struct wire *w)
{
        u32 before = wire_drops(w, DROP_DNS_BAD);
        reply(w);
        assert_int_equal(wire_drops(w, DROP_DNS_BAD), before + 1);
        wire_wait(w, 20000);
        wire_flush_out(w);
        ask(w, "a.example");
}

static void broken_records_end_the_reading(void **state)
{
        struct wire *w = *state;
        ask(w, "a.example");
        u32 at = 12 + 11 + 4; /* first answer */
        begin(0x8180);
        rr((const char[]){(char)0xc0, (char)at}, 2, 1, 60, "\1\2\3\4", 4); /* points at itself */
        broken(w);
        begin(0x8180);
        rr((const char[]){(char)0xc0, (char)(at + 4)}, 2, 1, 60, "\1\2\3\4", 4); /* forward */
        broken(w);
        begin(0x8180);
        rr(QNAME, 2, 1, 60, "\1\2\3", 3); /* address of three bytes */
        broken(w);
        begin(0x8180);
        rr(QNAME, 2, 1, 60, "\1\2\3\4", 4);
        msg.n -= 1; /* cut off */
        broken(w);
        begin(0x8180);
        rr(QNAME, 2, 5, 60, "\x3f" "short", 6); /* label beyond the end */
        broken(w);
        begin(0x8180);
        rr(QNAME, 2, 5, 60, "\x02" ".x\x00", 4); /* a dot inside a label */
        broken(w);
        begin(0x8180);
        rr("\x80", 1, 1, 60, "\1\2\3\4", 4); /* reserved label type */
        broken(w);
        begin(0x8180);
        msg.b[7] = 9; /* more records announced than there are */
        broken(w);
        wire_wait(w, 20000);
}

/* Two names that point at each other cannot: each pointer must go further back. A long chain of pointers is walked. */
static void pointer_chains_have_an_end(void **state)
{
        struct wire *w = *state;
        ask(w, "a.example");
        begin(0x8180);
        u32 target = 12;
        for (u32 i = 0; i < 20; i++) { /* pointers to pointers, inside the data of a record of another type */
                u8 ptr[2] = {(u8)(0xc0 | target >> 8), (u8)target};
                target = msg.n + 2 + 10;
                rr(QNAME, 2, 16, 60, ptr, 2);
        }
        rr((const char[]){(char)(0xc0 | target >> 8), (char)target}, 2, 1, 60, "\xc0\x00\x02\x05", 4);
        reply(w);
        assert_int_equal(got.err, 0);
        assert_true(ipaddr_eq(got.addr[0], IPADDR(192, 0, 2, 5)));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(forged_answers_are_not_believed), T(broken_records_end_the_reading), T(pointer_chains_have_an_end)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
