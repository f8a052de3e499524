/* send_ref.c - bytes by reference onto the send queue from inside the connection's own event, with room for them: the usual; and the
 * most usual, a calm connection's one reply (calm.c). Twin of asm/send_ref.S; whatever is not so is left to sndq.c. SPDX-License-Identifier: MIT */
#include "engine.h"

static inline int keep(struct tcb *t, const void *ptr, u32 n, u32 sum)
{
        t->snd_queued = n;
        t->reply = ptr;
        t->reply_sum = sum;
        t->timer_kind = TT_REPLY;
        t->flags |= TF_WANT_TX;
        return 0;
}

int tcp_send_ref(struct tcb *t, const void *ptr, u32 n, const u32 *sum)
{
        struct cellpool *cells = &t->ts->cells, *flights = &t->ts->flights;
        if (t->timer_kind == TT_READY) { /* inside the event, and both are promised already */
                if (n - 1 < t->reply_most && !(t->flags & (TF_FIN_QUEUED | TF_USER_CLOSED | TF_DEAD)) && sum)
                        return keep(t, ptr, n, *sum);
                calm_settle(t);
        }
        struct sndent *e = cells->free;
        u32 all = t->snd_queued + n, most = min_u32(min_u32(t->mss, t->snd_wnd), t->sndbuf);
        bool fits = n - 1 < most && !t->snd_queued;
        if (fits)
                t->reply_most = most;
        if (unlikely((t->flags & (TF_FIN_QUEUED | TF_USER_CLOSED | TF_DEAD | TF_BUSY)) != TF_BUSY || !sum || cells->n_free <= cells->keep))
                return tcp_send_ref_any(t, ptr, n, sum);
        if (fits && flights->n_free && (t->timer_kind == TT_CALM || calm_enter(t))) {
                cells->n_free--;
                flights->n_free--;
                return keep(t, ptr, n, *sum);
        }
        if (unlikely(t->timer_kind > TT_CALM || !n || (t->snd_first && t->snd_first->next) || all < n || all > t->sndbuf))
                return tcp_send_ref_any(t, ptr, n, sum);
        pool_get(cells);
        sndq_append(t, e, ptr, n, sum, NULL);
        t->flags |= TF_WANT_TX;
        return 0;
}
