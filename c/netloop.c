/* netloop.c - the net thread: polls cards while there is work with their interrupts off, and sleeps with them on. It and
 * all other threads run one at a time, so the stack needs no locks.
 * SPDX-License-Identifier: MIT */
#include "clock.h"
#include "entropy.h"
#include "irq.h"
#include "log.h"
#include "mem.h"
#include "netloop.h"
#include "nic.h"
#include "panic.h"
#include "thread.h"

enum { STACK_PAGES = 4, LINK_MS = 1000, WAITERS = 16 };

static struct {
        struct stack  *st;
        struct thread *thread;
        struct nic    *first, **last;
        u64            link_us;                 /* when link_poll was last called */
        struct thread *waiter[WAITERS];
        u32            n_waiters;
} net = { .last = &net.first };

static void *boot_alloc(void *ctx, size_t n, size_t align) { return mem_boot(n, align); }
static void log_line(void *ctx, const char *line) { klog("%s", line); }

struct stack *netloop_stack_new(void)
{
        struct stack_config cfg = { .alloc = boot_alloc, .wait = netloop_wait, .log = log_line };
        u32 free_kb = pages_free() * (PAGE_SIZE / 1024);
        netloop_sizes(free_kb, &cfg);
        entropy_draw(cfg.seed, sizeof(cfg.seed));
        net.st = stack_new(&cfg, clock_us());
        if (!net.st)
                panic("too little memory for the network stack: %u KiB were free", free_kb);
        klog("net: %u packets, %u connections, %u KiB left", cfg.n_pkts, cfg.n_tcbs, pages_free() * (PAGE_SIZE / 1024));
        return net.st;
}

void nic_register(struct nic *n)
{
        *net.last = n;
        net.last = &n->next;
}

void netloop_kick(void)
{
        if (net.thread)
                thread_wake(net.thread);
}

void nic_kick(struct nic *n)
{
        n->pending = true;
        n->irqs++;
        netloop_kick();
}

void netloop_wait(void *ctx, u32 ms)
{
        struct thread *self = thread_self();
        if (self == net.thread)         /* a callback of the stack must not wait for it */
                return;
        netloop_kick();
        if (net.n_waiters < WAITERS)
                net.waiter[net.n_waiters++] = self;
        thread_wait(ms);
        for (u32 i = 0; i < net.n_waiters; i++)
                if (net.waiter[i] == self)
                        net.waiter[i--] = net.waiter[--net.n_waiters];
}

static void wake_waiters(void)
{
        while (net.n_waiters)
                thread_wake(net.waiter[--net.n_waiters]);
}

/* One round over all cards; true when one of them may have more. */
static bool poll_all(void)
{
        bool more = false;
        for (struct nic *n = net.first; n; n = n->next) {
                n->pending = false;
                if (n->link_due && n->link_poll) {
                        n->link_due = false;
                        n->link_poll(n);
                }
                more |= n->poll(n, NIC_BUDGET) >= NIC_BUDGET;
        }
        return more;
}

static void poll_links(u64 now)
{
        if (now - net.link_us < LINK_MS * 1000)
                return;
        net.link_us = now;
        for (struct nic *n = net.first; n; n = n->next)
                if (n->link_poll)
                        n->link_poll(n);
}

/* Interrupts on again. True when a card has work already, or its interrupt came before this thread could wait. */
static bool listen_all(void)
{
        bool work = false;
        for (struct nic *n = net.first; n; n = n->next)
                if (n->irq_on(n) || n->pending)
                        work = true;
        return work;
}

static void deafen_all(void)
{
        for (struct nic *n = net.first; n; n = n->next)
                n->irq_off(n);
}

static u32 sleep_ms(void)
{
        u32 ms = stack_next(net.st);
        for (struct nic *n = net.first; n; n = n->next) {
                if (n->polled)
                        ms = min_u32(ms, NIC_POLL_MS);
                if (n->link_poll)
                        ms = min_u32(ms, LINK_MS);
        }
        return ms;
}

static void net_main(void *arg)
{
        for (;;) {
                bool more;
                deafen_all();
                do {
                        u64 now = clock_us();
                        stack_tick(net.st, now);
                        poll_links(now);
                        more = poll_all();
                        stack_batch_end(net.st);
                        wake_waiters();
                        if (more)
                                thread_yield();
                } while (more);
                if (!listen_all())
                        thread_wait(sleep_ms());
                else
                        thread_yield();
        }
}

void netloop_start(struct stack *st)
{
        net.thread = thread_new("net", net_main, NULL, STACK_PAGES);
        if (!net.thread)
                panic("no memory for the net thread");
}
