/* igmp.c - tell routers and switches which groups we want: IGMPv3 (RFC 3376), and v2 (RFC 2236) or v1 (RFC 1112) when an
 * older querier speaks. Every membership is "exclude nothing"; sources are not filtered, and a query about sources is answered
 * with that state. Each group answers in a report of its own.
 * SPDX-License-Identifier: MIT */
#include "igmp.h"
#include "cksum.h"
#include "ip.h"
#include "mem.h"

enum { QUERY = 0x11, V1_REPORT = 0x12, V2_REPORT = 0x16, V2_LEAVE = 0x17, V3_REPORT = 0x22 };
enum { IS_EXCLUDE = 2, TO_INCLUDE = 3, TO_EXCLUDE = 4 };       /* RFC 3376 4.2.12 */
enum { ROBUSTNESS = 2, UNSOLICITED_MS = 1000, OLD_QUERIER_MS = 260000, V1_RESPONSE_MS = 10000 }; /* RFC 3376 8 */
enum { TOS_CONTROL = 0xc0 };

struct igmp_msg { u8 type, code; be16 cksum; ipaddr group; };                      /* v1 and v2, and the start of every query */
struct igmp_v3 { u8 type, zero; be16 cksum, zero2, n; u8 record, aux; be16 sources; ipaddr group; };
_Static_assert(sizeof(struct igmp_msg) == 8 && sizeof(struct igmp_v3) == 16, "RFC 2236 2, RFC 3376 4.2");

struct member {
        struct timer  timer;
        struct netif *nif;      /* NULL = free */
        ipaddr        group;
        u16           users;    /* 0: left, the last reports are still going out */
        u8            repeat;   /* state-change reports still to send */
        bool          reporter; /* the last report seen was ours (RFC 2236 6: then we send the leave) */
};

struct igmp_state {
        struct member member[IGMP_GROUPS];
        struct { u32 v1_until_ms, v2_until_ms; bool v1, v2; } querier[STACK_NIFS];
};

static const ipaddr all_hosts = IPADDR(224, 0, 0, 1), all_routers = IPADDR(224, 0, 0, 2), v3_routers = IPADDR(224, 0, 0, 22);

static void igmp_rx(struct stack *st, struct pkt *p, const struct ip_hdr *ip);
static void fire(struct timer *t);

bool igmp_init(struct stack *st)
{
        st->igmp = stack_alloc(st, sizeof *st->igmp, 16);
        if (!st->igmp)
                return false;
        for (u32 i = 0; i < IGMP_GROUPS; i++)
                st->igmp->member[i].timer.fire = fire;
        ip_proto(st, IPPROTO_IGMP_, igmp_rx);
        return true;
}

macaddr igmp_mac(ipaddr g) { return (macaddr){{0x01, 0x00, 0x5e, g.v4.b[1] & 0x7f, g.v4.b[2], g.v4.b[3]}}; }

static struct member *find(struct netif *nif, ipaddr group)
{
        for (struct member *m = nif->st->igmp->member; m < nif->st->igmp->member + IGMP_GROUPS; m++)
                if (m->nif == nif && ipaddr_eq(m->group, group))
                        return m;
        return NULL;
}

bool igmp_member(struct netif *nif, ipaddr group)
{
        if (ipaddr_eq(group, all_hosts))
                return true;
        const struct member *m = find(nif, group);
        return m && m->users;
}

/* The version to speak on nif now (RFC 3376 7.2.1). */
static u32 version(struct netif *nif)
{
        struct igmp_state *is = nif->st->igmp;
        u32 now = stack_now_ms(nif->st), i = nif->index;
        if (is->querier[i].v1 && (s32)(is->querier[i].v1_until_ms - now) <= 0)
                is->querier[i].v1 = false;
        if (is->querier[i].v2 && (s32)(is->querier[i].v2_until_ms - now) <= 0)
                is->querier[i].v2 = false;
        return is->querier[i].v1 ? 1 : is->querier[i].v2 ? 2 : 3;
}

static void send(struct netif *nif, ipaddr dst, const void *msg, u32 n)
{
        struct pkt *p = pkt_alloc(&nif->st->pkts, PKT_HEADROOM);
        if (!p)
                return;
        pkt_append(p, msg, n);
        be16 sum = be16_from_raw((u16)~cksum_fold(cksum_add(0, p->data, n)));
        memcpy(p->data + offsetof(struct igmp_msg, cksum), &sum, 2);
        struct ip_opts o = {.ttl = 1, .tos = TOS_CONTROL, .nif = nif, .router_alert = true};
        ip_tx(nif->st, p, netif_addr_first(nif), dst, IPPROTO_IGMP_, &o);
}

static void send_old(struct netif *nif, u8 type, ipaddr dst, ipaddr group)
{
        struct igmp_msg msg = {type, 0, be16_of(0), group};
        send(nif, dst, &msg, sizeof msg);
}

static void send_v3(struct netif *nif, u8 record, ipaddr group)
{
        struct igmp_v3 msg = {V3_REPORT, 0, be16_of(0), be16_of(0), be16_of(1), record, 0, be16_of(0), group};
        send(nif, v3_routers, &msg, sizeof msg);
}

/* Says what we are to this group, as a change or as an answer. */
static void report(struct member *m, bool change)
{
        u32 v = version(m->nif);
        if (v == 3)
                send_v3(m->nif, !m->users ? TO_INCLUDE : change ? TO_EXCLUDE : IS_EXCLUDE, m->group);
        else if (m->users)
                send_old(m->nif, v == 2 ? V2_REPORT : V1_REPORT, m->group, m->group);
        else if (v == 2 && m->reporter)
                send_old(m->nif, V2_LEAVE, all_routers, m->group);
        m->reporter = true;
}

static void after(struct member *m, u32 max_ms)
{
        struct stack *st = m->nif->st;
        timer_set(&st->wheel, &m->timer, stack_now_ms(st) + 1 + stack_random(st) % max_u32(max_ms, 1));
}

static void changed(struct member *m)
{
        m->repeat = ROBUSTNESS;
        timer_stop(&m->nif->st->wheel, &m->timer);
        fire(&m->timer);
}

static void fire(struct timer *t)
{
        struct member *m = container_of(t, struct member, timer);
        report(m, m->repeat > 0);
        if (m->repeat > 0 && --m->repeat > 0)
                after(m, UNSOLICITED_MS);
        else if (!m->users)
                m->nif = NULL;
}

int igmp_join(struct netif *nif, ipaddr group)
{
        struct member *m = find(nif, group);
        if (!ipaddr_is_mcast(group))
                return E_INVAL;
        if (ipaddr_eq(group, all_hosts))
                return 0;
        for (u32 i = 0; i < IGMP_GROUPS && !m; i++)
                if (!nif->st->igmp->member[i].nif)
                        m = &nif->st->igmp->member[i];
        if (!m || !netif_join(nif, igmp_mac(group)))
                return E_NOMEM;
        if (m->nif && m->users) {
                m->users++;
                return 0;
        }
        m->nif = nif;
        m->group = group;
        m->users = 1;
        changed(m);
        return 0;
}

/* Another joined group of nif shares the Ethernet group: 32 IPv4 groups map to one. */
static bool mac_shared(const struct member *gone)
{
        const struct member *all = gone->nif->st->igmp->member;
        for (u32 i = 0; i < IGMP_GROUPS; i++)
                if (all[i].nif == gone->nif && all[i].users && mac_eq(igmp_mac(all[i].group), igmp_mac(gone->group)))
                        return true;
        return mac_eq(igmp_mac(gone->group), igmp_mac(all_hosts));
}

int igmp_leave(struct netif *nif, ipaddr group)
{
        struct member *m = find(nif, group);
        if (ipaddr_eq(group, all_hosts))
                return 0;
        if (!m || !m->users)
                return E_NOENT;
        if (--m->users)
                return 0;
        if (!mac_shared(m))
                netif_leave(nif, igmp_mac(group));
        changed(m);
        return 0;
}

void igmp_link(struct netif *nif)
{
        netif_join(nif, igmp_mac(all_hosts));
        nif->st->igmp->querier[nif->index].v1 = nif->st->igmp->querier[nif->index].v2 = false;
        for (u32 i = 0; i < IGMP_GROUPS && nif->link; i++)
                if (nif->st->igmp->member[i].nif == nif && nif->st->igmp->member[i].users)
                        changed(&nif->st->igmp->member[i]);
}

/* RFC 3376 4.1.1: a small float above 128 tenths of a second. */
static u32 response_ms(u8 code) { return 100u * (code < 128 ? code : ((code & 15u) | 16u) << (((code >> 4) & 7) + 3)); }

static void rx_query(struct netif *nif, const struct igmp_msg *q, u32 n)
{
        struct stack *st = nif->st;
        struct igmp_state *is = st->igmp;
        u32 max_ms = response_ms(q->code);
        if (n < 12) {
                u32 until = stack_now_ms(st) + OLD_QUERIER_MS;
                is->querier[nif->index].v2 = true;
                is->querier[nif->index].v2_until_ms = until;
                max_ms = q->code * 100u;
                if (!q->code) {
                        is->querier[nif->index].v1 = true;
                        is->querier[nif->index].v1_until_ms = until;
                        max_ms = V1_RESPONSE_MS;
                }
        }
        for (u32 i = 0; i < IGMP_GROUPS; i++) {
                struct member *m = &is->member[i];
                if (m->nif != nif || !m->users || !(ipaddr_is_any(q->group) || ipaddr_eq(q->group, m->group)))
                        continue;
                /* an answer that is due sooner stands (RFC 2236 3) */
                if (!timer_running(&m->timer) || m->timer.due_ms - stack_now_ms(st) > max_ms)
                        after(m, max_ms);
        }
}

/* Another host wants the group too: our answer is not needed (RFC 2236 3; v3 has no suppression). */
static void rx_report(struct netif *nif, ipaddr group)
{
        struct member *m = find(nif, group);
        if (!m || !m->users || version(nif) == 3)
                return;
        timer_stop(&nif->st->wheel, &m->timer);
        m->repeat = 0;
        m->reporter = false;
}

static void igmp_rx(struct stack *st, struct pkt *p, const struct ip_hdr *ip)
{
        const struct igmp_msg *m = (const struct igmp_msg *)p->data;
        if (p->len < sizeof *m || p->chain || cksum_fold(cksum_add(0, p->data, p->len)) != 0xffff) {
                pkt_drop(p, DROP_IGMP_BAD);
                return;
        }
        if (ip->ttl != 1) {
                pkt_drop(p, DROP_IGMP_TTL);
                return;
        }
        switch (m->type) {
        case QUERY:
                rx_query(p->nif, m, p->len);
                break;
        case V1_REPORT:
        case V2_REPORT:
                rx_report(p->nif, m->group);
                break;
        case V2_LEAVE:
        case V3_REPORT:
                break; /* for routers */
        default:
                pkt_drop(p, DROP_IGMP_TYPE);
                return;
        }
        pkt_drop(p, DROP_IGMP_DONE);
}
