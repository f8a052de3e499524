/* instr.c - qure-bench-instr: instructions of the stack for the work that doc/bench.md defines, from a frame in memory
 * (netif_rx) to the reply handed to the driver (nif->xmit) and the end of the batch. Sizes of what a connection costs.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client.h"
#include "cksum.h"
#include "step.h"
#include "tcp.h"
#include "../../net/tcp/engine.h"

enum { RESPONSE = 1024, GET = 100, MANY = 10000, TIMES = 16, PORT = 80, PORT_FIXED_ISN = 81 };
enum { APP_SINK, APP_REPLY, APP_REPLY_AND_CLOSE };

static u8 response[RESPONSE] __attribute__((aligned(16)));
static u8 get[GET], segment[1460];
static u32 response_sum;
static int app_does;
static struct client *crowd;

static bool app_accept(struct tcb *t) { return true; }

static void app_readable(struct tcb *t)
{
        u32 n = tcp_readable(t);
        if (n)
                tcp_consume(t, n);
        if (app_does == APP_SINK || !n)
                return;
        tcp_send_ref(t, response, RESPONSE, &response_sum);
        if (app_does == APP_REPLY_AND_CLOSE)
                tcp_close(t);
}

static const struct tcp_events app_events = {.accept = app_accept, .readable = app_readable};

static void open_one(struct client *c, bool ts)
{
        client_new(c, PORT, ts);
        client_send(c, C_SYN, NULL, 0, false);
        client_want(1);
        client_take(c);
        client_send(c, C_ACK, NULL, 0, false);
        client_want(0);
}

static void request(struct client *c, bool count)
{
        client_send(c, C_PSH | C_ACK, get, GET, count);
        client_want(1);
        if (client_take(c) != RESPONSE)
                exit(1);
}

/* In-order 1,460-byte segments (1,448 beside timestamps): every second one draws an acknowledgement. */
static void row_segments(struct client *c, const char *what, u32 lwip, u32 lwip_ack, u32 target, u32 target_ack)
{
        char name[96];
        u32 n = c->ts ? 1448 : 1460;
        app_does = APP_SINK;
        client_send(c, C_ACK, segment, n, false);
        client_send(c, C_ACK, segment, n, false);
        for (u32 with = 0; with < 2; with++) {
                for (u32 i = 0; i < TIMES; i++) {
                        client_send(c, C_ACK, segment, n, with == 0);
                        client_want(0);
                        client_send(c, C_ACK, segment, n, with == 1);
                        client_want(1);
                        client_take(c);
                }
                snprintf(name, sizeof name, "segment_%s%s", with ? "with_ack" : "no_ack", what);
                step_row(name, TIMES, with ? lwip_ack : lwip, with ? target_ack : target);
        }
}

static void row_ack(struct client *c, const char *name, u32 lwip, u32 target)
{
        app_does = APP_REPLY;
        for (u32 i = 0; i < TIMES; i++) {
                request(c, false);
                client_send(c, C_ACK, NULL, 0, true);
                client_want(0);
        }
        step_row(name, TIMES, lwip, target);
}

static void row_syn(u16 port, bool ts, const char *name, u32 lwip, u32 target)
{
        for (u32 i = 0; i < 16; i++) {
                struct client c;
                client_new(&c, port, ts);
                client_send(&c, C_SYN, NULL, 0, true);
                client_want(1);
                client_take(&c);
                client_send(&c, C_RST, NULL, 0, false);
        }
        step_row(name, 16, lwip, target);
}

static void row_get(struct client *c, const char *name, u32 lwip, u32 target)
{
        app_does = APP_REPLY;
        for (u32 i = 0; i < 4; i++)
                request(c, false);
        for (u32 i = 0; i < TIMES; i++)
                request(c, true);
        client_send(c, C_ACK, NULL, 0, false);
        step_row_stack(name, TIMES, lwip, target);
}

/* A request and, behind its response, its acknowledgement: the next request acknowledges nothing. */
static void request_and_ack(struct client *c, bool count)
{
        request(c, count);
        client_send(c, C_ACK, NULL, 0, false);
}

static void row_get_random(const char *name, u32 lwip, u32 target)
{
        u32 r = 1;
        app_does = APP_REPLY;
        for (u32 i = 0; i < TIMES; i++) {
                struct client *c = &crowd[((r = r * 1664525u + 1013904223u) >> 8) % MANY];
                request_and_ack(c, true);
        }
        step_row_stack(name, TIMES, lwip, target);
}

/* SYN, ACK, GET, FIN,ACK in; SYN,ACK, response with FIN, ACK out. part: the one of them to count, ALL_PARTS: the whole. */
enum { ALL_PARTS = 4 };

static void transaction(bool ts, u32 part)
{
        bool all = part == ALL_PARTS;
        struct client c;
        client_new(&c, PORT, ts);
        client_send(&c, C_SYN, NULL, 0, all || part == 0);
        client_want(1);
        client_take(&c);
        client_send(&c, C_ACK, NULL, 0, all || part == 1);
        request(&c, all || part == 2);
        client_send(&c, C_FIN | C_ACK, NULL, 0, all || part == 3);
        client_want(1);
        client_take(&c);
}

static void row_transaction(bool ts, const char *name, u32 lwip, u32 target)
{
        static const char *const part[] = {"syn", "ack", "get", "fin"};
        char row[80];
        app_does = APP_REPLY_AND_CLOSE;
        transaction(ts, ALL_PARTS);
        step_row(name, 1, lwip, target);
        for (u32 i = 0; i < COUNT_OF(part); i++) {
                transaction(ts, i);
                snprintf(row, sizeof row, "%s_%s", name, part[i]);
                step_row(row, 1, 0, 0);
        }
}

/* The clock alone over half a second in which nothing is due. */
static double row_clock(const char *name)
{
        client_wait(10000000);
        stack_batch_end(bench_stack);
        u64 t = bench_stack->now_us + 500000;
        step_begin();
        stack_tick(bench_stack, t);
        step_end();
        client_wait(500000);
        return step_row(name, 1, 0, 0);
}

static void row_checksum(enum cksum_level level, const char *name)
{
        cksum_use(level);
        step_begin();
        cksum_add(0, segment, sizeof segment);
        step_end();
        step_row(name, 1, 0, 0);
}

/* Bytes per cycle of the core: ticks of the time stamp counter set against a chain of dependent three-cycle multiplies. */
static u64 ticks(void)
{
        u32 lo, hi;
        __asm__ volatile("lfence\n rdtsc\n lfence" : "=a"(lo), "=d"(hi)::"memory");
        return (u64)hi << 32 | lo;
}

static double ticks_per_cycle(void)
{
        double best = 1e9;
        for (u32 k = 0; k < 40; k++) {
                u32 x = 3, n = 4000;
                u64 t = ticks();
                __asm__ volatile("1: imul %1, %1\n imul %1, %1\n imul %1, %1\n imul %1, %1\n dec %0\n jnz 1b" : "+r"(n), "+r"(x));
                double d = (double)(ticks() - t) / (4000 * 12);
                best = d < best ? d : best;
        }
        return best;
}

static void cycles_of_checksums(void)
{
        static const char *name[] = {"adc", "sse2", "avx2"};
        static const u32 target[] = {4, 16, 33};
        for (u32 level = CKSUM_BASE; level <= CKSUM_AVX2; level++) {
                if (level == CKSUM_AVX2 && !__builtin_cpu_supports("avx2"))
                        break;
                u64 best = UINT64_MAX;
                volatile u32 sum = 0;
                cksum_use(level);
                for (u32 k = 0; k < 400; k++) {
                        u64 t = ticks();
                        for (u32 i = 0; i < 64; i++)
                                sum = cksum_add(sum, segment, sizeof segment);
                        t = ticks() - t;
                        best = t < best ? t : best;
                }
                printf("checksum_1460_%s: %.1f bytes per cycle (target %u)\n", name[level], 64.0 * sizeof segment / ((double)best / ticks_per_cycle()),
                       target[level]);
        }
        cksum_use(CKSUM_BASE);
}

/* The rows of one connection; figures of lwIP 2.1.3's leanest build from the same definition, which uses no timestamps. */
static void rows_with(bool ts, const char *suffix)
{
        char name[64];
        struct client c;
#define NAME(s) (snprintf(name, sizeof name, s "%s", suffix), name)
        open_one(&c, ts);
        row_segments(&c, suffix, ts ? 0 : 2281, ts ? 0 : 3132, 600, 700);
        row_ack(&c, NAME("pure_ack"), ts ? 0 : 1191, 180);
        row_syn(PORT_FIXED_ISN, ts, NAME("syn_to_synack_plain_isn"), ts ? 0 : 2111, 500);
        row_syn(PORT, ts, NAME("syn_to_synack"), ts ? 0 : 2111, 900);
        row_get(&c, NAME("get_to_1k_response"), ts ? 0 : 3492, 350);
        row_transaction(ts, NAME("short_transaction"), ts ? 0 : 8844, 1800);
#undef NAME
}

static void rows_of_a_crowd(void)
{
        double few = row_clock("clock_500_ms");
        crowd = calloc(MANY, sizeof *crowd);
        for (u32 i = 0; i < MANY; i++) {
                app_does = APP_REPLY;
                open_one(&crowd[i], false);
                request_and_ack(&crowd[i], false);
        }
        client_wait(1000000); /* longer than anybody stays calm (net/tcp/calm.c) */
        row_get_random("get_of_10000_idle_connections", 53416, 385);
        client_pace(8); /* one request of each within 160 ms, which is less: 62,500 a second */
        for (u32 i = 0; i < MANY; i++)
                request_and_ack(&crowd[i], false);
        row_get_random("get_of_10000_connections", 53416, 385);
        client_pace(1000);
        double many = row_clock("clock_500_ms_with_10000_idle_connections");
        printf("idle_timers_of_10000_connections_500_ms: %.0f instructions, target 0 %s, lwIP 1130097\n", many - few,
               many > few ? "missed" : "met");
        fflush(stdout);
}

static void rows_of_checksums(void)
{
        static const char *name[] = {"checksum_1460_adc", "checksum_1460_sse2", "checksum_1460_avx2"};
        static const char *suffix[] = {"", "_sse2", "_avx2"};
        struct client c;
        for (u32 level = CKSUM_BASE; level <= CKSUM_AVX2; level++) {
                if (level == CKSUM_AVX2 && !__builtin_cpu_supports("avx2"))
                        break;
                row_checksum(level, name[level]);
                if (level == CKSUM_BASE)
                        continue;
                open_one(&c, false);
                row_segments(&c, suffix[level], 2281, 3132, 400, 500);
        }
        cksum_use(CKSUM_BASE);
}

static int rows(void)
{
        const struct tcp_opts plain = {.fixed_isn = true, .isn = 1};
        int err;
        bench_make(MANY + 64);
        response_sum = cksum_add(0, response, RESPONSE);
        if (!tcp_listen(bench_stack, IPADDR_ANY, PORT, &app_events, NULL, NULL, &err) ||
            !tcp_listen(bench_stack, IPADDR_ANY, PORT_FIXED_ISN, &app_events, NULL, &plain, &err))
                return 1;
        rows_with(false, "");
        rows_with(true, "_timestamps");
        rows_of_checksums();
        rows_of_a_crowd();
        rows_of_a_gateway();
        return 0;
}

static void sizes(void)
{
        u32 bucket = sizeof(struct tcb *);
        printf("idle_connection: %u bytes (target 256)\n", (u32)sizeof(struct tcb) + bucket);
        printf("time_wait_entry: %u bytes (target 32)\n", (u32)sizeof(struct timewait));
        printf("half_open_entry: %u bytes (target 80)\n", (u32)sizeof(struct synq));
}

int main(int argc, char **argv)
{
        bool functions = argc > 1 && strcmp(argv[1], "--functions") == 0;
        memset(response, 'r', sizeof response);
        memset(get, 'g', sizeof get);
        memset(segment, 'd', sizeof segment);
        sizes();
        cycles_of_checksums();
        return step_run(rows, functions);
}
