/* netif.h - a network interface as the stack sees it: the seam between drivers and net/.
 * A driver (or TAP, or a test) fills in the upper part, calls netif_rx for every frame and netif_link
 * when the cable changes. Nothing above a driver knows its device, nothing below knows IP.
 * SPDX-License-Identifier: MIT */
#ifndef NETIF_H
#define NETIF_H

#include "addr.h"
#include "pkt.h"

struct stack;

enum { NETIF_ADDRS = 8, NETIF_NAME = 8, NETIF_GROUPS = 16, NETIF_UNUSUAL = 0xff };

enum netif_cap {
        NETIF_CSUM_TX = 1,  /* sums PKT_CSUM_TODO packets itself */
        NETIF_CSUM_RX = 2,  /* may set PKT_CSUM_OK */
        NETIF_SG      = 4,  /* gathers frags and chain; else xmit linearises */
        NETIF_TSO     = 8,  /* cuts pkt->gso (IPv4 TCP) */
        NETIF_L3      = 16, /* no link header: frames are IP packets (library users, tunnels) */
};

struct netif_counters {
        u64 rx_bytes, tx_bytes;
        u32 rx_packets, tx_packets, rx_errors, tx_errors, rx_dropped, tx_dropped, rx_mcast, link_changes;
};

struct ifaddr {
        ipaddr addr;      /* any() = slot free */
        u8     plen;      /* prefix length */
        bool   silent;    /* owned, but never used in ARP in any field (design 7: a service address behind a front) */
        u8     origin;    /* enum ifaddr_origin: who set it */
};
enum ifaddr_origin { IFADDR_STATIC, IFADDR_DHCP, IFADDR_LINK_LOCAL };

struct netif {
        /* set by the driver before netif_add */
        char           name[NETIF_NAME]; /* "eth0" */
        const char    *driver;           /* "virtio-net" */
        macaddr        mac;
        u16            mtu;              /* IP bytes, 1500 */
        u8             caps;
        void          *dev;
        /* Sends and consumes. Called with data at the link header, or at the IP header when NETIF_L3. Never blocks: full ring = pkt_drop. */
        void         (*xmit)(struct netif *nif, struct pkt *p);
        /* The groups to receive changed: nif->groups[0..n_groups) beside broadcast; may be NULL. */
        void         (*set_filter)(struct netif *nif);
        /* End of a batch: tell the device what xmit queued (doorbell); may be NULL, and is what it is when netif_add is called. */
        void         (*flush)(struct netif *nif);

        /* owned by the stack */
        struct stack  *st;
        /* as a connection has them (tcb.h), read as one word */
        u16            hop_gen; /* the stack's */
        u8             straight; /* index while nothing is unusual: no tag, up, carrier, and nobody watches; else NETIF_UNUSUAL */
        u8             zero;
        u32            way_out;  /* the three as one word, where a link header is and pieces may be; else what no connection has */
        u32            mac_rest; /* the last 16 bits of mac as in memory, or what no 17 bits equal: there is no link header */
        const struct tcb *flow; /* of whom tcp_receive heard last, or who was accepted since; perhaps free now, never NULL */
        u8             index;
        u16            vlan;   /* 802.1Q tag to accept and send, 0 = untagged */
        bool           up;     /* administratively */
        bool           link;   /* carrier */
        struct ifaddr  addr[NETIF_ADDRS];
        macaddr        groups[NETIF_GROUPS];
        u8             n_groups;
        bool           busy;   /* the driver's word: its ring is nearly full, who has data in it does better to wait for the acknowledgement */
        struct netif_counters count;
};

/* Hands the driver's interface to the stack; false when STACK_NIFS are taken. The interface starts up, link as given. */
bool netif_add(struct stack *st, struct netif *nif, bool link);

/* A received frame (consumed): data at the link header, or the IP header when NETIF_L3. Call stack_batch_end after the last of a batch. */
void netif_rx(struct netif *nif, struct pkt *p);

/* The same for a frame that is counted already and that tcp_receive did not take: layer by layer. */
void netif_rx_long(struct netif *nif, struct pkt *p);

/* Sets nif->straight, nif->way_out and nif->mac_rest: hop_gen, vlan, up, link or the stack's tap is another now. */
void netif_look(struct netif *nif);

/* The carrier came or went. */
void netif_link(struct netif *nif, bool link);

/* Out of the stack (consumes): sums in software what the device cannot (PKT_CSUM_TODO), linearises for
 * devices without NETIF_SG, counts, shows it to the tap and calls xmit. */
void nif_xmit(struct netif *nif, struct pkt *p);

/* Sums [csum_start, end) of a PKT_CSUM_TODO packet, stores it and clears the flag; pieces may begin at odd offsets. */
void nif_sum(struct pkt *p);

/* Joins or leaves a link-level group (reference counting is the caller's). */
bool netif_join(struct netif *nif, macaddr group);
void netif_leave(struct netif *nif, macaddr group);

/* The slot that holds addr, or NULL; the first usable source address of this interface (any() if none). */
struct ifaddr *netif_addr_find(struct netif *nif, ipaddr addr);
ipaddr netif_addr_first(const struct netif *nif);

/* Adds or removes an address with its connected route, announces (ARP) or takes leave (UNARP); 0 or negative errno-like enum stack_err. */
int netif_addr_add(struct netif *nif, ipaddr addr, u8 plen, enum ifaddr_origin origin, bool silent);
int netif_addr_del(struct netif *nif, ipaddr addr);

#endif
