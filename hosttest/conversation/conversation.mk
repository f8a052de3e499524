# conversation.mk - conversations for people: `make conversation` draws them, qget and qserve have them over a TAP device.
CONV_FLAGS := $(TAP_CFLAGS) -Ihosttest/tap -no-pie
CONV_LINE  := hosttest/conversation/line.c hosttest/tap/device.c

$B/conversation: hosttest/conversation/conversation.c $(LIB) $B/k/hosttest/guard.c.o
	$(CC) $(CONV_FLAGS) -MMD -MF $@.d -MT $@ $< $(LIB) $B/k/hosttest/guard.c.o -o $@
$B/qget $B/qserve: $B/%: hosttest/conversation/%.c $(CONV_LINE) $(LIB) $B/k/hosttest/guard.c.o
	$(CC) $(CONV_FLAGS) -MMD -MF $@.d -MT $@ $< $(CONV_LINE) $(LIB) $B/k/hosttest/guard.c.o -o $@

.PHONY: conversation
conversation: $B/conversation $B/qget $B/qserve
	$B/conversation
