/* device.c - a TAP device as a network card: one system call per frame, no offloads, but it gathers.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>
#include "stack.h"
#include "tap.h"

enum { PIECES = 64 };

static struct netif nif;
static int fd;

static void transmit(struct netif *n, struct pkt *p)
{
        struct iovec v[PIECES];
        int c = 0;

        for (const struct pkt *q = p; q; q = q->chain) {
                if (c + 1 + PKT_FRAGS > PIECES) {
                        pkt_drop(p, DROP_NIF_TX_TOO_BIG);
                        return;
                }
                v[c++] = (struct iovec){q->data, q->len};
                for (u32 i = 0; i < q->nfrag; i++)
                        v[c++] = (struct iovec){(void *)q->frag[i].ptr, q->frag[i].len};
        }
        if (writev(fd, v, c) < 0) {
                n->count.tx_errors++;
                pkt_drop(p, DROP_NIF_TX_FULL);
                return;
        }
        pkt_free(p);
}

int tap_open(struct stack *st, const char *name)
{
        struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI};

        fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
        snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
        if (fd < 0 || ioctl(fd, TUNSETIFF, &r) < 0) {
                fprintf(stderr, "qure-tap: cannot open TAP device %s: %s\n", name, strerror(errno));
                exit(1);
        }
        nif = (struct netif){.name = "eth0", .driver = "tap", .mac = {{0x02, 'q', 'u', 'r', 'e', 1}}, .mtu = 1500,
                             .caps = NETIF_SG, .xmit = transmit};
        nif.mac.b[5] = (u8)getpid();
        netif_add(st, &nif, true);
        return fd;
}

int tap_poll(int budget)
{
        int n = 0;

        for (; n < budget; n++) {
                struct pkt *p = pkt_alloc(&nif.st->pkts, 2); /* the IP header is then on a multiple of four */
                if (!p)
                        return n;
                ssize_t got = read(fd, p->data, pkt_tailroom(p));
                if (got <= 0) {
                        pkt_free(p);
                        return n;
                }
                p->len = (u16)got;
                netif_rx(&nif, p);
        }
        return n;
}
