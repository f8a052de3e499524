/* http_status.c - the live figures that the default site shows, as JSON.
 * SPDX-License-Identifier: MIT */
#include "fmt.h"
#include "http_impl.h"
#include "mem.h"
#include "platform.h"
#include "shell.h"

/* Listeners have no peer, and what is in TIME_WAIT is over. */
static bool count_connection(void *ctx, const struct tcp_info *t)
{
        u32 *n = ctx;

        *n += t->names.rport != 0 && strcmp(t->state, "TIME_WAIT") != 0;
        return true;
}

u32 http_status_json(const struct http *h, char *dst, u32 size)
{
        const struct stack *st = h->st;
        u64 rx_bytes = 0, tx_bytes = 0;
        u32 connections = 0, rx = 0, tx = 0, drops = 0;
        struct plat_mem m;

        tcp_walk(h->st, count_connection, &connections);
        for (u32 i = 0; i < st->n_nifs; i++) {
                const struct netif_counters *c = &st->nif[i]->count;

                rx += c->rx_packets;
                tx += c->tx_packets;
                rx_bytes += c->rx_bytes;
                tx_bytes += c->tx_bytes;
        }
        for (u32 i = 0; i < DROP_N; i++)
                drops += drop_is_fault((enum drop)i) ? st->pkts.drops[i] : 0;
        plat_mem(&m);
        int n = fmt(dst, size,
                    "{\"version\":\"%s\",\"hostname\":\"%s\",\"uptime_ms\":%llu,\"connections\":%u,\"accepted\":%u,"
                    "\"requests\":%u,\"body_bytes\":%llu,\"errors\":%u,\"rx_packets\":%u,\"tx_packets\":%u,\"rx_bytes\":%llu,"
                    "\"tx_bytes\":%llu,\"drops\":%u,"
                    "\"first_answer_us\":%llu,\"mem_total_kb\":%u,\"mem_free_kb\":%u,\"kernel_kb\":%u,\"pkts\":%u,\"pkts_free\":%u,\"pkts_low\":%u,"
                    "\"slots\":%u,\"slots_free\":%u,\"slots_low\":%u}\n",
                    plat_version(), conf_hostname(), plat_uptime_us() / 1000, connections, h->count.connections,
                    h->count.requests, h->count.body_bytes, h->count.client_errors + h->count.server_errors, rx, tx, rx_bytes,
                    tx_bytes, drops, h->count.first_answer_us,
                    m.total_kb, m.free_kb, m.kernel_kb, st->pkts.n_total, st->pkts.n_free, st->pkts.n_low,
                    h->count.slots, h->count.slots_free, h->count.slots_low);
        return min_u32((u32)n, size - 1);
}
