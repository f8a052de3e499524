# tap.mk - the appliance as a Linux process (build/qure-tap), and the same with sanitizers (build/qure-tap-san).
TAP_SRC := $(wildcard hosttest/tap/*.c)
TAP_CFLAGS := -m32 -mstackrealign -mincoming-stack-boundary=2 -g -O1 -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Iinclude $(WARN)

$B/qure-tap: $(TAP_SRC) $(APP) $(LIB) $B/k/hosttest/guard.c.o
	$(CC) $(TAP_CFLAGS) -no-pie -MMD -MF $@.d $(TAP_SRC) $(APP) $(LIB) $B/k/hosttest/guard.c.o -o $@
$B/qure-tap-san: $(TAP_SRC) $B/libsan.a
	$(CC) $(TAP_CFLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all -MMD -MF $@.d $(TAP_SRC) $B/libsan.a -o $@

tap: $B/qure-tap
	@echo "Built $B/qure-tap, the appliance as a Linux process. As root:"
	@echo "  ip tuntap add tap0 mode tap && ip address add 192.0.2.1/24 dev tap0 && ip link set tap0 up"
	@echo "  $B/qure-tap tap0 boot/volume          (a folder with qure.conf in it, or $B/qure.img)"
	@echo "Its console is this terminal; type there, for instance: ifconfig eth0 192.0.2.2/24"
	@echo "Then http://192.0.2.2/ answers."
