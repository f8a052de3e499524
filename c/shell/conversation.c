/* conversation.c - `conversation`: what goes on in three packets, and the kind of its TCP option.
 * SPDX-License-Identifier: MIT */
#include "commands.h"
#include "tcp.h"

enum { KIND = 144 };

int cmd_conversation(struct words *w)
{
        struct tcp_conv_info i;
        u32 kind;

        if (take_if(w, "kind")) {
                if (!take_u32(w, "an option kind", 35, 254, &kind) || !take_end(w))
                        return -1;
                tcp_option_kind(plat_stack(), (u8)kind);
                return 0;
        }
        if (!take_end(w))
                return -1;
        tcp_conv_info(plat_stack(), &i);
        out("option %u: %u SYNs with it, %u connections now, %u peers known\n", i.kind, i.hellos, i.now, i.peers);
        out("requests on a SYN: %u used (%u without a cookie), %u held for the handshake, %u seen before\n", i.early, i.unproven,
            i.held, i.replays);
        out("directions opened again %u, plain retries %u, wrong cookies %u, answers withheld %u\n", i.reopened, i.fallbacks,
            i.bad_cookies,
            i.rate_limited);
        return 0;
}

int no_conversation(struct words *w)
{
        u32 kind;

        if (!take_if(w, "kind"))
                return words_miss(w, "kind");
        if ((words_more(w) && !take_u32(w, "an option kind", 35, 254, &kind)) || !take_end(w))
                return -1;
        tcp_option_kind(plat_stack(), KIND);
        return 0;
}

void show_conversation(void)
{
        struct tcp_conv_info i;

        tcp_conv_info(plat_stack(), &i);
        if (i.kind != KIND)
                out("conversation kind %u\n", i.kind);
}
