/* virtio_net.h - the virtio network device (VIRTIO 1.0 5.1) as its driver files share it.
 * SPDX-License-Identifier: MIT */
#ifndef VIRTIO_NET_H
#define VIRTIO_NET_H

#include "virtio.h"

/* 5.1.3 */
enum { NET_F_CSUM = 0, NET_F_GUEST_CSUM = 1, NET_F_MAC = 5, NET_F_GUEST_TSO4 = 7, NET_F_HOST_TSO4 = 11, NET_F_MRG_RXBUF = 15,
       NET_F_STATUS = 16, NET_F_CTRL_VQ = 17, NET_F_CTRL_RX = 18 };

/* 5.1.6; num_buffers is there on modern devices and with NET_F_MRG_RXBUF */
struct vnet_hdr { u8 flags, gso_type; u16 hdr_len, gso_size, csum_start, csum_offset, num_buffers; };
_Static_assert(sizeof(struct vnet_hdr) == 12, "VIRTIO 1.0 5.1.6");
enum { HDR_NEEDS_CSUM = 1, HDR_DATA_VALID = 2, GSO_NONE = 0, GSO_TCPV4 = 1 };

/* 5.1.6.5: one command at a time; class and cmd, the MAC tables of MAC_TABLE_SET (an empty unicast one), the device's answer */
struct vnet_ctl {
        u8 class, cmd, on;
        struct { u32 n_unicast, n; macaddr mac[NETIF_GROUPS]; } __attribute__((packed)) table;
        u8 ack;
};
enum vnet_ctl_step { CTL_IDLE, CTL_PROMISC_OFF, CTL_ALLMULTI_OFF, CTL_TABLE };

struct vnet {
        struct nic         nic;
        struct virtio      v;
        struct virtq       rx, tx, ctl;
        u32                hdr_len, quota, posted;
        bool               merge;     /* a frame may take several receive buffers */
        bool               split;     /* the header needs a descriptor of its own (legacy without ANY_LAYOUT, 5.1.6.6) */
        bool               has_ctl, ctl_again;
        enum vnet_ctl_step ctl_step;
        struct vnet_ctl   *cmd;
        struct vnet_hdr   *tx_hdr;    /* for packets without headroom, by descriptor */
};

static inline struct vnet *vnet_of(struct nic *n) { return container_of(n, struct vnet, nic); }

/* virtio_net.c: fills the receive ring and tells the device; the nic's and the netif's functions. */
void vnet_refill(struct vnet *d);
int  vnet_poll(struct nic *n, int budget);
void vnet_xmit(struct netif *nif, struct pkt *p);
void vnet_flush(struct netif *nif);

/* virtio_net_ctl.c: the receive filter, by commands that complete between polls. */
void vnet_set_filter(struct netif *nif);
void vnet_ctl_poll(struct vnet *d);
void vnet_link_poll(struct nic *n);
bool vnet_link(const struct vnet *d);

#endif
