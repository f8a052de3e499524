/* handoff.h - a live connection goes to another node of the cluster, which answers the client itself (R69 to R81). This machine
 * may be the front (it owns the service address and hands over), a node (it holds the address silently and adopts), or both.
 * doc/handoff.md has the wire, the rules and the limits. Nothing here depends on what decides; net/service/front_handoff.c joins
 * the two. SPDX-License-Identifier: MIT */
#ifndef HANDOFF_H
#define HANDOFF_H

#include "stack.h"

struct handoff;
struct tcb;

enum { HANDOFF_NODES = 64, HANDOFF_SERVICES = 4, HANDOFF_SECRET_MIN = 16, HANDOFF_SECRET_MAX = 64, HANDOFF_SCOPE = 128 };

/* Why a connection was not handed over: from 1 what a node says in its refusal, from 64 what the front finds by itself. */
enum handoff_reason {
        HANDOFF_OK,
        HANDOFF_BLOCK,          /* control block of another version, or one that contradicts itself */
        HANDOFF_ADDRESS,        /* the service address is not the node's */
        HANDOFF_LISTENER,       /* nobody listens on that port there */
        HANDOFF_BUSY,           /* out of connections or buffers */
        HANDOFF_TAKEN,          /* a connection of these names lives there already */
        HANDOFF_PLACE,          /* the service there cannot go on where this one stopped */
        HANDOFF_DRAINS,         /* the node is being emptied */
        HANDOFF_WIRE_REASONS,
        HANDOFF_SILENT = 64,    /* the node did not answer */
        HANDOFF_STATE,          /* this connection cannot be moved as it is now */
        HANDOFF_FULL,           /* no flow entry or transfer is free here */
        HANDOFF_UNREACHABLE,    /* there is no route to the node, or no secret is set */
};
/* "the node did not answer" and so on. */
const char *handoff_reason_text(enum handoff_reason why);

/* Makes the handoff of a stack: `flows` entries of 32 bytes each, for connections that live elsewhere (0: 16 for each TCB).
 * Once; NULL = out of memory. */
struct handoff *handoff_new(struct stack *st, u32 flows);
struct handoff *handoff_of(const struct stack *st);                     /* NULL: not configured */

/* The cluster's secret, n bytes of at least 128 bits. The one before stays accepted until the next, so that it can be changed
 * node by node. E_INVAL for a wrong length. */
int  handoff_secret(struct handoff *h, const u8 *secret, u32 n);
bool handoff_has_secret(const struct handoff *h);

/* Nodes whose handoffs are taken and who may be handed to. 0, E_EXIST, E_NOMEM; E_NOENT. */
int  handoff_node_add(struct handoff *h, ipaddr node);
int  handoff_node_del(struct handoff *h, ipaddr node);
void handoff_node_walk(const struct handoff *h, void (*fn)(void *ctx, ipaddr node), void *ctx);

/* A service address: the front has it on an interface as any other; elsewhere it is held silently on nif, never in an ARP field.
 * 0, E_EXIST, E_NOMEM; E_NOENT. */
int  handoff_service_add(struct handoff *h, struct netif *nif, ipaddr v);
int  handoff_service_del(struct handoff *h, ipaddr v);
void handoff_service_walk(const struct handoff *h, void (*fn)(void *ctx, ipaddr v, bool silent), void *ctx);

/* What became of handoff_begin. HANDOFF_OK: the connection lives on the node, t is NULL. Else t is as it was, its events
 * untouched and its bytes unread; the callee may begin again with another node, or answer the client itself. */
typedef void handoff_done_fn(void *ctx, struct tcb *t, enum handoff_reason why);

/* What a node may answer by itself on a connection that it gets; anything else goes back to the front before it is read. The bytes
 * are the services' (front_scope.c); none of them: each request goes back. */
struct handoff_scope { u8 n, b[HANDOFF_SCOPE]; };
/* That of a connection which came here by a handoff; NULL: it did not. */
const struct handoff_scope *handoff_scope(const struct handoff *h, const struct tcb *t);
/* True once: for the request that the connection was handed over with, which is the node's whatever the scope says. */
bool handoff_first(struct handoff *h, const struct tcb *t);

/* Hands t to a node, where its service begins with the unread bytes: for who knows that it is between messages. Until done is
 * called nothing is sent to the client and nothing is told to t's user; what the client sends is kept for who gets it.
 * HANDOFF_OK: begun; else t is untouched and done is not called. scope NULL: none. */
enum handoff_reason handoff_begin(struct handoff *h, struct tcb *t, ipaddr node, const struct handoff_scope *scope,
                                  handoff_done_fn *done, void *ctx);
/* The same at any time, also with data under way both ways: the service is asked for its place (tcp.h), which goes along. What came
 * here by a handoff goes by way of its front, who hands it on without a pause; HANDOFF_OK then means that the front has it. It is told the end by `closed`, or goes on
 * behind done. Not begun: *why says why not, for a person. */
enum handoff_reason handoff_move(struct handoff *h, struct tcb *t, ipaddr node, handoff_done_fn *done, void *ctx,
                                 const char **why);
/* As handoff_begin for a connection that came here by a handoff: back to its front, who decides anew. Only he gets it;
 * HANDOFF_STATE if t did not come so. */
enum handoff_reason handoff_back(struct handoff *h, struct tcb *t, handoff_done_fn *done, void *ctx);

/* Which connections of service addresses: those of this client, of this port of ours; any() and 0 for all. */
struct handoff_which { ipaddr client; u16 client_port, service_port; };
/* One that stays, and why, for a person. */
typedef void handoff_stays_fn(void *ctx, ipaddr client, u16 client_port, const char *why);
/* Moves those that live here to a node; how many are on their way. */
u32 handoff_migrate(struct handoff *h, const struct handoff_which *w, ipaddr node, handoff_stays_fn *fn, void *ctx);
/* Empties this node: no handoff is taken any more (HANDOFF_DRAINS), and what came here is given back, again and again until nothing is
 * left. false: a service address is this machine's own, so that its clients come here. on = false takes it back. */
bool handoff_drain(struct handoff *h, bool on);
bool handoff_draining(const struct handoff *h);
/* Who else may take what `from` gives back and nobody was named for; any(): nobody. The front's to say. */
typedef ipaddr handoff_choose_fn(void *ctx, const struct tcb *t, ipaddr from);
void handoff_on_choose(struct handoff *h, handoff_choose_fn *fn, void *ctx);

struct handoff_counters {
        u32 begun, handed, retried, silent, refused[HANDOFF_WIRE_REASONS]; /* who hands over */
        u32 answered;                   /* SYNs of early clients that the front answered itself, for the node took its time */
        u32 moved, stayed, onward; /* by handoff_migrate: gone, not gone after all; passed on at once as the front */
        u32 back, returned, withdrawn;  /* given back to the front, come back to us; the other side went elsewhere before 53 */
        u32 forwarded, kept, kept_lost; /* the client's packets: passed on, kept from 51 to 53, lost meanwhile */
        u32 tunnelled, untunnelled;     /* in IP in IP: sent to nodes behind a router, taken from fronts */
        u32 quoted, tunnel_errors;      /* ICMP: about flows, passed on; about the way to a node, learnt from */
        u32 gone, refreshed, expired; /* flow entries: ended by the node, told to live, aged out */
        u32 adopted, confirmed, abandoned; /* who takes: 51 taken, 53 came, 53 never came */
        u32 refusals[HANDOFF_WIRE_REASONS];
        u32 forged, stray, strangers, unknown; /* wrong authenticator, out of place, from no node, for no connection here */
        u32 flows, flows_max, transfers, owned;                                 /* at present */
};
void handoff_counters(const struct handoff *h, struct handoff_counters *out);

/* How packets get to a node: "same LAN", "IP in IP" (behind a router) or "no route". */
const char *handoff_way_text(struct handoff *h, ipaddr node);

/* Connections handed over from here (node: where to) and to here (node: from whom). */
struct handoff_flow { ipaddr client, service, node; u16 client_port, service_port; const char *state; u32 age_s; };
void handoff_walk(const struct handoff *h, bool (*fn)(void *ctx, const struct handoff_flow *f), void *ctx);

#endif
