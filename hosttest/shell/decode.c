/* decode.c (test) - frames as lines; cut frames never read over their end.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../c/shell/commands.h"

static u32 hex(const char *s, u8 *dst)
{
        u32 n = 0;

        for (; *s; s++) {
                static const char digits[] = "0123456789abcdef";
                const char *d = strchr(digits, *s);

                if (!d)
                        continue;
                dst[n / 2] = (u8)(n % 2 ? dst[n / 2] | (d - digits) : (d - digits) << 4);
                n++;
        }
        return n / 2;
}

static void line_is(const char *frame, u32 total, const char *want)
{
        u8 bytes[256];
        char line[DECODE_LINE];
        struct decoded d;
        u32 n = hex(frame, bytes);

        decode_frame(bytes, n, total ? total : n, true, &d, line, sizeof(line));
        assert_string_equal(line, want);
        for (u32 cut = 0; cut <= n; cut++) { /* exactly as long as it is, so that the sanitizer sees a step over the end */
                u8 *copy = malloc(cut ? cut : 1);

                memcpy(copy, bytes, cut);
                decode_frame(copy, cut, cut, true, &d, line, sizeof(line));
                free(copy);
        }
}

#define ETH "020000000001 020000000002 "

static void arp(void **state)
{
        line_is(ETH "0806 0001 0800 06 04 0001 020000000002 0a000002 000000000000 0a000001", 0,
                "ARP who has 10.0.0.1? tell 10.0.0.2");
        line_is(ETH "0806 0001 0800 06 04 0002 020000000002 0a000002 020000000001 0a000001", 0,
                "ARP 10.0.0.2 is at 02:00:00:00:00:02");
        line_is(ETH "0806 0001 0800 06 04 0001 020000000002 0a000002 000000000000 0a000002", 0,
                "ARP 10.0.0.2 announces 02:00:00:00:00:02");
}

static void tcp_with_options(void **state)
{
        line_is(ETH "0800 4500003c 00004000 40060000 0a000002 0a000001 9c40 0050 00000001 00000000 a002 fff0 0000 0000"
                    "020405b4 0402 080a 00000007 00000000 01 030307", 0,
                "10.0.0.2:40000 > 10.0.0.1:80 TCP [S] seq 1 win 65520 mss 1460 sackOK ts 7/0 wscale 7");
        line_is(ETH "8100 0007 0800 4500002d 00004000 40060000 0a000002 0a000001 9c40 0050 00000001 00000009 5018 1000 0000 0000"
                    "4142434445", 0,
                "vlan 7 10.0.0.2:40000 > 10.0.0.1:80 TCP [P.] seq 1 ack 9 win 4096 data 5");
}

static void udp_icmp_and_fragments(void **state)
{
        line_is(ETH "0800 45000021 00000000 40110000 0a000002 0a000001 9c40 0035 000d 0000 4142434445", 0,
                "10.0.0.2:40000 > 10.0.0.1:53 UDP data 5 DNS");
        line_is(ETH "0800 4500001d 00000000 40010000 0a000002 0a000001 08 00 0000 0007 0003 41", 0,
                "10.0.0.2 > 10.0.0.1 ICMP echo request id 7 seq 3 data 1");
        line_is(ETH "0800 4500001c 00000000 40010000 0a000002 0a000001 03 04 0000 0000 05dc", 0,
                "10.0.0.2 > 10.0.0.1 ICMP unreachable code 4 mtu 1500");
        line_is(ETH "0800 4500001d 00052001 40110000 0a000002 0a000001 4142434445464748 49", 0,
                "10.0.0.2 > 10.0.0.1 protocol 17 fragment 5 at 8+");
}

static void what_is_not_ip_shows_its_type(void **state)
{
        line_is(ETH "88cc 0000", 60, "02:00:00:00:00:02 > 02:00:00:00:00:01 type 0x88cc, 60 bytes");
        line_is("0200", 0, "frame of 2 bytes");
        line_is(ETH "0800 65000000", 0, "IP header is broken or cut, 4 bytes");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(arp), cmocka_unit_test(tcp_with_options), cmocka_unit_test(udp_icmp_and_fragments),
                cmocka_unit_test(what_is_not_ip_shows_its_type),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
