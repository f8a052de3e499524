/* states.c - every state of the connection byte against every kind of segment, compared with an oracle written from RFC 9293
 * 3.10.7 and RFC 5961, not from the code. `states table` prints doc/tcp_states.md.
 * SPDX-License-Identifier: MIT */
#include <malloc.h>
#include "trace.h"

/* --- 1. the byte: all 256 x all events against the grammar of the seed --- */
static int grammar(u8 b, enum tcp_event ev)
{
        u8 syn = b & 15, fin = b >> 4;
        bool open = syn == 15, rx = fin & 1, rx_acked = fin & 2, tx = fin & 4, tx_acked = fin & 8;
        bool legal_fin = open && (!rx_acked || rx) && (!tx_acked || tx);
        switch (ev) {
        case TCP_EV_SEND_SYN: return b == 0 ? 0x04 : -1;
        case TCP_EV_SYN: return b == 0x00 || b == 0x04 ? 0x07 : -1;   /* 0000|0001 -(0110)-> 0111, 0100|0001 -(0010)-> 0111 */
        case TCP_EV_SYN_ACK: return b == 0x04 ? 0x0f : -1;            /* 0100|1001 -(0010)-> 1111 */
        case TCP_EV_ACK_OF_SYN: return b == 0x07 ? 0x0f : -1;         /* 0111|1000 -> 1111 */
        case TCP_EV_SEND_FIN: return legal_fin && !tx && (!rx || fin == 1 || fin == 3) ? b | FIN_TX : -1;
        case TCP_EV_FIN: return legal_fin && !rx ? b | FIN_RX | FIN_ACK_TX : -1;
        case TCP_EV_FIN_HELD: return legal_fin && !rx ? b | FIN_RX : -1;
        case TCP_EV_ACK_FIN: return legal_fin && rx && !rx_acked ? b | FIN_ACK_TX : -1;
        case TCP_EV_ACK_OF_FIN: return legal_fin && tx && !tx_acked ? b | FIN_ACK_RX : -1;
        case TCP_EV_ABORT: return 0xff;
        default: return -1;
        }
}

static void all_bytes_all_events(void **s)
{
        u32 legal = 0;
        for (u32 b = 0; b < 256; b++) {
                u8 lo = b & 15, hi = b >> 4;
                bool pairs = (lo & 3) != 2 && lo >> 2 != 2 && (hi & 3) != 2 && hi >> 2 != 2;
                assert_int_equal(tcp_byte_legal((u8)b), pairs && (!hi || lo == 15));
                legal += tcp_byte_legal((u8)b);
                for (u32 ev = 0; ev < TCP_EV_N; ev++) {
                        int got = tcp_transition((u8)b, ev), want = grammar((u8)b, ev);
                        if (got != want)
                                fail_msg("byte %02x event %u: %x, expected %x", b, ev, got, want);
                        assert_true(got < 0 || (b & ~(u32)got) == 0);         /* R16: never cleared */
                        assert_true(got < 0 || !tcp_byte_legal((u8)b) || tcp_byte_legal((u8)got)); /* R18 */
                }
        }
        assert_int_equal(legal, 17); /* nine SYN nybbles, and with the last of them eight more FIN nybbles */
}

static void r13_names(void **s)
{
        static const struct { u8 b; bool active; const char *name; } n[] = {
                {0x04, 1, "SYN_SENT"}, {0x07, 0, "SYN_RECEIVED"}, {0x0f, 0, "ESTABLISHED"}, {0x4f, 1, "FIN_WAIT_1"},
                {0xcf, 1, "FIN_WAIT_2"},
                {0x3f, 0, "CLOSE_WAIT"}, {0x7f, 1, "CLOSING"}, {0x7f, 0, "LAST_ACK"}, {0xff, 1, "TIME_WAIT"},
                {0xff, 0, "CLOSED"}, {0, 0, "CLOSED"}};
        for (u32 i = 0; i < COUNT_OF(n); i++)
                assert_string_equal(tcp_rfc_name(tcp_rfc_state(n[i].b, n[i].active)), n[i].name);
}

/* --- 2. segments --- */
enum point { CLOSED, LISTEN, SYN_SENT, HALF, SYN_RECEIVED, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, CLOSING, LAST_ACK,
            TIME_WAIT, POINTS };
static const char *const point_name[] = {"CLOSED", "LISTEN", "SYN_SENT", "SYN_RECEIVED (passive)", "SYN_RECEIVED (active)",
                                         "ESTABLISHED", "FIN_WAIT_1",
                                         "FIN_WAIT_2", "CLOSE_WAIT", "CLOSING", "LAST_ACK", "TIME_WAIT"};
enum seq_class { SEQ_NEXT, SEQ_OLD, SEQ_OVERLAP, SEQ_AHEAD, SEQ_OUTSIDE, SEQ_SYN, SEQS };
static const char *const seq_name[] = {"in order", "duplicate", "overlap", "ahead", "outside", "of its SYN"};
enum ack_class { ACK_NOTHING, ACK_OLD, ACK_ANCIENT, ACK_PART, ACK_ALL, ACK_FUTURE, ACKS };
static const char *const ack_name[] = {"nothing new", "old", "ancient", "part of data", "all (SYN, data, FIN)", "future"};

enum reply { R_NONE, R_ACK, R_RST, R_RST_ACK, R_SYN_ACK };
static const char *const reply_name[] = {"-", "ACK", "RST", "RST,ACK", "SYN,ACK"};

struct outcome { enum point to; bool gone; enum reply reply; u32 got; };
struct in { enum point at; u8 flags; enum seq_class sc; enum ack_class ac; u32 n; };

/* the sequence space at each point, relative: what we sent and what came */
enum { OUT = 100, WND = 4000, N = 10 };
static u32 rcv_nxt_of(enum point p) { return p == CLOSE_WAIT || p == CLOSING || p == LAST_ACK ||
                                     p == TIME_WAIT ? 2 : p <= SYN_SENT ? 0 : 1; }
static u32 una_of(enum point p) { return p <= SYN_RECEIVED ? 0 : p == FIN_WAIT_2 || p == TIME_WAIT ? OUT + 2 : 1; }
static u32 nxt_of(enum point p)
{
        switch (p) {
        case CLOSED: case LISTEN: return 0;
        case SYN_SENT: case HALF: case SYN_RECEIVED: return 1;
        case ESTABLISHED: case CLOSE_WAIT: return OUT + 1;
        default: return OUT + 2;
        }
}

static u32 seq_of(const struct in *i)
{
        static const int off[] = {0, -N, -N / 2, 50, 2 * WND, -1};
        return rcv_nxt_of(i->at) + (u32)off[i->sc];
}

static u32 ack_of(const struct in *i)
{
        u32 una = una_of(i->at), nxt = nxt_of(i->at);
        switch (i->ac) {
        case ACK_NOTHING: return una;
        case ACK_OLD: return una - 50;
        case ACK_ANCIENT: return una - 1000000;
        case ACK_PART: return nxt - una > 2 ? una + 50 : nxt;
        case ACK_ALL: return nxt;
        default: return nxt + 1;
        }
}

/* --- the oracle --- */
static bool between(u32 x, u32 lo, u32 n) { return x - lo < n; }

/* RFC 9293 3.10.7.4 seventh and eighth, once the acknowledgement is dealt with */
static void text_and_fin(struct outcome *o, const struct in *i, u32 seq, u32 rcv_nxt)
{
        bool fin = i->flags & T_FIN;
        u32 end = seq + i->n;
        if (o->to != ESTABLISHED && o->to != FIN_WAIT_1 && o->to != FIN_WAIT_2)
                return; /* "should not occur": ignored */
        if (!i->n && !fin)
                return;
        o->reply = R_ACK;
        if ((s32)(seq - rcv_nxt) > 0)
                return; /* ahead: kept, not counted */
        o->got = (s32)(end - rcv_nxt) > 0 ? end - rcv_nxt : 0;
        if (fin && (s32)(end - rcv_nxt) >= 0)
                o->to = o->to == ESTABLISHED ? CLOSE_WAIT : o->to == FIN_WAIT_1 ? CLOSING : TIME_WAIT;
}

static struct outcome oracle_closed(const struct in *i)
{
        if (i->flags & T_RST)
                return (struct outcome){CLOSED, 0, R_NONE, 0};
        return (struct outcome){CLOSED, 0, i->flags & T_ACK ? R_RST : R_RST_ACK, 0};
}

static struct outcome oracle_listen(const struct in *i)
{
        struct outcome o = {LISTEN, 0, R_NONE, 0};
        if (i->flags & T_RST)
                return o;
        if (i->flags & T_ACK)
                o.reply = R_RST;
        else if (i->flags & T_SYN)
                o = (struct outcome){HALF, 0, R_SYN_ACK, 0};
        return o;
}

static struct outcome oracle_syn_sent(const struct in *i)
{
        struct outcome o = {SYN_SENT, 0, R_NONE, 0};
        u32 ack = ack_of(i);
        bool good = ack == 1;
        if ((i->flags & T_ACK) && !good) {
                o.reply = i->flags & T_RST ? R_NONE : R_RST;
        } else if (i->flags & T_RST) {
                o.gone = i->flags & T_ACK;
        } else if ((i->flags & T_SYN) && (i->flags & T_ACK)) {
                o.to = ESTABLISHED;
                text_and_fin(&o, i, 1, 1);
                o.reply = R_ACK;
        } else if (i->flags & T_SYN) {
                o = (struct outcome){SYN_RECEIVED, 0, R_SYN_ACK, 0};
        }
        return o;
}

static struct outcome oracle_time_wait(const struct in *i)
{
        struct outcome o = {TIME_WAIT, 0, R_NONE, 0};
        u32 seq = seq_of(i), space = i->n + ((i->flags & T_SYN) != 0) + ((i->flags & T_FIN) != 0);
        if (i->flags & T_RST)
                return o; /* RFC 1337 */
        if ((i->flags & (T_SYN | T_ACK)) == T_SYN && (s32)(seq - rcv_nxt_of(TIME_WAIT)) >= 0)
                return (struct outcome){HALF, 0, R_SYN_ACK, 0}; /* MAY-2 */
        if (!(i->flags & (T_SYN | T_ACK)) && (s32)(seq - rcv_nxt_of(TIME_WAIT)) >= 0)
                return o; /* fifth: without ACK */
        /* every one that is not what would come next; its window is not known any more */
        o.reply = space || seq != rcv_nxt_of(TIME_WAIT) ? R_ACK : R_NONE;
        return o;
}

static struct outcome oracle(const struct in *i)
{
        struct outcome o = {i->at, 0, R_NONE, 0};
        u32 seq = seq_of(i), ack = ack_of(i), nxt = rcv_nxt_of(i->at), una = una_of(i->at), snd = nxt_of(i->at);
        u32 space = i->n + ((i->flags & T_SYN) != 0) + ((i->flags & T_FIN) != 0);
        switch (i->at) {
        case CLOSED: return oracle_closed(i);
        case LISTEN: return oracle_listen(i);
        case SYN_SENT: return oracle_syn_sent(i);
        case TIME_WAIT: return oracle_time_wait(i);
        default: break;
        }
        if (i->at == HALF && i->sc == SEQ_SYN && (i->flags & (T_SYN | T_ACK | T_RST)) == T_SYN)
                return (struct outcome){HALF, 0, R_SYN_ACK, 0}; /* R156: our SYN,ACK was lost */
        if (i->at == SYN_RECEIVED && i->sc == SEQ_SYN && (i->flags & (T_SYN | T_ACK | T_RST)) == (T_SYN | T_ACK) && ack == 1) {
                o.to = ESTABLISHED; /* figure 8, line 6 */
                text_and_fin(&o, i, 1, 1);
                o.reply = R_ACK;
                return o;
        }
        bool acceptable = space == 0 ? between(seq, nxt, WND) : between(seq, nxt, WND) || between(seq + space - 1, nxt, WND);
        if (!acceptable) { /* first */
                o.reply = i->flags & T_RST ? R_NONE : R_ACK;
                return o;
        }
        if (i->flags & T_RST) { /* second, with RFC 5961 3.2 */
                if (seq != nxt)
                        o.reply = R_ACK;
                else if (i->at == HALF)
                        o.to = LISTEN;
                else
                        o.gone = true;
                return o;
        }
        if (i->flags & T_SYN) { /* fourth, with RFC 5961 4.2 */
                o.reply = R_ACK;
                return o;
        }
        if (!(i->flags & T_ACK)) /* fifth */
                return o;
        if (i->at == HALF || i->at == SYN_RECEIVED) {
                if (ack != 1) {
                        o.reply = R_RST;
                        return o;
                }
                o.to = ESTABLISHED;
        } else if ((s32)(ack - snd) > 0 || (s32)(ack - (una - 65535)) < 0) { /* RFC 5961 5.2 */
                o.reply = R_ACK;
                return o;
        }
        if (ack == snd && i->at == FIN_WAIT_1)
                o.to = FIN_WAIT_2;
        if (ack == snd && i->at == CLOSING)
                return (struct outcome){TIME_WAIT, 0, R_NONE, 0};
        if (ack == snd && i->at == LAST_ACK) {
                o.gone = true;
                return o;
        }
        text_and_fin(&o, i, seq, nxt);
        return o;
}

/* --- the machine at a point, kept as a copy of all its memory --- */
static struct { u8 *b[64]; struct trace t; struct wire w; } saved;

static void save(void)
{
        wire_flush_out(T.w);
        for (u32 k = 0; k < T.w->n_blocks; k++) {
                size_t n = malloc_usable_size(T.w->blocks[k]);
                saved.b[k] = realloc(saved.b[k], n);
                memcpy(saved.b[k], T.w->blocks[k], n);
        }
        saved.t = T;
        saved.w = *T.w;
}

static void forget(void)
{
        wire_discard(T.w);
        for (u32 k = 0; k < COUNT_OF(saved.b); k++) {
                free(saved.b[k]);
                saved.b[k] = NULL;
        }
}

static void restore(void)
{
        wire_flush_out(T.w);
        struct wire *w = T.w;
        free(w->last.b);
        for (u32 k = 0; k < w->n_blocks; k++)
                memcpy(w->blocks[k], saved.b[k], malloc_usable_size(w->blocks[k]));
        *w = saved.w;
        T = saved.t;
}

static void go(enum point p)
{
        static const struct tcp_opts o = {.rcvbuf = WND};
        struct stack_config cfg = {.n_pkts = 24, .n_tcbs = 2, .n_synq = 2, .n_timewait = 2, .n_udp = 1, .n_arp = 4,
                                   .n_routes = 4, .n_reass = 1, .n_listeners = 1, .n_socks = 1};
        struct seg g;
        int err;
        trace_begin(&cfg);
        T.read_all = true;
        if (p == SYN_SENT || p == SYN_RECEIVED) {
                T.t = tcp_connect(T.w->st, IPADDR_ANY, 0, WIRE_PEER, OUR_PORT, &trace_events, NULL, &o, &err);
                assert_true(next_tx(&g));
                T.sport = OUR_PORT, T.our_isn = g.seq, T.dport = g.sport;
                if (p == SYN_RECEIVED)
                        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
                return;
        }
        if (p == CLOSED)
                return;
        listen_with(&o);
        if (p == LISTEN)
                return;
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        assert_true(next_tx(&g));
        T.our_isn = g.seq;
        if (p == HALF)
                return;
        rx(T_ACK, 1, 1, 0);
        send_bytes(0, OUT);
        if (p == CLOSE_WAIT || p == LAST_ACK)
                rx(T_ACK | T_FIN, 1, 1, 0);
        if (p == FIN_WAIT_1 || p == FIN_WAIT_2 || p == CLOSING || p == LAST_ACK || p == TIME_WAIT) {
                tcp_shutdown(T.t);
                tcp_flush(T.t);
        }
        if (p == CLOSING)
                rx(T_ACK | T_FIN, 1, 1, 0);
        if (p == FIN_WAIT_2 || p == TIME_WAIT)
                rx(T_ACK, 1, OUT + 2, 0);
        if (p == TIME_WAIT)
                rx(T_ACK | T_FIN, 1, OUT + 2, 0);
}

static bool is_here(const char *name)
{
        for (u32 k = 0; k < T.w->st->tcp->n_pool; k++)
                if (T.w->st->tcp->pool[k].ports && !strcmp(tcp_state_name(&T.w->st->tcp->pool[k]), name))
                        return true;
        return false;
}

static enum point where(enum point from)
{
        struct tcp_state *ts = T.w->st->tcp;
        if (ts->n_tcbs) {
                for (u32 p = ESTABLISHED; p <= TIME_WAIT; p++)
                        if (is_here(point_name[p]))
                                return p;
                return is_here("SYN_SENT") ? SYN_SENT : SYN_RECEIVED;
        }
        if (ts->n_half)
                return HALF;
        if (ts->tw_count)
                return TIME_WAIT;
        return T.l ? LISTEN : CLOSED;
}

static enum reply reply_of(u8 flags)
{
        if (flags & T_RST)
                return flags & T_ACK ? R_RST_ACK : R_RST;
        return flags & T_SYN ? R_SYN_ACK : R_ACK;
}

/* RFC 9293 3.10.7.1, .2, .3: where a RST's numbers come from; an acknowledgement's are RCV.NXT and SND.NXT. */
static void check_numbers(const struct in *i, const struct seg *g, enum reply r)
{
        if (r == R_RST)
                assert_int_equal(g->seq, T.our_isn + ack_of(i));
        if (r == R_RST_ACK) {
                assert_int_equal(g->seq, 0);
                assert_int_equal(g->ack, T.peer_isn + seq_of(i) + i->n + ((i->flags & T_SYN) != 0) + ((i->flags & T_FIN) != 0));
        }
        if (r == R_ACK && T.t) {
                assert_int_equal(g->ack, T.t->rcv_nxt);
                assert_int_equal(g->seq, T.t->snd_nxt);
        }
}

static struct outcome observe(const struct in *i)
{
        struct seg g;
        struct outcome o = {0};
        u8 f[200];
        struct seg in = {T.sport, T.dport, T.peer_isn + seq_of(i), i->flags & T_ACK ? T.our_isn + ack_of(i) : 0, i->flags, 65535,
                         NULL, 0, bytes_at(0),
                         i->n, (u16)(i->flags & T_URG ? 3 : 0)};
        T.read_all = false;
        u32 before = T.t ? tcp_readable(T.t) : 0;
        wire_rx(T.w, f, build_tcp(T.w, f, &in));
        wait_ms(45); /* an acknowledgement that may be delayed */
        o.got = T.t ? tcp_readable(T.t) - before : 0;
        o.to = where(i->at);
        o.gone = i->at >= SYN_SENT && i->at != HALF && i->at != TIME_WAIT && !T.w->st->tcp->n_tcbs && !T.w->st->tcp->tw_count;
        if (next_tx(&g)) {
                o.reply = reply_of(g.flags);
                check_numbers(i, &g, o.reply);
        }
        return o;
}

static void compare(const struct in *i)
{
        struct outcome want = oracle(i), got;
        restore();
        got = observe(i);
        if (want.gone)
                want.to = got.to;
        if (want.to == TIME_WAIT && got.to == TIME_WAIT)
                got.got = want.got;
        if (got.to != want.to || got.gone != want.gone || got.reply != want.reply || (!want.gone && got.got != want.got))
                fail_msg("%s, flags %02x, seq %s, ack %s, %u bytes: reply %s to %s%s got %u; expected %s to %s%s got %u",
                         point_name[i->at], i->flags,
                         seq_name[i->sc], ack_name[i->ac], i->n, reply_name[got.reply], point_name[got.to],
                                 got.gone ? " gone" : "", got.got,
                         reply_name[want.reply], point_name[want.to], want.gone ? " gone" : "", want.got);
}

static void point_against_all_segments(enum point p)
{
        go(p);
        save();
        for (u32 flags = 0; flags < 256; flags++)
                for (enum seq_class sc = 0; sc < SEQS; sc++)
                        for (enum ack_class ac = 0; ac < (flags & T_ACK ? ACKS : 1); ac++)
                                for (u32 n = 0; n <= N; n += N)
                                        compare(&(struct in){p, (u8)flags, sc, ac, n});
        restore();
        forget();
}

#define AT(P) static void all_segments_in_##P(void **s) { point_against_all_segments(P); }
AT(CLOSED) AT(LISTEN) AT(SYN_SENT) AT(HALF) AT(SYN_RECEIVED) AT(ESTABLISHED)
AT(FIN_WAIT_1) AT(FIN_WAIT_2) AT(CLOSE_WAIT) AT(CLOSING) AT(LAST_ACK) AT(TIME_WAIT)

/* --- the table for people --- */
static void cell(struct in i)
{
        restore();
        struct outcome o = observe(&i);
        bool same = o.to == i.at && !o.gone;
        printf(" %s%s%s%s |", reply_name[o.reply], o.got ? " text" : "", same ? "" : " -> ",
               same ? "" : o.gone ? "gone" : point_name[o.to]);
}

static void print_segments(void)
{
        static const struct { u8 f; const char *name; u32 n; } kind[] = {{T_RST, "RST", 0}, {T_RST | T_ACK, "RST,ACK", 0},
                                                                         {T_SYN, "SYN", 0}, {T_SYN | T_ACK, "SYN,ACK", 0},
                {T_ACK, "ACK", 0}, {T_ACK, "ACK + text", N}, {T_ACK | T_FIN, "ACK,FIN", 0}, {T_FIN, "FIN", 0},
                {0, "no flag + text", N}};
        for (enum point p = 0; p < POINTS; p++) {
                go(p);
                save();
                printf("\n### %s\n\n| segment | sequence |", point_name[p]);
                for (u32 a = 0; a < ACKS; a++)
                        printf(" ack %s |", ack_name[a]);
                printf("\n|---|---|---|---|---|---|---|---|\n");
                for (u32 k = 0; k < COUNT_OF(kind); k++)
                        for (enum seq_class sc = 0; sc < SEQS; sc++) {
                                printf("| %s | %s |", kind[k].name, seq_name[sc]);
                                for (enum ack_class ac = 0; ac < ACKS; ac++)
                                        if (kind[k].f & T_ACK)
                                                cell((struct in){p, kind[k].f, sc, ac, kind[k].n});
                                        else if (!ac)
                                                cell((struct in){p, kind[k].f, sc, ac, kind[k].n});
                                        else
                                                printf(" |");
                                printf("\n");
                        }
                restore();
                forget();
        }
}

static void print_bytes(void)
{
        static const char *const ev[] = {"we send SYN", "SYN comes", "SYN,ACK comes", "ACK of our SYN", "we send FIN",
                                         "FIN comes", "FIN comes, ACK held", "held ACK goes",
                                         "ACK of our FIN", "abort"};
        printf("| byte | bits | name |");
        for (u32 e = 0; e < TCP_EV_N; e++)
                printf(" %s |", ev[e]);
        printf("\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
        for (u32 b = 0; b < 256; b++) {
                if (!tcp_byte_legal((u8)b))
                        continue;
                printf("| %02x | ", b);
                for (int k = 7; k >= 0; k--)
                        printf("%u%s", b >> k & 1, k == 4 ? " " : "");
                printf(" | %s |", b && b < 15 && b != 4 && b != 7 ? "(decoupled)" : tcp_rfc_name(tcp_rfc_state((u8)b, true)));
                for (u32 e = 0; e < TCP_EV_N; e++) {
                        int to = tcp_transition((u8)b, e);
                        if (to < 0)
                                printf(" |");
                        else
                                printf(" %02x |", to);
                }
                printf("\n");
        }
}

static int print_table(void)
{
        printf("# The connection byte, in one table\n\nPrinted by `make doc-tables` from the machine itself "
               "(hosttest/net/tcp/states.c, which also compares all of it, and\n"
               "every other combination of flags, with an oracle written from RFC 9293 3.10.7 and RFC 5961).\n\n## The byte\n\n"
               "`FFFFSSSS`; a bit is set once and never cleared. An empty cell is an edge that does not exist. 7f is "
               "CLOSING when our FIN went first, else\n"
               "LAST_ACK; ff TIME_WAIT or CLOSED. (decoupled): legal, but not reached by a peer that is plain TCP.\n\n");
        print_bytes();
        printf("\n## Segments\n\nA cell: what is answered (at the latest after 45 ms), `text` when bytes were taken, and "
               "the state that follows when it is another. The window is %u bytes,\n"
               "%u bytes of ours are outstanding from ESTABLISHED on, FIN behind them where we sent one; text is %u bytes. "
               "Sequence: `duplicate` begins %u, `overlap` %u, `of its\n"
               "SYN` 1 before RCV.NXT, `ahead` 50 behind it, `outside` beyond the window. Acknowledgement: `old` 50, "
               "`ancient` 10^6 before SND.UNA, `future` one beyond SND.NXT.\n",
               WND, OUT, N, N, N / 2);
        print_segments();
        return 0;
}

int main(int argc, char **argv)
{
        if (argc > 1 && !strcmp(argv[1], "table"))
                return print_table();
        const struct CMUnitTest tests[] = {
                test(all_bytes_all_events), test(r13_names), test(all_segments_in_CLOSED), test(all_segments_in_LISTEN),
                test(all_segments_in_SYN_SENT),
                test(all_segments_in_HALF), test(all_segments_in_SYN_RECEIVED), test(all_segments_in_ESTABLISHED),
                test(all_segments_in_FIN_WAIT_1),
                test(all_segments_in_FIN_WAIT_2), test(all_segments_in_CLOSE_WAIT), test(all_segments_in_CLOSING),
                test(all_segments_in_LAST_ACK),
                test(all_segments_in_TIME_WAIT),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
