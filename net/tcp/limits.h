/* limits.h - limits and times of TCP, each with its reason.
 * SPDX-License-Identifier: MIT */
#ifndef TCP_LIMITS_H
#define TCP_LIMITS_H

enum {
        TCP_MSS_DEFAULT   = 536,     /* MUST-15 */
        TCP_MSS_MIN       = 48,      /* smallest that a peer can force: 8 bytes beside 40 of options */
        TCP_WINDOW_INIT   = 65535,   /* offered at first; grows to rcvbuf */
        TCP_DELACK_MS     = 40,      /* MUST-40: under 500; what Linux uses */
        TCP_RTO_INIT_MS   = 1000,    /* RFC 6298 2.1 */
        TCP_RTO_SYN_LOST_MS = 3000,  /* RFC 6298 5.7 */
        TCP_RTO_MIN_MS    = 200,     /* RFC 6298 2.4 says SHOULD 1 s; every modern peer uses 200 ms, and RACK-TLP needs it */
        TCP_RTO_MAX_MS    = 60000,   /* RFC 6298 2.5 */
        TCP_CWND_FIRST    = 14600,   /* RFC 6928: ten segments, but no more than this or two */
        TCP_R1            = 3,       /* SHLD-10: retransmissions before IP is asked for another way */
        TCP_USER_TIMEOUT_MS = 300000,/* R2, SHLD-11 (at least 100 s); RFC 9293 3.9.1's five minutes */
        TCP_SYN_TIMEOUT_MS  = 185000,/* MUST-23: at least 3 minutes */
        TCP_TIMEWAIT_MS   = 60000,   /* 2 MSL, MSL 30 s */
        TCP_FIN_WAIT_2_MS = 60000,   /* nobody is left to read: do not wait for ever */
        TCP_KEEPALIVE_INTERVAL_MS = 75000,
        TCP_KEEPALIVE_MAX_MS = 1 << 30, /* twelve days: it and the probes in less than half of 32 bits */
        TCP_KEEPALIVE_PROBES = 9,    /* MUST-29: one lost answer is not death */
        TCP_CHALLENGE_MS  = 500,     /* RFC 5961 7: per connection, so that counting across connections tells nothing; */
        TCP_CHALLENGES    = 5,       /* so many at once */
        TCP_TX_RETRY_MS   = 10,      /* out of buffers: try again */
        TCP_SWS_MS        = 200,     /* sender's override, RFC 9293 3.8.6.2.1: 0.1 to 1 s */
        TCP_WORST_DELACK_MS = 200,   /* RFC 8985 7.2: how long a peer may delay the acknowledgement of one segment */
        TCP_TLP_MIN_MS    = 10,      /* as RFC 8985 7.2 recommends for coarse clocks */
        TCP_TTL           = 64,      /* MUST-49 */
        TCP_REASM_PKTS    = 64,      /* buffers that one connection's out-of-order data may hold, and never more than rcvbuf */
        TCP_LISTEN_BUCKETS = 16,
        TCP_BACKLOG       = 16,
        TCP_TFO_CACHE     = 32,
        TCP_TIMEWAITS     = 0xfffff, /* most entries that TIME_WAIT can have */
        TCP_DUE           = 16,      /* connections of a batch that are noted without a list */
};

#endif
