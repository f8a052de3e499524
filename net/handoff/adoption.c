/* adoption.c - who takes, a node or the front that gets back (design 7): 51 and what follows fill a silent connection, 52 says
 * so, 53 starts it. From 52 on the client's packets are kept for it.
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
        struct pkt *p;
        timer_stop(&h->st->wheel, &a->timer);
        while ((p = pktq_get(&a->queue)) != NULL)
                pkt_free(p);
        kept_drop(&a->kept, DROP_HANDOFF_EARLY);
        a->state = ADOPTION_FREE;
        a->next = h->free_adoption;
        h->free_adoption = a;
}

/* 52, or an acknowledgement of a part on the way to it. */
static void send_ack(struct adoption *a)
{
        struct pkt *p = pkt_alloc(&a->h->st->pkts, PKT_HEADROOM);
        u32 fin = a->state == ADOPTION_WAITING && (a->block.state & FIN_RX);
        struct ctl c = {.scope = {.kind = CTL_52,
                                  .flags = TCP_ACK,
                                  .src = a->own,
                                  .dst = a->front,
                                  .ports = a->ports << 16 | a->ports >> 16,
                                  .seq = a->fresh,
                                  .ack = a->first + 1 + a->got + fin,
                                  .first = a->first,
                                  .nonce = a->block.nonce},
                        .key = a->key < a->h->n_keys ? a->key : 0};
        if (p)
                ctl_send(a->h, &c, p);
}

/* ports: as the front's header holds them; first: SEQ of its 51. */
static void refuse(struct handoff *h, ipaddr own, ipaddr front, u32 ports, u32 first, u8 key, const u8 *nonce,
                   enum handoff_reason why)
{
        struct pkt *p = pkt_alloc(&h->st->pkts, PKT_HEADROOM);
        struct ctl c = {.scope = {.kind = CTL_REFUSAL,
                                  .flags = TCP_RST | TCP_ACK,
                                  .src = own,
                                  .dst = front,
                                  .ports = ports << 16 | ports >> 16,
                                  .ack = first + 1,
                                  .first = first,
                                  .nonce = nonce},
                        .key = key};
        h->count.refusals[why]++;
        if (!p)
                return;
        p->data[0] = (u8)why;
        p->len = 1;
        ctl_send(h, &c, p);
}

static struct adoption *find(struct handoff *h, ipaddr front, u32 ports)
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

/* It never was ours. known: it still is his who began, so the entry is as it was. */
static void abandon(struct adoption *a, bool known)
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
                refuse(h, a->own, a->front, a->ports, a->first, a->key < h->n_keys ? a->key : 0, a->block.nonce, why);
                abandon(a, true);
                return;
        }
        a->state = ADOPTION_WAITING;
        if (a->back)
                flow_of(a)->state = FLOW_COMING;
        h->count.adopted++;
        a->rto_ms = ADOPT_RTO_MS;
        timer_set(&h->st->wheel, &a->timer, stack_now_ms(h->st) + a->rto_ms);
        send_ack(a);
}

/* Text at its place in block and bytes; what is not next is sent again by the front. Consumes p. */
static void take_text(struct adoption *a, struct pkt *p, const struct tcp_seg *s, u32 off)
{
        if (off != a->got || a->state != ADOPTION_FILLING || s->len > a->total - a->got) {
                a->h->count.stray++;
                pkt_drop(p, DROP_HANDOFF_ORDER);
                send_ack(a);
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
                send_ack(a);
}

/* May a connection with this block live here? */
static enum handoff_reason admit(struct handoff *h, const struct control_block *b, ipaddr own, ipaddr front)
{
        struct tuple n = block_names(b);
        if (h->draining && !b->returned)
                return HANDOFF_DRAINS;
        if (!handoff_is_service(h, b->service) || !ip_is_ours(h->st, b->service) || handoff_is_service(h, own))
                return HANDOFF_ADDRESS;
        const struct listener *l = listener_find(h->ts, b->service, b->service_port);
        if (!l)
                return HANDOFF_LISTENER;
        const struct flow *f = flow_find(&h->flows, n.raddr, n.laddr, n.ports);
        if (tcp_lookup(h->ts, n.raddr, n.laddr, n.ports) || adoption_of(h, n.raddr, n.laddr, n.ports) ||
            (f && (f->state != FLOW_ACTIVE || !ipaddr_eq(h->node[f->node], front)))) /* in doubt: he says first whose it is */
                return HANDOFF_TAKEN;
        u32 room = h->st->pkts.n_free / 2 * 1024;
        bool early = (b->flags & TF_TFO_ACCEPTED && h->ts->n_fastopen >= h->ts->n_pool / 4) ||
                     (b->conv_flags && !h->ts->conv->free);
        bool busy = early || !h->free_adoption || h->ts->n_tcbs == h->ts->n_pool ||
                    l->n_waiting >= (l->opts.backlog ? l->opts.backlog : 16u);
        return busy || block_bytes(b) > room ? HANDOFF_BUSY : HANDOFF_OK;
}

/* 51, its authenticator right. Consumes p. */
static void begin(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, const struct tcp_seg *s, struct pkt *p,
                  const struct control_block *b, u8 node)
{
        struct tuple n = block_names(b);
        struct owned *had = owned_find(h, n.raddr, n.laddr, n.ports);
        if (had && !memcmp(had->nonce, b->nonce, HANDOFF_NONCE)) {
                h->count.stray++; /* a late copy of the 51 that brought the connection here */
                pkt_drop(p, DROP_HANDOFF_AGAIN);
                return;
        }
        enum handoff_reason why = admit(h, b, ip->dst, ip->src);
        if (why != HANDOFF_OK) {
                refuse(h, ip->dst, ip->src, *(const u32_any *)th, s->seq, h->node_key[node], b->nonce, why);
                pkt_drop(p, DROP_HANDOFF_REFUSED);
                return;
        }
        struct flow *f = flow_find(&h->flows, n.raddr, n.laddr, n.ports);
        bool back = f && !handoff_is_silent(h, b->service);
        if (f && !back)
                flow_del(&h->flows, f); /* we had given it back to him */
        struct adoption *a = h->free_adoption;
        h->free_adoption = a->next;
        u32 now = stack_now_ms(h->st);
        *a = (struct adoption){.h = h,
                               .timer.fire = adoption_fire,
                               .front = ip->src,
                               .own = ip->dst,
                               .ports = *(const u32_any *)th,
                               .first = s->seq,
                               .total = block_len(b) + block_bytes(b),
                               .fresh = stack_random(h->st),
                               .born_ms = now,
                               .state = ADOPTION_FILLING,
                               .node_index = node,
                               .key = h->node_key[node],
                               .back = back,
                               .block = *b};
        pktq_init(&a->queue);
        pktq_init(&a->kept);
        timer_set(&h->st->wheel, &a->timer, now + ADOPT_GIVE_UP_MS);
        take_text(a, p, s, 0);
}

/* Who gives back proves it with the fresh number of the handoff that our entry stands for. Where we are no front, nobody gives
 * back. */
static bool good_51(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, const struct tcp_seg *s,
                    struct ctl_in *in)
{
        const struct flow *f = NULL;
        ipaddr v;
        if (in->n >= BLOCK_BYTES) {
                memcpy(&v, in->text + 12, sizeof v);
                u32 port = in->opt.has & O144_PORT ? __builtin_bswap16(in->opt.port) : (u16) * (const u32_any *)th;
                f = flow_find(&h->flows, be32_raw(in->opt.addr.v4), be32_raw(v.v4), port | (*(const u32_any *)th & 0xffff0000));
        }
        return ctl_good(h, in, CTL_51, ip, th, s, s->seq, f && !handoff_is_silent(h, v) ? f->nonce : NULL);
}

/* A SYN with the handoff in its option: 51, for the first time or again. */
static void rx_51(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p,
                  struct ctl_in *in, u8 node)
{
        struct control_block b;
        struct adoption *a = find(h, ip->src, *(const u32_any *)th);
        if (!good_51(h, ip, th, s, in)) {
                h->count.forged++;
                pkt_drop(p, DROP_HANDOFF_FORGED_51);
                return;
        }
        h->node_key[node] = in->key;
        u16 port = in->opt.has & O144_PORT ? in->opt.port : be16_get(th->src);
        if (!(in->opt.has & O144_BLOCK) || in->opt.block > in->n || !block_get(in->text, in->opt.block, &b) ||
            block_first(&b) != s->seq || !ipaddr_eq(b.client, in->opt.addr) || b.client_port != port ||
            b.service_port != be16_get(th->dst)) {
                u8 nonce[HANDOFF_NONCE] = {0};
                if (in->n >= 4 + HANDOFF_NONCE)
                        memcpy(nonce, in->text + 4, HANDOFF_NONCE);
                refuse(h, ip->dst, ip->src, *(const u32_any *)th, s->seq, in->key, nonce, HANDOFF_BLOCK);
                pkt_drop(p, DROP_HANDOFF_BLOCK);
                return;
        }
        /* a front that said 52 stays with that answer: which of two copies is the late one, nothing tells */
        if (a && ((a->back && a->state == ADOPTION_WAITING) || !memcmp(a->block.nonce, b.nonce, HANDOFF_NONCE))) {
                send_ack(a);
                pkt_drop(p, DROP_HANDOFF_51_AGAIN);
                return;
        }
        if (a)
                abandon(a, true); /* he began anew: he will not send the other's 53 any more */
        begin(h, ip, th, s, p, &b, node);
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
        abandon(a, true);
}

bool adoption_rx(struct handoff *h, u8 node, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p)
{
        struct ctl_in in;
        bool control = ctl_read(h, th, s, p, &in);
        if (control && (s->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && (in.opt.has & O144_HANDOFF)) {
                rx_51(h, ip, th, s, p, &in, node);
                return true;
        }
        struct adoption *a = find(h, ip->src, *(const u32_any *)th);
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
                take_text(a, p, s, s->seq - a->first - 1);
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
                abandon(a, a->state == ADOPTION_FILLING);
                return;
        }
        send_ack(a);
        a->rto_ms = min_u32(2 * a->rto_ms, 1600);
        timer_set(&a->h->st->wheel, tm, now + a->rto_ms);
}
