/* main.c - qure-bench-front: what a request costs the front when it relays and when it hands over, what a move costs both ends,
 * and the bytes of a flow entry. The services are the appliance's own. doc/bench.md says what is counted.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../step.h"
#include "fatimg.h"
#include "front_handoff.h"
#include "http.h"
#include "lan.h"
#include "plat.h"
#include "tcp.h"

enum { TIMES = 8, MOVES = 201, PORT_MOVE = 90, FLOWS = 1000000 };
enum { RELAY, HANDOFF, WAYS };
static const char *const way_name[WAYS] = {"relay", "handoff"};
static const u32 kib[] = {1, 16, 64};
static const char *const how[] = {"connection_each", "kept"};

static struct fat disk;
static struct handoff *handoff[MACHINES];
static struct { struct tcb *t; u32 got; bool over; } client;
static struct tcb *to_move;
static int moved;

/* --- the client --- */

static void client_readable(struct tcb *t)
{
        const u8 *p;
        u32 n;
        while ((n = tcp_peek(t, 0, &p)) != 0) {
                client.got += n;
                tcp_consume(t, n);
        }
        if (tcp_eof(t))
                tcp_close(t);
}
static void client_closed(struct tcb *t, int err)
{
        lan_check(!err, "the client's connection failed");
        client.over = true;
        client.t = NULL;
}
static const struct tcp_events client_events = {.readable = client_readable, .closed = client_closed};

static void open_client(u16 port, int counted)
{
        int err;
        client.over = false;
        client.t = tcp_connect(lan[CLIENT].st, IPADDR_ANY, 0, SERVICE, port, &client_events, NULL, &(struct tcp_opts){.nodelay = true}, &err);
        lan_check(client.t != NULL, "no connection");
        lan_run(2, counted);
}

static void ask(int way, u32 kb, bool close, int counted)
{
        char request[120];
        snprintf(request, sizeof request, "GET /%s/%u HTTP/1.1\r\nHost: v\r\n%s\r\n", way_name[way], kb, close ? "Connection: close\r\n" : "");
        client.got = 0;
        lan_check(tcp_send(client.t, request, (u32)strlen(request)) > 0, "request not sent");
        tcp_flush(client.t);
        lan_run(close ? 20 : 2, counted);
        lan_check(client.got > kb << 10 && client.over == close, "no whole reply");
}

static double row(int way, u32 kb, bool kept)
{
        char name[64];
        if (kept) {
                open_client(80, NOBODY);
                for (u32 i = 0; i < 4; i++)
                        ask(way, kb, false, NOBODY);
                lan_run(100, NOBODY);
        }
        for (u32 i = 0; i < TIMES; i++) {
                if (!kept)
                        open_client(80, FRONT);
                ask(way, kb, !kept, FRONT);
        }
        if (kept) {
                tcp_abort(client.t);
                client.t = NULL;
        }
        lan_run(1000, NOBODY);
        snprintf(name, sizeof name, "front_%s_%uk_%s", way_name[way], kb, how[kept]);
        return step_row(name, TIMES, 0, 0);
}

/* --- a move by itself: an open connection with a request unread --- */

static void movable_readable(struct tcb *t) { to_move = t; }
static void movable_closed(struct tcb *t, int err) { }
static const struct tcp_events movable_events = {.readable = movable_readable, .closed = movable_closed};
static void on_moved(void *ctx, struct tcb *t, enum handoff_reason why) { moved += why == HANDOFF_OK; }

static double move(int counted)
{
        struct timespec a, b;
        open_client(PORT_MOVE, NOBODY);
        to_move = NULL;
        tcp_send(client.t, "0123456789", 10);
        tcp_flush(client.t);
        lan_run(2, NOBODY);
        lan_check(to_move != NULL, "nothing to move");
        moved = 0;
        clock_gettime(CLOCK_MONOTONIC, &a);
        if (counted == FRONT)
                step_begin();
        handoff_begin(handoff[FRONT], to_move, lan[NODE].addr, NULL, on_moved, NULL);
        stack_batch_end(lan[FRONT].st);
        if (counted == FRONT)
                step_end();
        lan_carry(counted);
        clock_gettime(CLOCK_MONOTONIC, &b);
        lan_check(moved == 1, "not moved");
        tcp_abort(client.t);
        client.t = NULL;
        lan_run(1000, NOBODY);
        return (double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3;
}

static int by_value(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;
        return (x > y) - (x < y);
}

static void rows_of_a_move(void)
{
        static double us[MOVES];
        static const char *const name[MACHINES] = {[FRONT] = "move_at_the_front", [NODE] = "move_at_the_node"};
        for (int at = FRONT; at <= NODE; at++) {
                for (u32 i = 0; i < TIMES; i++)
                        move(at);
                step_row(name[at], TIMES, 0, 0);
        }
        for (u32 i = 0; i < MOVES; i++)
                us[i] = move(NOBODY);
        qsort(us, MOVES, sizeof us[0], by_value);
        printf("move_both_ends: %.1f us (median of %d, this processor, no wire)\n", us[MOVES / 2], MOVES);
}

/* --- the machines --- */

static void make_volume(void)
{
        static u8 bytes[64 << 10];
        struct fatimg *img = fatimg_new(3000, 512);
        u32 www = fatimg_add(img, 0, "www", NULL, 0);
        memset(bytes, 'x', sizeof bytes);
        for (int w = 0; w < WAYS; w++) {
                u32 folder = fatimg_add(img, www, way_name[w], NULL, 0);
                for (u32 i = 0; i < COUNT_OF(kib); i++) {
                        char name[8];
                        snprintf(name, sizeof name, "%u", kib[i]);
                        fatimg_add(img, folder, name, bytes, kib[i] << 10);
                }
        }
        lan_check(!fat_mount(&disk, img->b, img->size), "no volume");
}

static void make_services(void)
{
        struct http *http[MACHINES];
        int err;
        for (int i = FRONT; i <= NODE; i++) {
                http[i] = http_new(lan[i].st, &disk);
                lan_check(!http_site_set(http[i], "default", "www") && !http_listen(http[i], IPADDR_ANY, 80), "no web server");
                handoff[i] = handoff_new(lan[i].st, 0);
                lan_check(!handoff_secret(handoff[i], (const u8 *)"sixteen byte key", 16) && !handoff_node_add(handoff[i], lan[FRONT + NODE - i].addr) &&
                          !handoff_service_add(handoff[i], &lan[i].nif, SERVICE) &&
                          tcp_listen(lan[i].st, SERVICE, PORT_MOVE, &movable_events, NULL, NULL, &err), "no cluster");
        }
        struct front *front = front_new(lan[FRONT].st, 0);
        front_attach(front, http[FRONT]);
        lan_check(front_handoff_attach(front, handoff[FRONT]), "no front");
        for (int w = 0; w < WAYS; w++) {
                struct front_rule r = {.conds = COND_PATH};
                struct front_addr at = {lan[NODE].addr, 80};
                snprintf(r.path, sizeof r.path, "/%s/", way_name[w]);
                lan_check(!front_backend_set(front, way_name[w], w == RELAY ? FRONT_RELAY : FRONT_HANDOFF, &at, 1) &&
                          !front_rule_add(front, way_name[w], &r), "no rule");
        }
}

static int rows(void)
{
        lan_make();
        plat.wall = 784111777;          /* no date would be no header */
        make_volume();
        make_services();
        for (u32 i = 0; i < COUNT_OF(kib); i++)
                for (u32 kept = 0; kept < 2; kept++) {
                        double relay = row(RELAY, kib[i], kept), handed = row(HANDOFF, kib[i], kept);
                        printf("front_gain_%uk_%s: %.1f times\n", kib[i], how[kept], relay / handed);
                }
        rows_of_a_move();
        return 0;
}

/* From real pools: what a million flow entries take of a stack's memory, their hash table included. */
static void flow_bytes(void)
{
        size_t before = lan[CLIENT].allocated;
        lan_check(handoff_new(lan[CLIENT].st, FLOWS) != NULL, "no memory for flow entries");
        size_t n = lan[CLIENT].allocated - before;
        printf("flow_entry: %.1f bytes (target 32; %d entries and their table: %zu bytes)\n", (double)n / FLOWS, FLOWS, n);
}

int main(int argc, char **argv)
{
        lan_make();
        flow_bytes();
        return step_run(rows, argc > 1 && strcmp(argv[1], "--functions") == 0);
}
