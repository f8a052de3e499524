// foreign.cc - who links libqure.a may write C++, with every warning an error: an instance, a SYN, its answer, the connection.
// Not here: what a conformance suite asks (black_box.c). SPDX-License-Identifier: MIT
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include "qure.h"
#include "../../net/tcp/tcb.h"

namespace {

u8 memory[8 << 20] __attribute__((aligned(4096)));
size_t used;

void *give(void *, size_t n, size_t align)
{
        used = (used + align - 1) & ~(align - 1);
        return n > sizeof memory - used ? nullptr : &memory[(used += n) - n];
}

// Host 1 (from 192.0.2.1:4000) or 2 (back from it) sends a segment without options or text.
void segment(u8 b[40], u32 seq, u32 ack, u8 flags)
{
        const u8 like[40] = {0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 4000 >> 8, 4000 & 255, 0, 80,
                             0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 255, 255, 0, 0, 0, 0};
        const u8 pseudo[12] = {192, 0, 2, 1, 192, 0, 2, 2, 0, 6, 0, 20};
        std::memcpy(b, like, sizeof like);
        be32 s = be32_of(seq), a = be32_of(ack);
        std::memcpy(b + 24, &s, 4);
        std::memcpy(b + 28, &a, 4);
        u16 ip = static_cast<u16>(~cksum_fold(cksum_add(0, b, 20)));
        std::memcpy(b + 10, &ip, 2);
        u16 tcp = static_cast<u16>(~cksum_fold(cksum_add(cksum_add(0, pseudo, sizeof pseudo), b + 20, 20)));
        std::memcpy(b + 36, &tcp, 2);
}

} // namespace

int main()
{
        qure_config c = qure_config();
        c.addr = IPADDR(192, 0, 2, 2);
        c.plen = 24;
        c.stack.alloc = give;
        qure *q = qure_new(&c, 0);
        tcp_opts o = tcp_opts();
        o.fixed_isn = true;
        o.isn = 7000;
        u8 b[2048];
        qure_result r;
        bool listens = q && qure_listen(q, 80, 1, &o) == 0;
        segment(b, 1000, 0, 2);
        bool half = listens && qure_receive(q, b, 40, 1000, &r) == QURE_NOTHING;
        bool answered = half && qure_send(q, b, sizeof b, 1000) != 0 && b[33] == 0x12;
        segment(b, 1001, 7001, 16);
        bool open = answered && qure_receive(q, b, 40, 2000, &r) == QURE_OPEN;
        tcb *t = open ? qure_tcb(q, r.key) : nullptr;
        bool right = t && !std::strcmp(tcp_state_name(t), "ESTABLISHED") && t->rcv_nxt == 1001 && t->snd_una == 7001;
        std::printf("1..1\n%sok 1 - a C++ program opens a connection and looks into it\n", right ? "" : "not ");
        return !right;
}
