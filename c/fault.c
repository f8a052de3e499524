/* fault.c - what an exception meant, in words: null pointer, stack overflow of which thread, write to what is read-only,
 * execution of what is not code. Prints; decides nothing.
 * SPDX-License-Identifier: MIT */
#include "mem.h"
#include "panic.h"
#include "sections.h"
#include "thread.h"
#include "trap.h"

enum { PF_PRESENT = 1, PF_WRITE = 2, PF_FETCH = 16 };

static const char *const exception_names[] = {
        [0] = "divide error", [1] = "debug", [2] = "NMI", [3] = "breakpoint", [4] = "overflow", [5] = "bound",
        [6] = "invalid opcode", [7] = "no FPU", [8] = "double fault", [9] = "FPU segment", [10] = "invalid TSS",
        [11] = "segment not present", [12] = "stack segment", [13] = "general protection", [14] = "page fault", [16] = "FPU error", [17] = "alignment",
        [18] = "machine check", [19] = "SIMD error",
};

static u32 read_cr2(void)
{
        u32 v;
        __asm__ volatile("mov %0, cr2" : "=r"(v));
        return v;
}

static void print_regs(const struct trapframe *f, u32 esp)
{
        panic_line("eax %08x ebx %08x ecx %08x edx %08x esi %08x edi %08x", f->eax, f->ebx, f->ecx, f->edx, f->esi, f->edi);
        panic_line("ebp %08x esp %08x eip %08x eflags %08x cr2 %08x error %x", f->ebp, esp, f->eip, f->eflags, read_cr2(),
                   f->error);
}

static void explain_page_fault(u32 addr, u32 error)
{
        const char *did = error & PF_FETCH ? "execution" : error & PF_WRITE ? "write" : "read";
        const char *owner = thread_guard_at(addr);
        if (addr < PAGE_SIZE)
                panic_line("%s at %08x: null pointer", did, addr);
        else if (owner)
                panic_line("%s at %08x: stack overflow, guard page of thread %s", did, addr, owner);
        else if (error & PF_FETCH && error & PF_PRESENT)
                panic_line("execution at %08x: writable or read-only data is not code", addr);
        else if (error & PF_PRESENT)
                panic_line("write at %08x: read-only (%s)", addr, in_text(addr) ? "kernel text" :
                           addr >= (u32)__rodata_start && addr < (u32)__rodata_end ? "kernel constants" : "memory");
        else
                panic_line("%s at %08x: nothing is mapped there", did, addr);
}

/* Where the call, jump or return through a register at eip was going; 0 when it is none. */
static u32 indirect_target(const struct trapframe *f)
{
        const u8 *op = (const u8 *)f->eip;
        const u32 reg[] = { f->eax, f->ecx, f->edx, f->ebx, 0, f->ebp, f->esi, f->edi };
        if (op[0] == 0xc3)
                return *(const u32 *)(f + 1);           /* ret: the word above the frame */
        if (op[0] == 0xff && ((op[1] & 0xf8) == 0xd0 || (op[1] & 0xf8) == 0xe0))
                return reg[op[1] & 7];
        return 0;
}

/* Without NX a jump out of the text breaks the code segment's limit, before or after eip has changed. */
static void explain_protection(const struct trapframe *f)
{
        u32 target = in_text(f->eip) ? indirect_target(f) : f->eip;
        if (!f->error && target && !in_text(target))
                panic_line("execution at %08x: behind the end of the code segment, data is not code", target);
}

void panic_trap(const struct trapframe *f)
{
        u32 esp = (u32)(f + 1);
        const char *name = f->vector < COUNT_OF(exception_names) ? exception_names[f->vector] : NULL;
        panic_begin();
        panic_line("\npanic: %s (exception %u) in thread %s", name ? name : "exception", f->vector, thread_name(thread_self()));
        if (f->vector == VEC_PF)
                explain_page_fault(read_cr2(), f->error);
        if (f->vector == VEC_GP)
                explain_protection(f);
        print_regs(f, esp);
        panic_end(f->eip, esp);
}

/* Runs as a task of its own: the stack that broke is not touched. */
void trap_double_fault(void)
{
        const struct tss *t = gdt_main_tss();
        const char *owner = thread_guard_at(read_cr2());
        struct trapframe f = { .eax = t->eax, .ebx = t->ebx, .ecx = t->ecx, .edx = t->edx, .esi = t->esi, .edi = t->edi,
                               .ebp = t->ebp, .eip = t->eip, .eflags = t->eflags };
        panic_begin();
        panic_line("\npanic: double fault in thread %s", thread_name(thread_self()));
        if (owner)
                panic_line("push at %08x: stack overflow, guard page of thread %s", read_cr2(), owner);
        print_regs(&f, t->esp);
        panic_end(t->eip, t->esp);
}
