/* nic.h - a network card as the net thread (c/netloop.c) sees it: a netif that can be polled.
 *
 * The loop: irq_off(all); while some nic works: poll(n, budget); stack_batch_end; then irq_on(all), and when none of
 * them says that work came meanwhile, sleep until nic_kick or the stack's next timer (at most NIC_POLL_MS while a nic
 * has `polled` set). link_poll is called once a second, and before poll whenever `link_due` is set.
 * SPDX-License-Identifier: MIT */
#ifndef NIC_H
#define NIC_H

#include "irq.h"
#include "netif.h"

enum {
        NIC_BUDGET  = 64, /* frames of one nic before the loop looks after the others */
        NIC_POLL_MS = 10, /* how often a nic without a usable interrupt is polled */
};

struct nic {
        struct netif nif;
        struct nic  *next;      /* netloop's list */

        /* Receives up to budget frames (netif_rx for each, good ones and counted bad ones alike), takes back sent
         * buffers and refills the receive ring. Returns the frames taken from the device; less than budget = ring empty. */
        int  (*poll)(struct nic *n, int budget);
        /* Turns the device's interrupt on. true when frames are already waiting: the caller polls again instead of sleeping. */
        bool (*irq_on)(struct nic *n);
        void (*irq_off)(struct nic *n);
        /* Reads the carrier and tells the stack with netif_link when it changed; may be NULL. */
        void (*link_poll)(struct nic *n);

        volatile bool pending;  /* set by the interrupt handler, cleared by the loop before it polls */
        volatile bool link_due; /* the interrupt said that the link changed; cleared by the loop before link_poll */
        bool polled;            /* no interrupt line: poll every NIC_POLL_MS */
        u32  irqs;              /* interrupts taken, for people */
};

/* Adds the nic to the net thread's list (c/netloop.c). Call after netif_add, before interrupts can come. */
void nic_register(struct nic *n);

/* From an interrupt handler: notes the work and wakes the net thread (c/netloop.c). */
void nic_kick(struct nic *n);

/* Finds all network cards (PCI in bus order, then ISA NE2000), adds them to st as eth0, eth1, ... (drivers/probe.c). */
void drivers_probe(struct stack *st);

/* For drivers: names the nic (next free ethN), adds it to the stack with this link state and registers it. False when the stack is full. */
bool nic_add(struct stack *st, struct nic *n, bool link);

#endif
