/* lwip.c - a peer with lwIP's TCP (Debian's liblwip) on a TAP: carries connections between this machine's TCP and lwIP's, both ways.
 * Not here: the network between lwIP and qure (wan.c), who talks (../e2e/lwip.py). SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include "lwip/etharp.h"
#include "lwip/tcp.h"
#include "lwip/tcpip.h"
#include "netif/ethernet.h"
#undef bind
#undef listen

/* qure-lwip TAP-FD OUR-ADDRESS PEER-ADDRESS WAY...   L8080:80 listens here on 127.0.0.1:8080 and opens by lwIP to the peer's port 80;
 * R5000:9000 listens by lwIP on 5000 and opens to 127.0.0.1:9000. "ready" is said when it does. */

enum { CONNS = 256, WAYS = 16, FRAME = 1600, IDLE_MS = 2 };

static struct conn {
        bool used, open, dead;                  /* lwIP: handshake complete; reset */
        bool lwip_ended, here_ended;            /* the end of what it sends was reached */
        bool told_here, told_lwip;              /* and passed on */
        struct tcp_pcb *pcb;
        struct pbuf *waiting;                   /* came by lwIP, not yet taken here */
        int fd;
} conns[CONNS];
static struct { int fd; uint16_t to; } ways[WAYS];
static int n_ways, tap;
static ip_addr_t peer;
static struct netif nif;

static err_t to_tap(struct netif *n, struct pbuf *p)
{
        uint8_t b[FRAME];
        ssize_t len = pbuf_copy_partial(p, b, sizeof b, 0);
        return write(tap, b, (size_t)len) == len ? ERR_OK : ERR_IF;
}

static err_t begin_netif(struct netif *n)
{
        static const uint8_t mac[] = {2, 0, 0, 0, 0, 1};
        n->output = etharp_output;
        n->linkoutput = to_tap;
        n->mtu = 1500;
        n->hwaddr_len = sizeof mac;
        for (unsigned i = 0; i < sizeof mac; i++)
                n->hwaddr[i] = mac[i];
        n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
        return ERR_OK;
}

/* --- what lwIP tells --- */
static err_t got(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
        struct conn *c = arg;
        if (!p)
                c->lwip_ended = true;
        else if (c->waiting)
                pbuf_cat(c->waiting, p);
        else
                c->waiting = p;
        return ERR_OK;
}

static void failed(void *arg, err_t err)
{
        struct conn *c = arg;
        c->pcb = NULL;
        c->dead = true;
}

static err_t connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
        ((struct conn *)arg)->open = true;
        return ERR_OK;
}

static struct conn *make(int fd, struct tcp_pcb *pcb)
{
        struct conn *c = conns;
        while (c->used)
                if (++c == conns + CONNS)
                        abort();
        *c = (struct conn){.used = true, .fd = fd, .pcb = pcb};
        fcntl(fd, F_SETFL, O_NONBLOCK);
        tcp_arg(pcb, c);
        tcp_recv(pcb, got);
        tcp_err(pcb, failed);
        return c;
}

static struct sockaddr_in here(uint16_t port)
{
        return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static err_t accepted(void *arg, struct tcp_pcb *pcb, err_t err)
{
        struct sockaddr_in to = here((uint16_t)(uintptr_t)arg);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (void *)&to, sizeof to)) {
                close(fd);
                tcp_abort(pcb);
                return ERR_ABRT;
        }
        make(fd, pcb)->open = true;
        return ERR_OK;
}

/* --- carrying --- */
static void over(struct conn *c, bool reset)
{
        if (c->waiting)
                pbuf_free(c->waiting);
        if (c->pcb) {
                tcp_arg(c->pcb, NULL);
                tcp_recv(c->pcb, NULL);
                tcp_err(c->pcb, NULL);
                if (reset || tcp_close(c->pcb))
                        tcp_abort(c->pcb);
        }
        if (reset || c->dead)
                setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
        close(c->fd);
        c->used = false;
}

/* What came by lwIP goes here; false: nobody takes it any more. */
static bool carry_here(struct conn *c)
{
        while (c->waiting) {
                struct pbuf *p = c->waiting;
                ssize_t n = send(c->fd, p->payload, p->len, MSG_NOSIGNAL);
                if (n < 0)
                        return errno == EAGAIN;
                if (c->pcb)
                        tcp_recved(c->pcb, (u16_t)n);
                if (n == p->len) {
                        if ((c->waiting = p->next) != NULL)
                                pbuf_ref(c->waiting);
                        pbuf_free(p);
                } else {
                        pbuf_remove_header(p, (size_t)n);
                }
        }
        if (c->lwip_ended && !c->told_here)
                c->told_here = !shutdown(c->fd, SHUT_WR);
        return true;
}

static bool may_carry(const struct conn *c)
{
        return c->open && !c->dead && !c->here_ended && tcp_sndbuf(c->pcb) && tcp_sndqueuelen(c->pcb) < TCP_SND_QUEUELEN / 2;
}

/* What is sent here goes by lwIP. */
static bool carry_there(struct conn *c)
{
        uint8_t b[4096];
        while (may_carry(c)) {
                size_t room = tcp_sndbuf(c->pcb);
                ssize_t n = recv(c->fd, b, room < sizeof b ? room : sizeof b, 0);
                if (n < 0)
                        return errno == EAGAIN;
                if (n == 0)
                        c->here_ended = true;
                else if (tcp_write(c->pcb, b, (u16_t)n, TCP_WRITE_FLAG_COPY) || tcp_output(c->pcb))
                        return false;
        }
        if (c->here_ended && !c->told_lwip) /* behind the peer's end this is tcp_close, which `over` does */
                c->told_lwip = c->told_here || tcp_shutdown(c->pcb, 0, 1) == ERR_OK;
        return true;
}

static void carry(struct conn *c)
{
        if (!carry_here(c))
                over(c, true);
        else if (c->dead && !c->waiting)
                over(c, false);
        else if (!c->dead && !carry_there(c))
                over(c, true);
        else if (c->told_here && c->told_lwip)
                over(c, false);
}

static void take_frames(void)
{
        uint8_t b[FRAME];
        ssize_t n;
        for (int left = 200; left && (n = read(tap, b, sizeof b)) > 0; left--) {
                struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)n, PBUF_RAM);
                pbuf_take(p, b, (u16_t)n);
                if (nif.input(p, &nif))
                        pbuf_free(p);
        }
}

static void open_way(const char *text)
{
        char where;
        uint16_t from, to;
        int one = 1;
        if (sscanf(text, "%c%hu:%hu", &where, &from, &to) != 3 || n_ways == WAYS)
                abort();
        if (where == 'R') {
                struct tcp_pcb *pcb = tcp_new();
                if (tcp_bind(pcb, IP_ADDR_ANY, from))
                        abort();
                pcb = tcp_listen(pcb);
                tcp_arg(pcb, (void *)(uintptr_t)to);
                tcp_accept(pcb, accepted);
                return;
        }
        struct sockaddr_in at = here(from);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, (void *)&at, sizeof at) || listen(fd, 64))
                abort();
        ways[n_ways].fd = fd;
        ways[n_ways++].to = to;
}

static void take_connections(void)
{
        for (int i = 0, fd; i < n_ways; i++) {
                while ((fd = accept(ways[i].fd, NULL, NULL)) >= 0) {
                        struct tcp_pcb *pcb = tcp_new();
                        struct conn *c = make(fd, pcb);
                        if (tcp_connect(pcb, &peer, ways[i].to, connected))
                                over(c, true);
                }
        }
}

int main(int argc, char **argv)
{
        ip4_addr_t us, mask, none = {0};
        if (argc < 4 || !ip4addr_aton(argv[2], &us) || !ipaddr_aton(argv[3], &peer))
                return 1;
        tap = atoi(argv[1]);
        fcntl(tap, F_SETFL, O_NONBLOCK);
        IP4_ADDR(&mask, 255, 255, 255, 0);
        tcpip_init(NULL, NULL);                 /* its thread runs the timers */
        LOCK_TCPIP_CORE();
        netif_add(&nif, &us, &mask, &none, NULL, begin_netif, ethernet_input);
        netif_set_default(&nif);
        netif_set_up(&nif);
        for (int i = 4; i < argc; i++)
                open_way(argv[i]);
        puts("ready");
        fflush(stdout);
        for (;;) {
                struct pollfd p[1 + WAYS + CONNS] = {{tap, POLLIN, 0}};
                nfds_t n = 1;
                take_frames();
                take_connections();
                for (int i = 0; i < n_ways; i++)
                        p[n++] = (struct pollfd){ways[i].fd, POLLIN, 0};
                for (struct conn *c = conns; c < conns + CONNS; c++) {
                        if (c->used)
                                carry(c);
                        if (c->used && may_carry(c))
                                p[n++] = (struct pollfd){c->fd, POLLIN, 0};
                }
                UNLOCK_TCPIP_CORE();
                poll(p, n, IDLE_MS);
                LOCK_TCPIP_CORE();
        }
}
