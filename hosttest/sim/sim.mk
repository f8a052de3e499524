# sim.mk - the simulator, linked twice: with the objects that the kernel uses, and with sanitized C twins; and the models.
SIM_SRC := $(wildcard hosttest/sim/*.c)
SIM_SAN := $(call obj,san,$(SIM_SRC) $(wildcard net/*.c net/tcp/*.c net/handoff/*.c) c/fmt.c c/packed.c c/cksum.c)

$B/qure-sim: $(SIM_SRC) hosttest/sim/sim.h $B/libqure.a
	$(CC) -m32 -no-pie -g -O2 -std=gnu11 -D_GNU_SOURCE -fno-strict-aliasing $(WARN) -Iinclude -I$B $(SIM_SRC) $B/libqure.a -o $@
$B/qure-sim-san: $(SIM_SAN)
	$(CC) $(SANFLAGS) $^ -o $@

.PHONY: sim
sim: $B/qure-sim $B/qure-sim-san
	python3 hosttest/run.py sim hosttest/sim/run.py hosttest/spin/run.py
