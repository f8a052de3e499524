# bench.mk - what `make bench` measures: bytes of the image by part, instructions of the stack, and the image beside a Debian guest.
BENCH_SRC := $(wildcard hosttest/bench/*.c)
SIZE_OF    = @size $(2) | awk 'NR > 1 { t += $$1; d += $$2; b += $$3 } END { printf "size.objects.%s: %d bytes\nmemory.objects.%s: %d bytes\n", "$(1)", t + d, "$(1)", b }'

$B/qure-bench-instr: $(BENCH_SRC) $(wildcard hosttest/bench/*.h) $B/k/c/string.c.o $B/libnet.a
	$(CC) -m32 -static -no-pie -g -O2 -std=gnu11 -D_GNU_SOURCE -fno-strict-aliasing $(WARN) -Iinclude -I$B $(BENCH_SRC) $B/k/c/string.c.o $B/libnet.a -o $@

.PHONY: bench-size bench-instr deps-bench
deps-bench: ; @tools/install.sh build run tap bench
# objects: what the parts hold, before the linker leaves out what nobody calls; memory: beside that, cleared at start.
bench-size: image iso
	@python3 hosttest/bench/emulator.py size
	$(call SIZE_OF,kernel_core_and_drivers,$(KERN))
	$(call SIZE_OF,network_below_tcp,$(filter-out $B/k/net/tcp/%,$(LIB)))
	$(call SIZE_OF,tcp,$(filter $B/k/net/tcp/%,$(LIB)))
	$(call SIZE_OF,services_files_shell,$(APP))
bench-instr: $B/qure-bench-instr
	$B/qure-bench-instr
bench: deps-bench bench-size bench-instr
	python3 hosttest/bench/emulator.py boot memory web
