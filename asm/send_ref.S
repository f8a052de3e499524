/* send_ref.S - bytes by reference onto the send queue from inside the connection's own event, with room for them;
 * and the most usual, a calm connection's one reply.
 * SPDX-License-Identifier: MIT */
#include "tcp.inc"

        /* ecx: t; to .Lany unless we are inside of its event, which may still send, a sum comes along, and there are cells beside those that
           the records of what was sent need. edx becomes tcp_state, eax the sum's address */
.macro FROM_INSIDE
        mov     eax, [ecx+TCB_FLAGS]
        mov     edx, [ecx+TCB_TS]
        and     eax, F_FIN_QUEUED | F_USER_CLOSED | F_DEAD | F_BUSY
        cmp     eax, F_BUSY
        jne     .Lany
        mov     eax, [edx+TS_CELLS+CELL_KEEP]
        cmp     [edx+TS_CELLS+CELL_N_FREE], eax
        jbe     .Lany
        mov     eax, [esp+16]
        test    eax, eax
        jz      .Lany
.endm

/*
 * int tcp_send_ref(struct tcb *t, const void *ptr, u32 n, const u32 *sum);
 *   in        [esp+4] t, [esp+8] ptr, [esp+12] n, [esp+16] sum, or 0
 *   out       eax = 0: queued; else as tcp_send_ref_any, which does the rare
 *   clobbers  ecx, edx, flags
 */
func tcp_send_ref
        mov     ecx, [esp+4]
        cmp     byte ptr [ecx+TCB_TIMER_KIND], KIND_READY
        jne     .Lusual

        /* the next one behind one that is acknowledged with what it answers: we are inside of that event, and both are promised */
        mov     edx, [esp+12]
        lea     eax, [edx-1]
        cmp     eax, [ecx+TCB_REPLY_MOST]
        jae     .Lready_no
        test    dword ptr [ecx+TCB_FLAGS], F_FIN_QUEUED | F_USER_CLOSED | F_DEAD
        jnz     .Lready_no
        mov     eax, [esp+16]
        test    eax, eax
        jz      .Lready_no
.Lkeep:                                         /* edx bytes; eax the sum's address */
        mov     eax, [eax]
        mov     [ecx+TCB_SND_QUEUED], edx
        mov     [ecx+TCB_REPLY_SUM], eax
        mov     eax, [esp+8]
        mov     byte ptr [ecx+TCB_TIMER_KIND], KIND_REPLY
        mov     [ecx+TCB_REPLY], eax
        or      dword ptr [ecx+TCB_FLAGS], F_WANT_TX
        xor     eax, eax
        ret

.Lready_no:
        mov     edx, [ecx+TCB_TS]
        READY_NO edx
        mov     byte ptr [ecx+TCB_TIMER_KIND], KIND_CALM
.Lusual:
        /* one reply, which the connection describes itself (calm.c): not more than a segment, the window, the buffer? */
        movzx   eax, word ptr [ecx+TCB_MSS]
        cmp     eax, [ecx+TCB_SND_WND]
        ja      .Lwindow_less
.Lwindow:
        cmp     eax, [ecx+TCB_SNDBUF]
        ja      .Lbuffer_less
.Lbuffer:
        mov     edx, [esp+12]
        dec     edx
        cmp     edx, eax
        jae     .Llisted
        cmp     dword ptr [ecx+TCB_SND_QUEUED], 0
        jne     .Llisted
        mov     [ecx+TCB_REPLY_MOST], eax
        FROM_INSIDE
        cmp     byte ptr [ecx+TCB_TIMER_KIND], KIND_CALM
        jne     .Lfirst
.Lcalm:
        sub     dword ptr [edx+TS_FLIGHTS+CELL_N_FREE], 1 /* promised, both */
        jb      .Lno_flight
        dec     dword ptr [edx+TS_CELLS+CELL_N_FREE]
        mov     edx, [esp+12]
        jmp     .Lkeep

.Lany:
        jmp     tcp_send_ref_any

.Lwindow_less:
        mov     eax, [ecx+TCB_SND_WND]
        jmp     .Lwindow
.Lbuffer_less:
        mov     eax, [ecx+TCB_SNDBUF]
        jmp     .Lbuffer

.Lfirst:                                        /* with nothing queued it is not a later one */
        cmp     dword ptr [edx+TS_FLIGHTS+CELL_N_FREE], 0
        je      .Llisted
        push    ebx
        push    edi
        push    ebp
        mov     ebx, edx
        mov     edi, ecx
        mov     ebp, [edx+TS_ST]
        call    calm_enter_go_on
        mov     edx, ebx
        mov     ecx, edi
        pop     ebp
        pop     edi
        pop     ebx
        test    al, al
        mov     eax, [esp+16]
        jnz     .Lcalm
        jmp     .Llisted

.Lno_flight:
        inc     dword ptr [edx+TS_FLIGHTS+CELL_N_FREE]
.Llisted:
        FROM_INSIDE
        cmp     dword ptr [ecx+TCB_SND_QUEUED], 0
        jne     .Lbehind
        mov     eax, [esp+12]
        dec     eax
        cmp     eax, [ecx+TCB_SNDBUF]           /* 1 to all of it */
        jae     .Lany
        mov     eax, [edx+TS_CELLS]
        dec     dword ptr [edx+TS_CELLS+CELL_N_FREE]
        push    [eax]
        pop     [edx+TS_CELLS]
        mov     [ecx+TCB_SND_FIRST], eax
.Lentry:
        mov     edx, [esp+16]
        mov     byte ptr [eax+ENT_HAS_SUM], 1
        mov     edx, [edx]
        mov     [eax+ENT_SUM], edx
        mov     edx, [esp+12]
        mov     [eax+ENT_LEN], edx
        add     [ecx+TCB_SND_QUEUED], edx
        mov     edx, [esp+8]
        mov     [ecx+TCB_SND_LAST], eax
        mov     [eax+ENT_PTR], edx
        xor     edx, edx
        mov     [eax+ENT_NEXT], edx
        mov     [eax+ENT_HOLD], edx
        or      dword ptr [ecx+TCB_FLAGS], F_WANT_TX
        xor     eax, eax
        ret
.Lbehind:
        cmp     byte ptr [ecx+TCB_TIMER_KIND], KIND_CALM
        ja      .Lany
        mov     eax, [ecx+TCB_SND_FIRST]
        cmp     dword ptr [eax+ENT_NEXT], 0     /* two pieces at most */
        jne     .Lany
        mov     eax, [esp+12]
        test    eax, eax
        jz      .Lany
        add     eax, [ecx+TCB_SND_QUEUED]
        jc      .Lany
        cmp     eax, [ecx+TCB_SNDBUF]
        ja      .Lany
        mov     eax, [edx+TS_CELLS]
        dec     dword ptr [edx+TS_CELLS+CELL_N_FREE]
        push    [eax]
        pop     [edx+TS_CELLS]
        mov     edx, [ecx+TCB_SND_LAST]
        mov     [edx+ENT_NEXT], eax
        jmp     .Lentry
endfunc tcp_send_ref
