/* commands.h - the handlers behind the command table: cmd_X runs the line, no_X takes it back, show_X prints the
 * lines that make the present settings (conf.h).
 * SPDX-License-Identifier: MIT */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "conf.h"

int cmd_arp(struct words *w), no_arp(struct words *w);
int cmd_backend(struct words *w), no_backend(struct words *w);
int cmd_cat(struct words *w);
int cmd_cluster(struct words *w), no_cluster(struct words *w);
int cmd_flows(struct words *w);
int cmd_migrate(struct words *w);
int cmd_drain(struct words *w), no_drain(struct words *w);
int cmd_service(struct words *w), no_service(struct words *w);
int cmd_date(struct words *w);
int cmd_dhcp(struct words *w);
int cmd_dmesg(struct words *w);
int cmd_front(struct words *w), no_front(struct words *w);
int cmd_halt(struct words *w);
int cmd_help(struct words *w);
int cmd_host(struct words *w);
int cmd_hostname(struct words *w), no_hostname(struct words *w);
int cmd_ifconfig(struct words *w), no_ifconfig(struct words *w);
int cmd_interface(struct words *w), no_interface(struct words *w);
int cmd_listen(struct words *w), no_listen(struct words *w);
int cmd_ls(struct words *w);
int cmd_mem(struct words *w);
int cmd_more(struct words *w);
int cmd_nameserver(struct words *w), no_nameserver(struct words *w);
int cmd_netdump(struct words *w);
int cmd_netstat(struct words *w);
int cmd_panic(struct words *w), no_panic(struct words *w);
int cmd_ping(struct words *w);
int cmd_ps(struct words *w);
int cmd_reboot(struct words *w);
int cmd_route(struct words *w), no_route(struct words *w);
int cmd_forwarding(struct words *w), no_forwarding(struct words *w);
int cmd_intercept(struct words *w), no_intercept(struct words *w);
int cmd_rule(struct words *w), no_rule(struct words *w);
int cmd_save(struct words *w);
int cmd_show(struct words *w);
int cmd_site(struct words *w), no_site(struct words *w);
int cmd_closed(struct words *w), no_closed(struct words *w);
int cmd_conversation(struct words *w), no_conversation(struct words *w);
int cmd_traceroute(struct words *w);
int cmd_uptime(struct words *w);

void show_arp(void);
void show_backend(void);
void show_front(void);
void show_cluster(void);
void show_service(void);
void show_hostname(void);
void show_interface(void);
void show_listen(void);
void show_nameserver(void);
void show_panic(void);
void show_route(void);
void show_forwarding(void);
void show_intercept(void);
void show_rule(void);
void show_site(void);
void show_conversation(void);

/* Statistics of the services for `netstat -s`. */
void service_statistics(void);
void front_statistics(void);

/* Where the web server (service.c) and the front (front.c) meet. */
struct http;
struct front;
struct front_rule;
struct http *service_http(void);                  /* NULL before the first `site` or `listen http` */
void front_meets_http(struct http *h);            /* called when the server is made */
struct front *the_front(struct words *w);         /* made when it is first spoken of; NULL after a report */
struct front *the_front_if_any(void);
bool cluster_meets_front(struct words *w, struct front *f); /* backends may hand over from here on; false after a report */
struct front_addr;
void cluster_knows(const struct front_addr *at, u32 n);     /* a handoff backend's targets are nodes */
const char *cluster_way(ipaddr node);                       /* how packets get there */
void front_print_rule(const struct front_rule *r);
int listen_tcp(struct words *w, bool on);         /* the rest of `listen tcp` */
int listen_done(struct words *w, u32 port, int e); /* 0, or -1 after a report of e, a stack_err */
void show_listen_tcp(void);

/* Resolves a name or address a.b.c.d, waiting for DNS; false after a report. */
bool take_host(struct words *w, ipaddr *out);

/* One line of text about a frame, and what a filter wants to know of it (decode.c). n bytes of `total` are at hand. */
struct decoded { ipaddr src, dst; u16 sport, dport; u8 proto; bool ip, ports; };
enum { DECODE_BYTES = 128, DECODE_LINE = 176 };
u32 decode_frame(const u8 *f, u32 n, u32 total, bool link_header, struct decoded *d, char *line, u32 size);

#endif
