/* nc.c - qure-nc: netcat over the library, on a TAP descriptor. Standard input goes into one connection, what comes out of it to
 * standard output; the end of the one is a half close, the end of the other the end of the program.
 * SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include "qure.h"

/* qure-nc TAP-FD OUR-ADDRESS PEER PORT [NAME=VALUE...]: connects. PEER 0: listens on PORT and accepts one. Names below. */

static const char *const option_name[] = {"sport", "ecn", "nodelay", "rcvbuf", "sndbuf", "mss", "keepalive", "user_timeout", "newreno", "fastopen", "app", "mtu",
        "sleep", "timewait", "abort_after", "linger", "first"};
enum { OPTIONS = sizeof option_name / sizeof *option_name };
static u32 option_value[OPTIONS];

static u32 opt(const char *name)
{
        for (u32 i = 0; i < OPTIONS; i++)
                if (!strcmp(option_name[i], name))
                        return option_value[i];
        abort();
}

static struct qure *q;
static int tap;

static u64 now_us(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (u64)t.tv_sec * 1000000 + (u64)t.tv_nsec / 1000;
}

static void *take(void *ctx, size_t n, size_t align)
{
        void *p;
        return posix_memalign(&p, align < sizeof p ? sizeof p : align, n) ? NULL : memset(p, 0, n);
}

static void output(void *ctx, const void *packet, u32 n) { if (write(tap, packet, n) < 0) return; }

/* Frames and timers for at most `ms`, or until standard input has something when `in` says so. */
static void turn(u32 ms, bool in)
{
        static u8 f[4096];
        u32 next = qure_next(q);
        struct pollfd p[2] = {{tap, POLLIN, 0}, {0, POLLIN, 0}};
        ssize_t n;

        poll(p, in ? 2 : 1, (int)(next < ms ? next : ms));
        for (int i = 0; i < 64 && (n = read(tap, f, sizeof f)) > 0; i++)
                qure_input_part(q, f, (u32)n, now_us());
        qure_time(q, now_us());
}
static void wait_a_little(void *ctx, u32 ms) { turn(ms, false); }

static ipaddr address(const char *text)
{
        unsigned a = 0, b = 0, c = 0, d = 0;
        sscanf(text, "%u.%u.%u.%u", &a, &b, &c, &d);
        return IPADDR((u8)a, (u8)b, (u8)c, (u8)d);
}

static int fail(const char *what, int err)
{
        fprintf(stderr, "%s: %s\n", what, stack_strerror(err));
        return 1;
}

static void options(struct sock *s)
{
        static const struct { const char *name; enum sock_opt opt; } map[] = {{"ecn", SOCK_ECN}, {"nodelay", SOCK_NODELAY}, {"rcvbuf", SOCK_RCVBUF},
                {"sndbuf", SOCK_SNDBUF}, {"mss", SOCK_MSS}, {"keepalive", SOCK_KEEPALIVE}, {"user_timeout", SOCK_USER_TIMEOUT}, {"fastopen", SOCK_FASTOPEN},
                {"app", SOCK_APP_MODE}, {"newreno", SOCK_CC}, {"timewait", SOCK_TIMEWAIT}, {"linger", SOCK_LINGER}};
        for (u32 i = 0; i < sizeof map / sizeof *map; i++)
                if (opt(map[i].name))
                        sock_set(s, map[i].opt, opt(map[i].name));
}

/* Both directions until both are over; 0 or why the connection ended. */
static int relay(struct sock *s)
{
        static u8 in[65536], out[65536];
        u32 have = 0, at = 0, sleep_ms = opt("sleep"), total = 0;
        u64 start = now_us();
        bool eof_in = false, eof_out = false;

        sock_set(s, SOCK_NOWAIT, 1);
        while (!eof_in || !eof_out) {
                bool idle = true;
                if (!eof_in && at == have) {
                        ssize_t n = read(0, in, sizeof in);
                        at = 0, have = n > 0 ? (u32)n : 0;
                        if (n == 0)
                                eof_in = true, sock_shutdown(s, SOCK_WR);
                        idle &= n < 0;
                }
                if (at < have) {
                        int n = sock_write(s, in + at, have - at);
                        if (n < 0 && n != E_AGAIN)
                                return n;
                        at += n > 0 ? (u32)n : 0;
                        idle &= n <= 0;
                }
                while (!eof_out && now_us() - start >= sleep_ms * 1000ull) {
                        int n = sock_read(s, out, sizeof out);
                        if (n == E_AGAIN)
                                break;
                        if (n < 0)
                                return n;
                        eof_out = n == 0;
                        total += (u32)n;
                        if (opt("abort_after") && total >= opt("abort_after"))
                                return sock_abort(s), 1;
                        if (write(1, out, (size_t)n) != n)
                                return 1;
                        idle = false;
                }
                turn(idle ? 100 : 0, !eof_in && at == have);
        }
        return sock_get(s, SOCK_ERROR);
}

/* One byte there, whatever comes back, the end: after it both sides know each other (option "first"). */
static int greet(struct sock *s)
{
        u8 buf[100];
        int n;

        sock_write(s, "c", 1);
        sock_shutdown(s, SOCK_WR);
        while ((n = sock_read(s, buf, sizeof buf)) > 0)
                ;
        sock_set(s, SOCK_LINGER, 10000);
        return sock_close(s);
}

static struct sock *opened(void)
{
        int err;
        struct sock *s = sock_open(qure_stack(q), SOCK_TCP, &err);
        options(s);
        return s;
}

int main(int argc, char **argv)
{
        int err;

        for (int i = 5; i < argc; i++) {
                char *v = strchr(argv[i], '=');
                for (u32 k = 0; v && k < OPTIONS; k++)
                        if (strlen(option_name[k]) == (size_t)(v - argv[i]) && !strncmp(argv[i], option_name[k], (size_t)(v - argv[i])))
                                option_value[k] = (u32)strtoul(v + 1, NULL, 10);
        }
        if (argc < 5)
                return fail("usage", E_INVAL);
        tap = atoi(argv[1]);
        u32 pid = (u32)getpid();
        struct qure_config c = {.addr = address(argv[2]), .plen = 24, .gateway = address("10.9.0.1"), .ethernet = true,
                                .mac = {{2, 'n', 'c', (u8)(pid >> 16), (u8)(pid >> 8), (u8)pid}}, .mtu = (u16)opt("mtu"),
                                .output = output, .stack = {.n_pkts = 2048, .n_tcbs = 16, .alloc = take, .wait = wait_a_little}};
        if (getrandom(c.stack.seed, sizeof c.stack.seed, 0) < 0 || (q = qure_new(&c, now_us())) == NULL)
                return fail("qure_new", E_NOMEM);
        struct sock *s = opened();
        ipaddr peer = address(argv[3]);
        u16 port = (u16)atoi(argv[4]);
        if (argv[3][0] == '0') {
                if ((err = sock_bind(s, IPADDR_ANY, port)) < 0 || (err = sock_listen(s, 4)) < 0)
                        return fail("listen", err);
                fprintf(stderr, "listening\n");
                struct sock *l = s;
                if (opt("first"))
                        greet(sock_accept(l, NULL, &err));
                if ((s = sock_accept(l, NULL, &err)) == NULL)
                        return fail("accept", err);
        } else {
                if (opt("sport"))
                        sock_bind(s, IPADDR_ANY, (u16)opt("sport"));
                if ((err = sock_connect(s, peer, port)) < 0)
                        return fail("connect", err);
                if (opt("first")) {
                        greet(s);
                        if ((err = sock_connect(s = opened(), peer, port)) < 0)
                                return fail("connect", err);
                }
        }
        fprintf(stderr, "connected\n");
        fcntl(0, F_SETFL, O_NONBLOCK);
        err = relay(s);
        if (err)
                fprintf(stderr, "ended: %s\n", err < 0 ? stack_strerror(err) : "aborted");
        else
                sock_set(s, SOCK_NOWAIT, 0), sock_set(s, SOCK_LINGER, 60000), err = sock_close(s);
        for (u64 end = now_us() + 300000; now_us() < end;)      /* the last acknowledgements, or the reset */
                turn(50, false);
        fprintf(stderr, "done %d\n", err);
        return err ? 1 : 0;
}
