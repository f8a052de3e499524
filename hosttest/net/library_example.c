/* A whole program: two instances talk in virtual time. gcc -m32 -no-pie -Iinclude library_example.c build/libqure.a */
#include <stdio.h>
#include <string.h>
#include "qure.h"

static u8 memory[4 << 20] __attribute__((aligned(4096)));    /* for all pools of all instances, zeroed */

static void *give(void *ctx, size_t n, size_t align)
{
        static size_t used;
        used = (used + align - 1) & ~(align - 1);
        return n > sizeof memory - used ? NULL : &memory[(used += n) - n];
}

static struct qure *host(u8 last)                            /* 192.0.2.last, fed with IP packets */
{
        struct qure_config c = {.addr = IPADDR(192, 0, 2, last), .plen = 24,
                                .stack = {.alloc = give, .seed = "not for real use"}};
        return qure_new(&c, 0);
}

static u64 now_us;

static void carry(struct qure *from, struct qure *to)        /* the wire: 1 ms long, loses nothing */
{
        u8 packet[2048];
        for (u32 n; (n = qure_send(from, packet, sizeof packet, now_us)) != 0;)
                qure_input(to, packet, n, now_us);
        now_us += 1000;
}

int main(void)
{
        struct qure *client = host(1), *server = host(2);
        struct sock *c, *s = NULL, *listener;
        char got[64] = "";
        int err, n = 0, have = 0;

        listener = sock_open(qure_stack(server), SOCK_TCP, &err);
        sock_bind(listener, IPADDR_ANY, 80);
        sock_listen(listener, 5);

        c = sock_open(qure_stack(client), SOCK_TCP, &err);
        sock_set(c, SOCK_NOWAIT, 1);
        sock_set(c, SOCK_MSS, 536);                          /* options: see sock.h; by tcp.h also the layout of the SYN */
        while (sock_connect(c, IPADDR(192, 0, 2, 2), 80) == E_AGAIN)
                carry(client, server), carry(server, client);
        sock_write(c, "GET / HTTP/1.0\r\n\r\n", 18);

        while (n >= 0 && now_us < 10000000) {                /* the server answers, the client reads to the end */
                carry(client, server), carry(server, client);
                if (!s && (s = sock_accept(listener, NULL, &err)) != NULL)
                        sock_set(s, SOCK_NOWAIT, 1);
                if (s && sock_read(s, got, sizeof got) == 18) {
                        sock_write(s, "HTTP/1.0 200 OK\r\n\r\nhello\n", 25);
                        sock_close(s);
                }
                n = sock_read(c, got + have, (u32)(sizeof got - 1 - have));
                if (n == 0)
                        break;                               /* the end of the stream */
                have += n > 0 ? n : 0;
                n = n == E_AGAIN ? 0 : n;
        }
        sock_close(c);
        printf("1..1\n%sok 1 - the client read its page after %u ms\n", strstr(got, "hello") ? "" : "not ", (u32)(now_us / 1000));
        return 0;
}
