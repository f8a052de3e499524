/* segment.c - control segments between nodes: written with option 144 at the end of the header, its authenticator last; read the
 * same. SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "handoff_impl.h"
#include "mem.h"

enum { AUTH_SUB = 6, AUTH_SUB_LEN = 2 + HANDOFF_TAG };

void ctl_send(struct handoff *h, struct ctl *c, struct pkt *p)
{
        const struct auth_scope *a = &c->scope;
        u8 o[TCP_OPTS_MAX + 4] = {1, 1, 1}, tag[HANDOFF_TAG];
        c->opt.has |= O144_HELLO | O144_AUTH;
        memset(c->opt.auth, 0, sizeof c->opt.auth);
        u32 n_opt = option144_put(o + 3, h->kind, &c->opt), pad = -n_opt & 3, n_opts = n_opt + pad;
        u8 *opts = o + 3 - pad;
        u32 text = p->len;
        auth_make(&h->keys[c->key], a, opts, n_opts, p->data, text, tag);
        memcpy(opts + n_opts - HANDOFF_TAG, tag, HANDOFF_TAG);
        memcpy(pkt_push(p, n_opts), opts, n_opts);
        u32_any *w = pkt_push(p, sizeof(struct tcp_hdr));
        w[0] = a->ports;
        w[1] = be(a->seq);
        w[2] = be(a->ack);
        w[3] = be((5 + n_opts / 4) << 28 | (u32)a->flags << 16 | (a->flags & TCP_RST ? 0 : 0xffff));
        w[4] = 0;
        u32 sum = cksum_add(ip_pseudo_sum(a->src, a->dst, IPPROTO_TCP_, p->len), p->data, p->len);
        ((u16_any *)w)[8] = (u16)~cksum_fold(sum);
        h->ts->count.out_segs++;
        struct ip_opts io = {.ttl = TCP_TTL, .df = true};
        ip_tx(h->st, p, a->src, a->dst, IPPROTO_TCP_, &io);
}

bool ctl_read(const struct handoff *h, const struct tcp_hdr *th, const struct tcp_seg *s, const struct pkt *p, struct ctl_in *in)
{
        in->opts = (const u8 *)(th + 1);
        in->n_opts = s->hlen - (u32)sizeof *th;
        in->text = (const u8 *)th + s->hlen;
        in->n = s->len;
        const u8 *sub = in->opts + in->n_opts - AUTH_SUB_LEN;
        return in->n_opts >= 2 + AUTH_SUB_LEN && !p->chain && sub[0] == AUTH_SUB && sub[1] == AUTH_SUB_LEN &&
               option144_find(in->opts, in->n_opts, h->kind, &in->opt) && (in->opt.has & O144_AUTH) &&
               !memcmp(in->opt.auth, sub + 2, HANDOFF_TAG);
}

bool ctl_good(const struct handoff *h, struct ctl_in *in, u8 kind, const struct ip_hdr *ip, const struct tcp_hdr *th,
              const struct tcp_seg *s, u32 first, const u8 *nonce)
{
        struct auth_scope a = {.kind = kind, .flags = s->flags, .src = ip->src, .dst = ip->dst, .ports = *(const u32_any *)th,
                               .seq = s->seq, .ack = s->flags & TCP_ACK ? s->ack : 0, .first = first, .nonce = nonce};
        bool good = false;
        for (u32 i = 0; i < h->n_keys; i++) {
                u8 tag[HANDOFF_TAG];
                auth_make(&h->keys[i], &a, in->opts, in->n_opts, in->text, in->n, tag);
                if (auth_equal(tag, in->opt.auth)) {
                        good = true;
                        in->key = (u8)i;
                }
        }
        return good;
}
