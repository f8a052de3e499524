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

static struct device { struct netif nif; int fd; } device[TAPS];
static u32 n_devices;

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
        if (writev(container_of(n, struct device, nif)->fd, v, c) < 0) {
                n->count.tx_errors++;
                pkt_drop(p, DROP_NIF_TX_FULL);
                return;
        }
        pkt_free(p);
}

static void open_one(struct stack *st, const char *name, size_t n)
{
        struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI};
        struct device *d = &device[n_devices];
        u32 pid = (u32)getpid();

        d->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
        snprintf(r.ifr_name, sizeof(r.ifr_name), "%.*s", (int)n, name);
        if (d->fd < 0 || ioctl(d->fd, TUNSETIFF, &r) < 0) {
                fprintf(stderr, "qure-tap: cannot open TAP device %s: %s%s\n", r.ifr_name, strerror(errno),
                        errno == EPERM || errno == EACCES ? " (run it as root)" : errno == EBUSY ? " (another program has it)" : "");
                exit(1);
        }
        d->nif = (struct netif){.name = "eth0", .driver = "tap",
                                .mac = {{0x02, 'q', (u8)n_devices, (u8)(pid >> 16), (u8)(pid >> 8), (u8)pid}}, /* Linux: < 2^22 */
                                .mtu = 1500, .caps = NETIF_SG, .xmit = transmit};
        d->nif.name[3] = (char)('0' + n_devices++);
        netif_add(st, &d->nif, true);
}

void tap_open(struct stack *st, const char *names)
{
        for (size_t n; *names && n_devices < TAPS; names += n + (names[n] == ',')) {
                n = strcspn(names, ",");
                open_one(st, names, n);
        }
}

u32 tap_fds(struct pollfd *f)
{
        for (u32 i = 0; i < n_devices; i++)
                f[i] = (struct pollfd){device[i].fd, POLLIN, 0};
        return n_devices;
}

static int poll_one(struct device *d, int budget)
{
        int n = 0;

        for (; n < budget; n++) {
                struct pkt *p = pkt_alloc(&d->nif.st->pkts, PKT_HEADROOM + 2); /* as drivers do (NIC_RX_AT) */
                if (!p)
                        return n;
                ssize_t got = read(d->fd, p->data, pkt_tailroom(p));
                if (got <= 0) {
                        pkt_free(p);
                        return n;
                }
                p->len = (u16)got;
                netif_rx(&d->nif, p);
        }
        return n;
}

bool tap_poll(int budget)
{
        bool more = false;

        for (u32 i = 0; i < n_devices; i++)
                more |= poll_one(&device[i], budget) == budget;
        return more;
}
