/* segments.h - full segments on their way, for traces of loss and of rates.
 * SPDX-License-Identifier: MIT */
#ifndef SEGMENTS_H
#define SEGMENTS_H

#include "trace.h"

#define SEQ(i) (1 + (u32)(i) * MSS) /* of segment i; 1 is the oldest outstanding */

/* n full segments are out, a round trip of 50 ms is known. */
static inline void out_segments(u32 n, bool sack, u8 cc)
{
        struct tcp_opts o = {.cc = cc, .sndbuf = 1000000};
        if (sack)
                established_sack(&o);
        else
                established_opts(&o);
        send_bytes(0, MSS);
        expect_tx(T_ACK, 1, 1, MSS);
        wait_ms(50);
        rx(T_ACK, 1, 1 + MSS, 0);
        T.t->cwnd = n * MSS;
        send_bytes(MSS, 100 * MSS);
        for (u32 i = 1; i <= n; i++)
                expect_tx(T_ACK, 1 + i * MSS, 1, MSS);
        expect_none();
}

#endif
