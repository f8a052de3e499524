/* frames.h - test support: frames below TCP, built to be sent by the test and taken apart when the stack sent them.
 * SPDX-License-Identifier: MIT */
#ifndef FRAMES_H
#define FRAMES_H

#include "arp.h"
#include "eth.h"
#include "icmp.h"
#include "udp.h"
#include "wire.h"

enum { FRAMES_MAX = 1600 };

/* An ARP frame to `to`; the link source is sha. Its length. */
u32 build_arp(u8 *f, macaddr to, u16 op, macaddr sha, ipaddr spa, macaddr tha, ipaddr tpa);
/* An ICMP message with right checksum around n bytes of data, in a frame from src to us. */
u32 build_icmp(u8 *f, ipaddr src, ipaddr dst, u8 type, u8 code, u16 id, u16 seq, const void *data, u32 n);
/* Any IPv4 datagram in a frame for our MAC. */
u32 build_ipv4(u8 *f, ipaddr src, ipaddr dst, u8 proto, const void *data, u32 n);
/* Sums the IP header at ip again, after a test changed it. */
void resum(u8 *ip);

/* The parts of a frame that the stack sent; NULL when it is something else. Checksums are checked (the test fails when wrong). */
const struct arp_hdr *frame_arp(const struct frame *f);
const struct ip_hdr *frame_ip(const struct frame *f, u8 proto);
const struct icmp_hdr *frame_icmp(const struct frame *f);
/* *data, *n: the payload. */
const struct udp_hdr *frame_udp(const struct frame *f, const u8 **data, u32 *n);
static inline const struct eth_hdr *frame_eth(const struct frame *f) { return (const struct eth_hdr *)f->b; }

#endif
