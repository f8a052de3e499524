# hosttest.mk - tests on the build machine. hosttest/ mirrors the tree: each hosttest/{asm,c,drivers,net,net/tcp,net/service,shell,fs}/X.c
# is one cmocka program; hosttest/fuzz/X.c one fuzzer with corpus in hosttest/corpus/X/; hosttest/e2e/*.py boot the image.
# Everything prints TAP lines (ok N - name / not ok N - name); hosttest/run.py adds them up.
KERN_PURE:= $(addprefix c/,pages.c slab.c keymap.c aml.c sponge.c option.c callsite.c poolsize.c) # parts of the kernel that know no machine
SAN_SRC  := $(wildcard net/*.c net/tcp/*.c net/handoff/*.c) c/fmt.c c/packed.c c/cksum.c $(KERN_PURE) $(APP_SRC)
SAN      := $(call obj,san,$(SAN_SRC) drivers/copy.c drivers/nic.c drivers/virtio_ring.c)
FUZZ_OBJ := $(call obj,fuzz,$(SAN_SRC))
UNIT_SRC := $(wildcard $(addprefix hosttest/,asm/*.c c/*.c drivers/*.c net/*.c net/tcp/*.c net/handoff/*.c net/service/*.c shell/*.c fs/*.c))
UNIT     := $(UNIT_SRC:hosttest/%.c=$B/unit/%) $B/unit/net/foreign
FUZZ_SRC := $(wildcard hosttest/fuzz/*.c)
FUZZERS  := $(FUZZ_SRC:hosttest/fuzz/%.c=$B/fuzzer/%) $B/fuzzer/tcp-asm
SUPPORT  := $(wildcard hosttest/support/*.c)

$B/deps/cmocka.o: tools/cmocka.sh
	tools/cmocka.sh $B/deps
$B/san/drivers/%.c.o: SANFLAGS += -masm=intel
$B/san/%.c.o: %.c
	@mkdir -p $(@D)
	$(CC) $(SANFLAGS) -MMD -c $< -o $@
$B/fuzz/%.c.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZFLAGS) -MMD -c $< -o $@

# As archives, so that a program links what it uses and nothing else.
$B/libsan.a: $(SAN)
	rm -f $@ && ar rcs $@ $^
$B/libfuzz.a: $(FUZZ_OBJ)
	rm -f $@ && ar rcs $@ $^

# The test's own source is named last: of several, the compiler notes only the last one's headers.
# Sanitized unit tests against the C twins; hosttest/asm/ links the real objects (libnet.a) beside prefixed twins.
$B/unit/%: hosttest/%.c $(SUPPORT) $B/libsan.a $B/deps/cmocka.o
	@mkdir -p $(@D)
	$(CC) $(SANFLAGS) -Ihosttest/support -I$B/deps -MMD -MF $@.d $(SUPPORT) $< $B/libsan.a $B/deps/cmocka.o -o $@
# Programs outside: qure.h alone in C99, and a whole one in C++, warned of everything.
FOREIGN_FLAGS = -m32 -Wall -Wextra -pedantic -Werror -Iinclude
$B/unit/net/foreign: hosttest/net/foreign.cc $B/libqure.a
	@mkdir -p $(@D)
	$(CC) $(FOREIGN_FLAGS) -std=c99 -fsyntax-only -x c include/qure.h
	$(CXX) $(FOREIGN_FLAGS) -std=c++11 -g -no-pie -MMD -MF $@.d $< $B/libqure.a -o $@
# hosttest/asm/X.c: asm/X.S under its own names, the twin's object under the prefix c_ (its undefined names stay as they are).
.SECONDEXPANSION:
$B/twin/%.o: $$(call TWIN,$$*)
	@mkdir -p $(@D)
	$(CC) $(KFLAGS) -O2 -MMD -MF $@.d -MT $@ -c $< -o $@.plain
	nm --defined-only $@.plain | awk '$$2 ~ /[TDRB]/ { print $$3, "c_" $$3 }' > $@.names
	objcopy --redefine-syms=$@.names $@.plain $@
UNIT_ASM := $(patsubst hosttest/%.c,$B/unit/%,$(wildcard hosttest/asm/*.c))
$(UNIT_ASM): $B/unit/asm/%: hosttest/asm/%.c hosttest/asm/call_checked.S $B/twin/%.o $(call obj,k,$(ASM_BOTH)) $B/deps/cmocka.o $B/libnet.a
	@mkdir -p $(@D)
	$(CC) -m32 -no-pie -g -O1 -std=gnu11 -D_GNU_SOURCE $(WARN) -Iinclude -I$B -Ihosttest/support -I$B/deps -MMD -MF $@.d hosttest/asm/call_checked.S $< \
	        $(call obj,k,$(ASM_BOTH)) $B/twin/$*.o $B/libnet.a $B/deps/cmocka.o -o $@
# The traces of TCP once more against what the kernel links, assembly included.
REAL := $(patsubst hosttest/%.c,$B/real/%,$(wildcard hosttest/net/tcp/*.c))
$(REAL): $B/real/%: hosttest/%.c hosttest/support/wire.c $B/libnet.a $B/deps/cmocka.o
	@mkdir -p $(@D)
	$(CC) -m32 -no-pie -g -O1 -std=gnu11 $(WARN) -Iinclude -I$B -Ihosttest/support -I$B/deps -MMD -MF $@.d hosttest/support/wire.c $< $B/libnet.a $B/deps/cmocka.o -o $@
$B/fuzzer/%: hosttest/fuzz/%.c $(SUPPORT) $B/libfuzz.a
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZFLAGS) -fsanitize=fuzzer -Ihosttest/support -MMD -MF $@.d $(SUPPORT) $< $B/libfuzz.a -o $@
# The same inputs, and the same checks after each packet, of what the kernel links: assembly has no sanitizer and shows no coverage.
$B/fuzzer/tcp-asm: hosttest/fuzz/tcp.c $(SUPPORT) $B/libnet.a
	@mkdir -p $(@D)
	$(FUZZ_CC) -m32 -no-pie -g -O1 -std=gnu11 -fno-strict-aliasing -w -fsanitize=fuzzer -Iinclude -I$B -Ihosttest/support -MMD -MF $@.d $(SUPPORT) $< $B/libnet.a -o $@

include hosttest/tap/tap.mk

include hosttest/conversation/conversation.mk
include hosttest/handoff-demo/handoff-demo.mk

include hosttest/sim/sim.mk
include hosttest/bench/bench.mk
include hosttest/soak/soak.mk

export B
E2E      := $(filter-out %/machine.py,$(wildcard hosttest/e2e/*.py))
FUZZ_SECONDS ?= 300
JOBS     := -j$(shell nproc)

# The same objects that the kernel links, and a result file per group; `test` runs every group even when one fails.
unit:
	$(MAKE) --no-print-directory $(JOBS) $(UNIT) $(REAL)
	python3 hosttest/run.py unit $(UNIT) $(REAL)
fuzz: $(FUZZERS)
	python3 hosttest/fuzz.py $(FUZZ_SECONDS) $(FUZZERS)
e2e: image iso $B/qure-tap $B/qure-tap-san $B/conversation $B/qget $B/qserve
	python3 hosttest/run.py e2e $(E2E)
test:
	rm -rf $B/results
	-$(MAKE) --no-print-directory unit
	-$(MAKE) --no-print-directory $(JOBS) sim
	-$(MAKE) --no-print-directory $(JOBS) fuzz
	-$(MAKE) --no-print-directory $(JOBS) e2e
	@python3 hosttest/run.py total unit sim fuzz e2e

include hosttest/count/count.mk

# Tables in doc/ that programs print.
.PHONY: doc-tables
doc-tables: $B/unit/net/tcp/states
	$< table > doc/tcp_states.md
