/* adoption.c - who takes, a node or the front that gets back (design 7): 51 and what follows fill a silent connection, 52 says
 * so, 53 starts it. From 52 on the client's packets are kept for it. Who may begin one: admit.c; what
 * is answered: adoption_tx.c.
 *
 *   51 -> FILLING (more) -> WAITING (52, again until) -- 53 --> the connection is ours
 *                           WAITING -- WITHDRAWN --> dropped: it never was ours; what was kept goes where the entry says
 *                           WAITING -- nothing for 20 s --> dropped without a word; the front asks who has it (FLOW_DOUBT)
 *
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

static void release(struct adoption *a)
{
        struct handoff *h = a->h;
        timer_stop(&h->st->wheel, &a->timer);
        pktq_free(&a->queue);
        kept_drop(&a->kept, DROP_HANDOFF_EARLY);
        a->state = ADOPTION_FREE;
        a->next = h->free_adoption;
        h->free_adoption = a;
}

struct adoption *adoption_find(struct handoff *h, ipaddr front, u32 ports)
{
        for (u32 i = 0; i < h->n_adoptions; i++) {
                struct adoption *a = &h->adoption[i];
                if (a->state != ADOPTION_FREE && a->ports == ports && ipaddr_eq(a->front, front))
                        return a;
        }
        return NULL;
}

struct adoption *adoption_of(struct handoff *h, u32 raddr, u32 laddr, u32 ports)
{
        for (u32 i = 0; i < h->n_adoptions; i++) {
                struct adoption *a = &h->adoption[i];
                if (a->state == ADOPTION_FREE)
                        continue;
                struct tuple n = block_names(&a->block);
                if (n.raddr == raddr && n.laddr == laddr && n.ports == ports)
                        return a;
        }
        return NULL;
}

static struct flow *flow_of(struct adoption *a)
{
        struct tuple n = block_names(&a->block);
        return a->back ? flow_find(&a->h->flows, n.raddr, n.laddr, n.ports) : NULL;
}

void adoption_keep(struct adoption *a, struct pkt *p)
{
        u32 most = a->state == ADOPTION_WAITING ? TRANSFER_KEEP : 0;
        bool kept = kept_put(&a->kept, most, a->h->st, p, DROP_HANDOFF_EARLY);
        a->h->count.kept += kept;
        a->h->count.kept_lost += !kept;
}

/* It will not stay here. */
static bool onward(const struct adoption *a) { return a->back && !ipaddr_is_any(a->block.wish); }

void adoption_abandon(struct adoption *a, bool known)
{
        struct flow *f = flow_of(a);
        if (a->t)
                tcb_discard(a->t, &a->block, a->state == ADOPTION_WAITING && !onward(a));
        a->t = NULL;
        if (f && known) {
                f->state = FLOW_ACTIVE;
                kept_forward(&a->kept, a->h, a->front);
        } else if (f) {
                f->state = FLOW_DOUBT;
                notice_add(a->h, f->node, NOTICE_PROBE, f->raddr, f->laddr, f->ports, f->nonce);
        }
        a->h->count.abandoned++;
        release(a);
}

/* All of it is here. */
static void complete(struct adoption *a)
{
        struct handoff *h = a->h;
        struct listener *l = listener_find(h->ts, a->block.service, a->block.service_port);
        enum handoff_reason why = l ? tcb_adopt(h->ts, l, &a->block, &a->queue, &a->t) : HANDOFF_LISTENER;
        if (why == HANDOFF_OK && !onward(a))
                why = tcb_take_place(a->t, &a->block);
        if (why != HANDOFF_OK) {
                adoption_refuse(h, a->own, a->front, a->ports, a->first, a->key < h->n_keys ? a->key : 0, a->block.nonce, why);
                adoption_abandon(a, true);
                return;
        }
        a->state = ADOPTION_WAITING;
        if (a->back)
                flow_of(a)->state = FLOW_COMING;
        h->count.adopted++;
        a->rto_ms = ADOPT_RTO_MS;
        timer_set(&h->st->wheel, &a->timer, stack_now_ms(h->st) + a->rto_ms);
        adoption_send_ack(a);
}

void adoption_text(struct adoption *a, struct pkt *p, const struct tcp_seg *s, u32 off)
{
        if (off != a->got || a->state != ADOPTION_FILLING || s->len > a->total - a->got) {
                a->h->count.stray++;
                pkt_drop(p, DROP_HANDOFF_ORDER);
                adoption_send_ack(a);
                return;
        }
        u32 skip = off ? 0 : block_len(&a->block);
        pkt_pull(p, s->hlen + skip);
        a->got += s->len;
        if (p->len)
                pktq_put(&a->queue, p);
        else
                pkt_free(p);
        if (a->got == a->total)
                complete(a);
        else
                adoption_send_ack(a);
}

/* 53: it is ours. */
static void confirmed(struct adoption *a)
{
        struct handoff *h = a->h;
        struct tcb *t = a->t;
        struct timewait *w = timewait_find(h->ts, t->raddr, t->laddr, t->ports);
        if (w)
                timewait_free(h->ts, w);
        struct flow *f = flow_of(a);
        struct pktq kept = a->kept;
        if (f)
                flow_del(&h->flows, f);
        else
                owned_add(h, t, a->node_index, &a->block);
        h->count.confirmed++;
        h->count.returned += f != NULL;
        bool went = onward(a);
        a->t = NULL;
        pktq_init(&a->kept);
        if (went)
                onward_begin(h, t, &a->block, a->node_index);
        release(a);
        if (!went)
                tcb_start(t);
        kept_receive(&kept, h->st);
}

/* He went elsewhere before 53, and will send none for this answer of ours. */
static void withdrawn(struct adoption *a, const struct tcp_seg *s)
{
        if (s->ack && s->ack != a->fresh) {
                a->h->count.stray++;
                return;
        }
        a->h->count.withdrawn++;
        adoption_abandon(a, true);
}

bool adoption_rx(struct handoff *h, u8 node, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p)
{
        struct ctl_in in;
        bool control = ctl_read(h, th, s, p, &in);
        if (control && (s->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && (in.opt.has & O144_HANDOFF)) {
                adoption_rx_51(h, ip, th, s, p, &in, node);
                return true;
        }
        struct adoption *a = adoption_find(h, ip->src, *(const u32_any *)th);
        if (!a)
                return false;
        u8 kind = s->flags & TCP_RST ? CTL_WITHDRAWN : s->len ? CTL_MORE : CTL_53;
        if (!control || !ctl_good(h, &in, kind, ip, th, s, a->first, a->block.nonce)) {
                h->count.forged++;
                pkt_drop(p, DROP_HANDOFF_FORGED_53);
        } else if (kind == CTL_WITHDRAWN) {
                withdrawn(a, s);
                pkt_drop(p, DROP_HANDOFF_WITHDRAWN);
        } else if (kind == CTL_MORE) {
                adoption_text(a, p, s, s->seq - a->first - 1);
        } else if (a->state == ADOPTION_WAITING && s->ack == a->fresh) {
                confirmed(a);
                pkt_drop(p, DROP_HANDOFF_53);
        } else {
                h->count.stray++;
                pkt_drop(p, DROP_HANDOFF_STRAY);
        }
        return true;
}

void adoption_fire(struct timer *tm)
{
        struct adoption *a = container_of(tm, struct adoption, timer);
        u32 now = stack_now_ms(a->h->st);
        if (a->state == ADOPTION_FILLING || now - a->born_ms >= ADOPT_GIVE_UP_MS) {
                adoption_abandon(a, a->state == ADOPTION_FILLING);
                return;
        }
        adoption_send_ack(a);
        a->rto_ms = min_u32(2 * a->rto_ms, 1600);
        timer_set(&a->h->st->wheel, tm, now + a->rto_ms);
}
