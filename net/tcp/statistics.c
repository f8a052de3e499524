/* statistics.c - the engine's counters with their names.
 * SPDX-License-Identifier: MIT */
#include "engine.h"
#include "tcp_statistics.h"

#define COUNTERS(X) \
        X(active_opens, "connections opened by us") \
        X(passive_opens, "connections accepted") \
        X(in_segs, "segments received") \
        X(out_segs, "segments sent") \
        X(retrans_segs, "segments sent again") \
        X(timeouts, "retransmission time-outs") \
        X(fast_recoveries, "losses recovered without a time-out") \
        X(tlp_probes, "tail loss probes") \
        X(undos, "reductions taken back as needless") \
        X(out_rsts, "resets sent") \
        X(challenges, "challenge acknowledgements") \
        X(cookies_sent, "SYN cookies sent") \
        X(cookies_good, "SYN cookies that came back") \
        X(timewait_evicted, "TIME_WAIT entries ended early") \
        X(reclaimed, "abandoned connections ended early for new ones") \
        X(blackholes, "paths that swallowed large segments") \
        X(tfo_accepted, "Fast Open SYNs with data taken") \
        X(tfo_fallback, "Fast Open fallen back to a plain SYN") \
        X(rekeys, "lookup tables hashed anew")

void tcp_statistics(struct stack *st, void (*fn)(void *ctx, const char *name, u32 n), void *ctx)
{
        const struct tcp_counters *c = &st->tcp->count;
#define X(field, name) fn(ctx, name, c->field);
        COUNTERS(X)
#undef X
}
