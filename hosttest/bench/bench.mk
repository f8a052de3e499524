# bench.mk - what `make bench` measures: bytes of the image by part, instructions of the stack, and the image beside a Debian guest.
BENCH_SRC := $(wildcard hosttest/bench/*.c)
MEMORY_OF  = @size $(2) | awk 'NR > 1 { b += $$3 } END { printf "memory.cleared.%s: %d bytes\n", "$(1)", b }'

$B/qure-bench-instr: $(BENCH_SRC) $(wildcard hosttest/bench/*.h) $B/k/c/string.c.o $B/libnet.a
	$(CC) -m32 -static -no-pie -g -O2 -std=gnu11 -fno-pie -D_GNU_SOURCE -fno-strict-aliasing $(WARN) -Iinclude -I$B $(BENCH_SRC) $B/k/c/string.c.o $B/libnet.a -o $@

# The front between a client and a node; the services are the kernel's.
FRONT_SRC := $(wildcard hosttest/bench/front/*.c) hosttest/bench/step.c $(addprefix hosttest/support/,fatimg.c plat.c wire.c)
FRONT_OBJ := $(APP) $B/k/c/string.c.o $B/libnet.a
$B/qure-bench-front: $(FRONT_SRC) $(wildcard hosttest/bench/*.h hosttest/bench/front/*.h) $(FRONT_OBJ)
	$(CC) -m32 -static -no-pie -g -O2 -std=gnu11 -D_GNU_SOURCE -fno-strict-aliasing $(WARN) -Iinclude -I$B -Ihosttest/support -Wl,--gc-sections \
	        $(FRONT_SRC) $(FRONT_OBJ) -o $@

.PHONY: bench-size bench-instr bench-front bench-packets
# memory.cleared: what of memory is cleared at start, beside what the kernel brings.
bench-size: image iso
	@python3 hosttest/bench/emulator.py size
	$(call MEMORY_OF,kernel_core_and_drivers,$(KERN))
	$(call MEMORY_OF,services_files_shell,$(APP))
bench-instr: $B/qure-bench-instr
	$B/qure-bench-instr
bench-front: $B/qure-bench-front
	$B/qure-bench-front
bench-packets: $B/unit/net/handoff/packets
	@$< 2>/dev/null | grep ^request
bench: bench-size bench-instr bench-front bench-packets
	python3 hosttest/bench/emulator.py boot memory web
	python3 hosttest/bench/three.py
