# soak.mk - the peers of hosttest/peer (a bad network, lwIP, and netcat over the library), a flood, and long transfers.
$B/qure-wan: hosttest/peer/wan.c
	@mkdir -p $(@D)
	$(CC) -g -O2 -std=gnu11 -D_GNU_SOURCE $(WARN) $< -o $@
$B/qure-lwip: hosttest/peer/lwip.c
	@mkdir -p $(@D)
	$(CC) -g -O2 -std=gnu11 -D_GNU_SOURCE $(WARN) -isystem /usr/include/lwip $< -llwip -o $@
$B/qure-nc: hosttest/peer/nc.c $B/libqure.a
	$(CC) -m32 -no-pie -g -O2 -std=gnu11 -D_GNU_SOURCE -fno-strict-aliasing $(WARN) -Iinclude -MMD -MF $@.d $< $B/libqure.a -o $@
$B/qure-flood: hosttest/packets/flood.c
	@mkdir -p $(@D)
	$(CC) -g -O2 -std=gnu11 -D_GNU_SOURCE $(WARN) $< -o $@
e2e: $B/qure-wan $B/qure-lwip $B/qure-nc $B/qure-flood
# MINUTES= and MIB= bound the transfers; the cards move 64 MiB each; the simulator runs many seeds.
soak: image $B/qure-tap $B/qure-tap-san $B/qure-wan $B/qure-nc $B/qure-sim
	python3 hosttest/soak/run.py
	SOAK=1 python3 hosttest/e2e/nic.py
	python3 hosttest/sim/run.py soak
