/* claim.c - claims on our own addresses (RFC 5227): announce and probe beside service, defend, take leave (RFC 1868).
 * An address serves from the first moment; whether somebody else has it is found out meanwhile. Only link-local addresses
 * are probed for before use (RFC 3927 2.2.1 demands it). A silent address has no claim and appears in no ARP field.
 * SPDX-License-Identifier: MIT */
#include "arp.h"
#include "dhcp.h"
#include "eth.h"
#include "mem.h"

/* RFC 5227 1.1 */
enum { PROBE_WAIT_MS = 1000, PROBE_NUM = 3, PROBE_MIN_MS = 1000, PROBE_MAX_MS = 2000 };
enum { ANNOUNCE_WAIT_MS = 2000, DEFEND_MS = 10000 };
enum { CLAIMS = 32 };

struct claim {
        struct timer  timer;
        struct netif *nif;      /* NULL = free */
        ipaddr        addr;
        u8            probes;   /* sent */
        bool          serving;  /* ours already; else probed for before use */
        bool          finished; /* the last announcement went out */
        bool          defended;
        u32           defended_ms;
        void        (*done)(void *ctx, bool unused);
        void         *ctx;
};

struct claim_state {
        struct claim claim[CLAIMS];
        void       (*conflict)(struct netif *nif, ipaddr addr, macaddr by);
};

bool claim_init(struct stack *st)
{
        st->claim = stack_alloc(st, sizeof *st->claim, 16);
        return st->claim != NULL;
}

void arp_on_conflict(struct stack *st, void (*fn)(struct netif *nif, ipaddr addr, macaddr by)) { st->claim->conflict = fn; }

static struct claim *find(struct netif *nif, ipaddr addr)
{
        for (struct claim *c = nif->st->claim->claim; c < nif->st->claim->claim + CLAIMS; c++)
                if (c->nif == nif && ipaddr_eq(c->addr, addr))
                        return c;
        return NULL;
}

static void ask_all(struct netif *nif, ipaddr spa, ipaddr tpa)
{
        arp_send(nif, ARP_REQUEST, MAC_BCAST, spa, (macaddr){{0}}, tpa);
}
static void send_announcement(struct netif *nif, ipaddr addr) { ask_all(nif, addr, addr); }
static void send_probe(struct netif *nif, ipaddr addr) { ask_all(nif, IPADDR_ANY, addr); }

static void drop_claim(struct claim *c)
{
        timer_stop(&c->nif->st->wheel, &c->timer);
        c->nif = NULL;
}

static void wait(struct claim *c, u32 min_ms, u32 spread_ms)
{
        struct stack *st = c->nif->st;
        timer_set(&st->wheel, &c->timer, stack_now_ms(st) + min_ms + (spread_ms ? stack_random(st) % spread_ms : 0));
}

/* Three probes, 1 to 2 s apart; then, 2 s later, the (second) announcement or the verdict. */
static void step(struct claim *c)
{
        if (c->probes < PROBE_NUM) {
                send_probe(c->nif, c->addr);
                c->probes++;
                if (c->probes < PROBE_NUM)
                        wait(c, PROBE_MIN_MS, PROBE_MAX_MS - PROBE_MIN_MS);
                else
                        wait(c, ANNOUNCE_WAIT_MS, 0);
        } else if (c->serving) {
                send_announcement(c->nif, c->addr);
                c->finished = true;
        } else {
                void (*done)(void *, bool) = c->done;
                void *ctx = c->ctx;
                drop_claim(c);
                done(ctx, true);
        }
}

static void fire(struct timer *t) { step(container_of(t, struct claim, timer)); }

/* The claim on addr, restarted; NULL when there is no slot. */
static struct claim *start(struct netif *nif, ipaddr addr)
{
        struct claim *c = find(nif, addr), *slots = nif->st->claim->claim;
        for (u32 i = 0; i < CLAIMS && !c; i++)
                if (!slots[i].nif)
                        c = &slots[i];
        if (!c)
                return NULL;
        timer_stop(&nif->st->wheel, &c->timer);
        memset(c, 0, sizeof *c);
        c->timer.fire = fire;
        c->nif = nif;
        c->addr = addr;
        return c;
}

void arp_announce(struct netif *nif, ipaddr addr)
{
        const struct ifaddr *own = netif_addr_find(nif, addr);
        if (!own || own->silent || nif->caps & NETIF_L3 || !nif->link)
                return;
        struct claim *c = start(nif, addr);
        /* at once, since a takeover must reach the neighbours' tables now */
        send_announcement(nif, addr);
        if (!c)
                return;
        c->serving = true;
        step(c);
}

void arp_unarp(struct netif *nif, ipaddr addr)
{
        struct claim *c = find(nif, addr);
        bool contested = c && c->defended;
        if (c)
                drop_claim(c);
        /* where somebody else has the address too, his neighbours shall keep him */
        if (contested)
                return;
        struct pkt *p = pkt_alloc(&nif->st->pkts, PKT_HEADROOM);
        if (!p)
                return;
        struct { be16 htype, ptype; u8 hlen, plen; be16 op; ipaddr spa, tpa; } un = {
                be16_of(1), be16_of(ETHERTYPE_IP_), 0, 4, be16_of(ARP_REPLY), addr, IPADDR_BCAST};
        pkt_append(p, &un, sizeof un);
        eth_tx(nif, p, MAC_BCAST, ETHERTYPE_ARP_);
}

int arp_probe(struct netif *nif, ipaddr addr, void (*done)(void *ctx, bool unused), void *ctx)
{
        struct claim *c = start(nif, addr);
        if (!c)
                return E_NOMEM;
        c->done = done;
        c->ctx = ctx;
        wait(c, 0, PROBE_WAIT_MS);
        return 0;
}

void arp_probe_stop(struct netif *nif, ipaddr addr)
{
        struct claim *c = find(nif, addr);
        if (c && !c->serving)
                drop_claim(c);
}

bool claim_probing(struct netif *nif, ipaddr addr)
{
        const struct claim *c = find(nif, addr);
        return c && !c->finished;
}

/* RFC 5227 2.4: defend once in 10 s. A static address is kept in any case; a dynamic one is its client's to decide. */
static void conflict(struct netif *nif, const struct ifaddr *own, macaddr by)
{
        struct stack *st = nif->st;
        struct claim *c = find(nif, own->addr);
        ipaddr addr = own->addr;
        bool fixed = own->origin == IFADDR_STATIC;
        u32 now = stack_now_ms(st);
        bool again = c && c->defended && now - c->defended_ms < DEFEND_MS;
        if (c && !again) {
                c->defended = true;
                c->defended_ms = now;
        }
        if (!again) {
                stack_log(st, "%s: address %I is also used by %M", nif->name, &addr, &by);
                send_announcement(nif, addr);
                if (st->claim->conflict)
                        st->claim->conflict(nif, addr, by);
        }
        if (!fixed)
                dhcp_conflict(nif, addr, again);
}

/* Somebody else uses, or probes for, an address that we probe for. */
static bool probe_failed(struct netif *nif, ipaddr addr)
{
        struct claim *c = ipaddr_is_any(addr) ? NULL : find(nif, addr);
        if (!c || c->serving)
                return false;
        void (*done)(void *, bool) = c->done;
        void *ctx = c->ctx;
        drop_claim(c);
        done(ctx, false);
        return true;
}

bool claim_heard(struct netif *nif, const struct arp_hdr *a)
{
        bool is_probe = ipaddr_is_any(a->spa) && be16_get(a->op) == ARP_REQUEST;
        if (probe_failed(nif, is_probe ? a->tpa : a->spa))
                return true;
        const struct ifaddr *own = ipaddr_is_any(a->spa) ? NULL : netif_addr_find(nif, a->spa);
        if (!own || own->silent)
                return false;
        conflict(nif, own, a->sha);
        return true;
}
