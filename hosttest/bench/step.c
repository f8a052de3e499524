/* step.c - the counter: steps a child by ptrace and books every instruction on the function it lies in.
 * SPDX-License-Identifier: MIT */
#include "step.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SYMBOLS = 20000, SHOWN = 24 };
struct symbol { u32 at; char name[44]; u64 self; bool driver, app, harness; };
struct row { char name[80]; u32 times, lwip, target; bool stack_alone; double value; };

static struct symbol symbol[SYMBOLS];
static u32 n_symbols;
static struct row *shared;   /* seen by both processes */
static u64 counted, app_self;

__attribute__((noinline)) void step_begin(void) { __asm__ volatile("int3" ::: "memory"); }
__attribute__((noinline)) void step_end(void) { __asm__ volatile("nop" ::: "memory"); }

static double row_ends(const char *name, u32 times, u32 lwip, u32 target, bool stack_alone)
{
        shared->times = times;
        shared->stack_alone = stack_alone;
        snprintf(shared->name, sizeof shared->name, "%s", name);
        shared->lwip = lwip;
        shared->target = target;
        raise(SIGUSR1);
        return shared->value;
}

double step_row(const char *name, u32 times, u32 lwip, u32 target) { return row_ends(name, times, lwip, target, false); }
double step_row_stack(const char *name, u32 times, u32 lwip, u32 target) { return row_ends(name, times, lwip, target, true); }

static void read_symbols(void)
{
        char cmd[64], line[512];
        snprintf(cmd, sizeof cmd, "nm -n /proc/%d/exe", getpid());
        FILE *f = popen(cmd, "r");
        while (f && fgets(line, sizeof line, f) && n_symbols < SYMBOLS) {
                struct symbol *s = &symbol[n_symbols];
                char kind;
                if (sscanf(line, "%x %c %43s", &s->at, &kind, s->name) != 3 || (kind | 32) != 't')
                        continue;
                s->driver = strncmp(s->name, "drv_", 4) == 0;
                s->app = strncmp(s->name, "app_", 4) == 0;
                s->harness = strncmp(s->name, "harness_", 8) == 0;
                n_symbols++;
        }
        if (f)
                pclose(f);
}

static struct symbol *symbol_of(u32 eip)
{
        u32 lo = 0, hi = n_symbols;
        while (hi - lo > 1) {
                u32 mid = (lo + hi) / 2;
                if (symbol[mid].at <= eip)
                        lo = mid;
                else
                        hi = mid;
        }
        return &symbol[lo];
}

static void step(int pid)
{
        int st;
        ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
        waitpid(pid, &st, 0);
        if (!WIFSTOPPED(st))
                exit(1);
}

/* From the mark at which the child stopped to step_end. The call of step_end itself is not counted. */
static void count_region(int pid)
{
        struct user_regs_struct r;
        u32 driver_esp = 0;
        bool returned = false;
        for (;;) {
                step(pid);
                ptrace(PTRACE_GETREGS, pid, 0, &r);
                if ((u32)r.eip == (u32)step_end)
                        break;
                if (!returned) {                /* still inside step_begin */
                        returned = symbol_of((u32)r.eip)->at != (u32)step_begin;
                        if (!returned)
                                continue;
                }
                struct symbol *s = symbol_of((u32)r.eip);
                if (driver_esp && (u32)r.esp > driver_esp)
                        driver_esp = 0;
                if (s->driver && !driver_esp)
                        driver_esp = (u32)r.esp;
                if (driver_esp || s->harness)
                        continue;
                counted++;
                s->self++;
                app_self += s->app;
        }
}

static int by_self(const void *a, const void *b)
{
        const struct symbol *x = *(struct symbol *const *)a, *y = *(struct symbol *const *)b;
        return (x->self < y->self) - (x->self > y->self);
}

static void show_functions(void)
{
        static struct symbol *order[SYMBOLS];
        for (u32 i = 0; i < n_symbols; i++)
                order[i] = &symbol[i];
        qsort(order, n_symbols, sizeof *order, by_self);
        for (u32 i = 0; i < SHOWN && order[i]->self; i++)
                printf("        %8.1f %s\n", (double)order[i]->self / shared->times, order[i]->name);
}

static void print_row(bool functions)
{
        double app = (double)app_self / shared->times, value = shared->value = (double)counted / shared->times - (shared->stack_alone ? app : 0);
        printf("%s: %.0f instructions", shared->name, value);
        if (shared->target)
                printf(", target %u %s", shared->target, value <= shared->target ? "met" : "missed");
        if (shared->lwip)
                printf(", lwIP %u", shared->lwip);
        if (shared->stack_alone)
                printf("; beside it %.0f of the application", app);
        printf("\n");
        if (functions) {
                printf("        %8.1f of the application\n", app);
                show_functions();
        }
        for (u32 i = 0; i < n_symbols; i++)
                symbol[i].self = 0;
        counted = app_self = 0;
        fflush(stdout);
}

int step_run(int (*program)(void), bool functions)
{
        shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        read_symbols();
        fflush(stdout);
        int pid = fork(), st;
        if (pid == 0) {
                ptrace(PTRACE_TRACEME, 0, 0, 0);
                raise(SIGSTOP);
                exit(program());
        }
        waitpid(pid, &st, 0);
        for (;;) {
                ptrace(PTRACE_CONT, pid, 0, 0);
                waitpid(pid, &st, 0);
                if (WIFEXITED(st))
                        return WEXITSTATUS(st);
                if (WIFSIGNALED(st) || (WIFSTOPPED(st) && WSTOPSIG(st) != SIGTRAP && WSTOPSIG(st) != SIGUSR1)) {
                        fprintf(stderr, "the measured program died of signal %d\n", WIFSIGNALED(st) ? WTERMSIG(st) : WSTOPSIG(st));
                        return 1;
                }
                if (WSTOPSIG(st) == SIGUSR1)
                        print_row(functions);
                else
                        count_region(pid);
        }
}
