/* figures.c - what the handoff tells about itself: counters, the flows one by one, reasons in words.
 * It changes nothing.
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"

void handoff_counters(const struct handoff *h, struct handoff_counters *out)
{
        *out = h->count;
        out->flows = h->flows.n_used;
        out->owned = h->owned.n_used;
}

static void names(struct handoff_flow *f, u32 raddr, u32 laddr, u32 ports)
{
        f->client = (ipaddr){be32_from_raw(raddr)};
        f->service = (ipaddr){be32_from_raw(laddr)};
        f->client_port = (u16)__builtin_bswap16((u16)ports);
        f->service_port = (u16)__builtin_bswap16((u16)(ports >> 16));
}

void handoff_walk(const struct handoff *h, bool (*fn)(void *ctx, const struct handoff_flow *f), void *ctx)
{
        static const char *const states[] = {"", "asking", "handed", "coming back", "in doubt"};
        u16 now = handoff_now_s(h);
        for (u32 i = 0; i < h->flows.n && h->flows.n_used; i++) {
                const struct flow *e = (const struct flow *)h->flows.at + i;
                struct handoff_flow f = {.node = h->node[e->node], .state = states[e->state], .age_s = (u16)(now - e->seen_s)};
                names(&f, e->raddr, e->laddr, e->ports);
                if (e->state == FLOW_PENDING)
                        f.age_s = 0;
                if (e->state != FLOW_FREE && !fn(ctx, &f))
                        return;
        }
        for (u32 i = 0; i < h->owned.n && h->owned.n_used; i++) {
                const struct owned *o = (const struct owned *)h->owned.at + i;
                struct handoff_flow f = {.node = h->node[o->node], .state = "adopted", .age_s = (u8)(now - o->told_s)};
                names(&f, o->raddr, o->laddr, o->ports);
                if (o->ports && !fn(ctx, &f))
                        return;
        }
}

const char *handoff_reason_text(enum handoff_reason why)
{
        switch (why) {
        case HANDOFF_OK: return "handed over";
        case HANDOFF_BLOCK: return "control block not understood";
        case HANDOFF_ADDRESS: return "service address unknown there";
        case HANDOFF_LISTENER: return "nobody listens there";
        case HANDOFF_BUSY: return "node is busy";
        case HANDOFF_TAKEN: return "connection exists there";
        case HANDOFF_PLACE: return "service there cannot go on with it";
        case HANDOFF_DRAINS: return "node is being emptied";
        case HANDOFF_SILENT: return "node did not answer";
        case HANDOFF_STATE: return "connection cannot be moved now";
        case HANDOFF_FULL: return "no flow entry free";
        case HANDOFF_UNREACHABLE: return "node unreachable, or no secret";
        default: return "?";
        }
}
