/* http_place.c - where a connection of the web server is in its work, for the node that it is moved to.
 * Between requests that is nothing: an incomplete head is unread, and is read again there.
 * SPDX-License-Identifier: MIT */
#include "http_impl.h"

int http_place_put(struct tcb *t, u8 *dst, u32 max, const char **why)
{
        struct http_conn *c = http_conn_of(t);

        switch (c->state) {
        case CONN_IDLE: case CONN_READING: case CONN_RETRY:
                http_slot_give(c->h, t);
                return 0;
        case CONN_LINGER:
                *why = "its last reply is sent";
                return -1;
        default:
                *why = "a reply is under way";
                return -1;
        }
}
