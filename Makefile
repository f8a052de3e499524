# qure - a network appliance on a floppy. `make` alone says what there is.
# One page: pattern rules, -MMD, no recursion. B is where everything built goes.
B       := build
CC      := gcc
NASM    := nasm
WARN    := -Wall -Wextra -Werror -Wno-unused-parameter -Wstrict-prototypes -Wmissing-prototypes
ARCH    := -m32 -march=pentium -mtune=generic -mgeneral-regs-only -masm=intel
GUARD   := -fstack-protector --param=ssp-buffer-size=8 -mstack-protector-guard=global
KFLAGS   = $(ARCH) $(GUARD) -std=gnu11 -ffreestanding -fno-pic -fno-pie -fno-asynchronous-unwind-tables \
           -fno-strict-aliasing -ffunction-sections -fdata-sections -g -Iinclude -I$B $(WARN)
SANFLAGS:= -m32 -g -O1 -std=gnu11 -fno-strict-aliasing -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -Iinclude -I$B $(WARN)
FUZZ_CC := clang
FUZZFLAGS := -m32 -g -O1 -std=gnu11 -fno-strict-aliasing -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -Iinclude -I$B -w
# FAST=1: several times the inputs a second, and fewer ways to notice; what address sanitizer and comparisons cost is left out.
ifdef FAST
FUZZFLAGS := -m32 -g -O2 -std=gnu11 -fno-strict-aliasing -fsanitize=fuzzer-no-link,undefined -fsanitize-trap=undefined \
             -fno-sanitize-coverage=trace-cmp,trace-div,trace-gep -Iinclude -I$B -w
endif

# A user's PATH in Debian lacks the folder of mkfs.fat and ip.
export PATH := $(PATH):/usr/sbin:/sbin

# Commands are shown with V=1.
ifndef V
.SILENT:
endif

# An assembly file replaces the C file of the same name (its twin). `make ASM=` builds from the twins alone.
TWIN     = $(firstword $(wildcard c/$(1).c net/tcp/$(1).c net/$(1).c))
ASM_BOTH:= $(foreach s,$(wildcard asm/*.S),$(if $(call TWIN,$(basename $(notdir $s))),$s))
ASM_ONLY:= $(filter-out $(ASM_BOTH),$(wildcard asm/*.S))
ASM     ?= $(ASM_BOTH)
TWINNED := $(foreach s,$(ASM),$(call TWIN,$(basename $(notdir $s))))

# net/ and what it stands on is a library (libqure.a); services, file systems and shell stand on it and on
# include/platform.h; the rest of c/ and drivers/ is the kernel.
LIB_SRC := $(filter-out $(TWINNED),$(wildcard net/*.c net/tcp/*.c net/handoff/*.c) c/fmt.c c/packed.c c/cksum.c) $(ASM)
APP_SRC := $(wildcard net/service/*.c c/fs/*.c c/shell/*.c)
KERN_SRC:= $(filter-out $(TWINNED) c/fmt.c c/packed.c c/cksum.c,$(wildcard c/*.c drivers/*.c)) $(ASM_ONLY) boot/entry.S
obj      = $(patsubst %,$B/$(1)/%.o,$(2))
LIB     := $(call obj,k,$(LIB_SRC))
FOREIGN := $(call obj,lib,$(LIB_SRC) hosttest/guard.c)
APP     := $(call obj,k,$(APP_SRC))
KERN    := $(call obj,k,$(KERN_SRC))

.PHONY: help image iso lib run tap test unit e2e fuzz soak bench count bochs bochs-debug clean
help:
	@sed -n 's/^## //p' Makefile

## make run          build, boot in QEMU, show where the page is (SITE= CONF= NIC=virtio|e1000|rtl8139|ne2k|pcnet NET=tap MEM=8)
## make test         everything: host tests, fuzzers, the image in QEMU and Bochs against real peers (parts: unit sim fuzz e2e)
## make image        build/qure.img (floppy), build/qure.elf (Multiboot)
## make iso          build/qure.iso (CD, USB stick, disk)
## make lib          build/libqure.a, the stack for 32-bit Linux programs
## make tap          the appliance as a Linux process on a TAP device
## make bochs        the floppy in Bochs; make bochs-debug opens its debugger with symbols
## make conversation a request in three packets beside the eight of a plain one, drawn
## make handoff-demo three kernels and a client: the front hands a connection to the node that answers it
## make count        instructions per request, counted in Bochs
## make bench        measurements, beside a Debian guest with nginx (parts: bench-size bench-instr bench-front bench-packets)
## make soak         long transfers and long simulations
## make fuzz         the fuzzers for longer (FUZZ_SECONDS=600; B=build/fast FAST=1: many more inputs, no address sanitizer)
## make clean        removes build/

# What a goal needs (tools/packages.txt) and is missing is installed before anything else is looked at. run and bochs do so themselves.
ROLES_test := build run tap bochs demo unit fuzz sim test
$(foreach g,e2e soak,$(eval ROLES_$g := $(ROLES_test)))
$(foreach g,unit bench-packets doc-tables,$(eval ROLES_$g := build unit))
$(foreach g,fuzz sim,$(eval ROLES_$g := build $g))
$(foreach g,image iso lib tap conversation bench-size bench-instr bench-front,$(eval ROLES_$g := build))
ROLES_count := build bochs
ROLES_bench := build run tap unit bench
ROLES_handoff-demo := build run tap demo
ROLES := $(sort $(foreach g,$(MAKECMDGOALS),$(ROLES_$g)))
# make -n only says what it would do, also where a script needs make's job server.
SCRIPT := +@
ifneq ($(findstring n,$(firstword -$(MAKEFLAGS))),)
ROLES  :=
SCRIPT :=
endif
ifneq ($(ROLES),)
ifneq ($(shell tools/install.sh $(ROLES) >&2 || echo missing),)
$(error make $(MAKECMDGOALS) needs these packages)
endif
endif

image: $B/qure.img $B/qure.elf
iso:   $B/qure.iso
lib:   $B/libqure.a

# --- kernel and library objects -------------------------------------------------------------------------------
OPT     := -Oz -fomit-frame-pointer
# The packet path is built for speed, the rest for size.
HOT     := $(addprefix net/,stack netif eth ip ip_path ip_tx ip_forward pkt wheel timer_set siphash handoff/passage) c/cksum c/string \
           $(addprefix net/tcp/,demux syn ack_of_syn last timewait synq accept lookup pool state tcp_receive tcp_respond predict ack text tx whole segment sndq batch batch_end recv rtt consume send_ref) \
           $(addprefix net/service/,http_conn http_parse http_memo http_send)
$(foreach d,k lib,$(HOT:%=$B/$d/%.c.o)): OPT := -O2 -fno-align-functions -fno-align-jumps -fno-align-labels -fno-align-loops
# A canary guards every array of bytes; in drivers, kernel core and file systems any array and any local whose address is taken.
$(KERN) $B/k/c/fs/%.c.o: GUARD := -fstack-protector-strong -mstack-protector-guard=global
# Nothing in the kernel wants a stack aligned to 16 bytes; a user's callbacks may, so for users the library is built once more.
$(KERN) $(APP) $(LIB): OPT += -mpreferred-stack-boundary=2
COMPILE  = @mkdir -p $(@D) && $(CC) $(KFLAGS) $(OPT) -MMD -c $< -o $@
ASSEMBLE = @mkdir -p $(@D) && $(CC) $(ARCH) -g -Iinclude -Iasm -I$B -MMD -c $< -o $@
$B/k/%.c.o: %.c Makefile ; $(COMPILE)
$B/lib/%.c.o: %.c Makefile ; $(COMPILE)
$B/k/%.S.o: %.S $B/offsets.h Makefile ; $(ASSEMBLE)
$B/lib/%.S.o: %.S $B/offsets.h Makefile ; $(ASSEMBLE)

# Struct offsets for assembly, printed by the compiler into its own listing (asm/offsets.c is never linked).
$B/offsets.h: asm/offsets.c
	@mkdir -p $(@D)
	$(CC) $(KFLAGS) -O1 -MMD -MF $B/offsets.d -MT $@ -S $< -o $B/offsets.s
	awk '$$1 == "@off" { print "#define", $$2, $$3 }' $B/offsets.s > $@

# The list of drop reasons, packed.
$(foreach d,k lib san fuzz,$B/$d/net/drop.c.o): $B/drop_words.h
$B/drop_words.h: include/drop.h boot/drops.py boot/packed.py
	@mkdir -p $(@D)
	python3 boot/drops.py $< > $@.new && mv $@.new $@

$B/libqure.a: $(FOREIGN)
	rm -f $@ && ar rcsD $@ $^
# the same sources as the kernel links them, for tests and measurements
$B/libnet.a: $(LIB) $B/k/hosttest/guard.c.o
	rm -f $@ && ar rcsD $@ $^

include boot/boot.mk
include hosttest/hosttest.mk

clean:
	rm -rf $B

-include $(shell find $B -name '*.d' 2>/dev/null)
