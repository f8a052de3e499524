/* dns.c (fuzz) - the reader of DNS answers and the writer of queries. First byte even: the rest is an answer to the question
 * it carries (its id is mended); odd: the rest is a name. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include "../../net/dns_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void name(const u8 *data, u32 n)
{
        char text[400];
        u8 *msg = malloc(DNS_MSG);
        n = min_u32(n, sizeof text - 1);
        memcpy(text, data, n);
        text[n] = 0;
        if (dns_name_ok(text) && dns_ask(msg, 1, text, DNS_A) > DNS_MSG)
                abort();
        free(msg);
}

static void answer(const u8 *data, u32 n, u16 type)
{
        struct dns_answer a;
        u8 *msg = malloc(n ? n : 1); /* exact size, so that one byte beyond is seen */
        memcpy(msg, data, n);
        if (n >= 4) {
                msg[0] = 0x12;
                msg[1] = 0x34;
                msg[2] |= 0x80;
                msg[2] &= 0x87;
        }
        if (dns_read(msg, n, 0x1234, "www.example.org", type, &a) == DNS_ANSWERED) {
                if (a.n > DNS_ADDRS || strlen(a.name) > 254 || (a.err && a.err != E_NOENT))
                        abort();
                if (!a.err && type == DNS_A && !a.n)
                        abort();
        }
        free(msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (!size)
                return 0;
        if (data[0] & 1)
                name(data + 1, (u32)size - 1);
        else
                answer(data + 1, (u32)size - 1, data[0] & 2 ? DNS_PTR : DNS_A);
        return 0;
}
