/* states_table.h - prints doc/tcp_states.md: every byte with every event, every state with the usual segments. Included by
 * states.c, whose machine it asks. SPDX-License-Identifier: MIT */
#ifndef STATES_TABLE_H
#define STATES_TABLE_H

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
               "(hosttest/net/tcp/states.c; it and byte.c compare all of it, and\n"
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

#endif
