/* front_error.c - the front's own replies: small constant pages, sent by reference, so that they go out when every pool is empty.
 * SPDX-License-Identifier: MIT */
#include "front_impl.h"

#define FIELDS "Server: qure\r\nContent-Type: text/plain\r\nConnection: close\r\n"
#define PAGE(code, reason) {code, "HTTP/1.1 " #code " " reason "\r\n" FIELDS "\r\n" #code " " reason "\n"}

static const struct { u32 status; const char *text; } pages[] = {
        PAGE(400, "Bad Request"), PAGE(408, "Request Timeout"), PAGE(429, "Too Many Requests"),
        PAGE(431, "Request Header Fields Too Large"), PAGE(502, "Bad Gateway"), PAGE(504, "Gateway Timeout"),
        PAGE(503, "Service Unavailable"),
};

static void count(struct front *f, u32 status)
{
        f->count.bad_request += status == 400;
        f->count.bad_gateway += status == 502;
        f->count.gateway_timeout += status == 504;
        f->count.busy += status == 503;
        f->count.late += status == 408;
}

/* Queues the page; its end is the connection's end. False when there is no room for it. */
bool front_error_page(struct front *f, struct tcb *t, u32 status)
{
        u32 i = 0;

        while (i < COUNT_OF(pages) - 1 && pages[i].status != status)
                i++;
        count(f, pages[i].status);
        return tcp_send_ref(t, pages[i].text, (u32)__builtin_strlen(pages[i].text), NULL) == 0;
}
