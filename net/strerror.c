/* strerror.c - what the negative results of the stack mean, in words.
 * SPDX-License-Identifier: MIT */
#include "stack.h"

static const char *const words[] = {
        [0] = "ok",
        [-E_NOMEM] = "out of memory",
        [-E_INVAL] = "invalid argument",
        [-E_INUSE] = "address in use",
        [-E_NOROUTE] = "no route to host",
        [-E_TIMEDOUT] = "timed out",
        [-E_RESET] = "connection reset",
        [-E_REFUSED] = "connection refused",
        [-E_UNREACH] = "destination unreachable",
        [-E_CLOSED] = "closed",
        [-E_AGAIN] = "would block",
        [-E_NOTCONN] = "not connected",
        [-E_EXIST] = "already exists",
        [-E_NOENT] = "not found",
        [-E_MSGSIZE] = "message too long",
};

const char *stack_strerror(int err)
{
        if (err >= 0)
                return words[0];
        return err > -(int)COUNT_OF(words) ? words[-err] : "unknown error";
}
