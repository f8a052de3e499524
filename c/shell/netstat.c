/* netstat.c - connections, statistics and drop counters.
 * SPDX-License-Identifier: MIT */
#include "commands.h"
#include "fmt.h"
#include "tcp.h"
#include "tcp_statistics.h"

static bool print_connection(void *ctx, const struct tcp_info *t)
{
        char local[24], remote[24];
        bool listener = ipaddr_is_any(t->names.raddr) && !t->names.rport;

        fmt(local, sizeof(local), "%I:%u", &t->names.laddr, t->names.lport);
        fmt(remote, sizeof(remote), "%I:%u", &t->names.raddr, t->names.rport);
        out("%-21s  %-21s  %-12s", local, listener ? "*" : remote, t->state);
        if (!listener)
                out(" %02x %6u %6u %6u %5u.%u %4u", t->byte, t->rcv_queue, t->snd_queue, t->cwnd, t->srtt_us / 1000,
                    t->srtt_us / 100 % 10, t->retransmits);
        out("\n");
        return !stop_pressed();
}

static void print_interfaces(void)
{
        struct stack *st = plat_stack();

        out("name   link  rx packets     rx bytes  errors dropped  tx packets     tx bytes  errors dropped\n");
        for (u32 i = 0; i < st->n_nifs; i++) {
                const struct netif *nif = st->nif[i];
                const struct netif_counters *c = &nif->count;

                out("%-6s %-4s  %10u %12llu  %6u  %6u  %10u %12llu  %6u  %6u\n", nif->name,
                    !nif->up ? "off" : nif->link ? "up" : "down", c->rx_packets, c->rx_bytes, c->rx_errors, c->rx_dropped,
                    c->tx_packets, c->tx_bytes, c->tx_errors, c->tx_dropped);
        }
}

static void print_counter(void *ctx, const char *name, u32 n)
{
        if (n)
                out("%10u  %s\n", n, name);
}

static void print_statistics(void)
{
        const struct pktpool *pool = &plat_stack()->pkts;
        char name[DROP_TEXT_MAX], text[DROP_TEXT_MAX];

        out("packet buffers: %u of %u free, %u at the least\n", pool->n_free, pool->n_total, pool->n_low);
        service_statistics();
        out("TCP:\n");
        tcp_statistics(plat_stack(), print_counter, NULL);
        out("dropped, by reason:\n");
        for (enum drop i = 0; i < DROP_N; i++)
                if (pool->drops[i])
                        out("%10u  %-16s %s\n", pool->drops[i], drop_name(i, name), drop_text(i, text));
}

int cmd_netstat(struct words *w)
{
        bool s = take_if(w, "-s"), i = !s && take_if(w, "-i"), r = !s && !i && take_if(w, "-r");

        if (!s && !i && !r && words_more(w))
                return words_miss(w, "-s, -i or -r");
        if (!take_end(w))
                return -1;
        if (r)
                return cmd_route(w);
        if (s)
                print_statistics();
        else if (i)
                print_interfaces();
        else {
                out("local                  remote                 state        ch  recvq  sendq   cwnd  rtt ms  rtx\n");
                tcp_walk(plat_stack(), print_connection, NULL);
        }
        return 0;
}
