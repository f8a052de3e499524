# boot.mk - from objects to things that boot: qure.elf, qure.img, qure.iso, and the commands that run them.

# --- kernel -------------------------------------------------------------------------------------------------
# Linked twice: the first link gives the addresses for the table of function names (include/ksym.h), which lies behind
# the text and so moves no function; that this held is checked.
KLINK = $(CC) -m32 -nostdlib -static -no-pie -Wl,-T,boot/kernel.ld,--gc-sections,--build-id=none,-z,noexecstack,-z,max-page-size=4096 \
        -o $(1) $(KERN) $(APP) $(LIB) $(2) $(shell $(CC) -m32 -print-libgcc-file-name)

$B/qure.elf: $(KERN) $(APP) $(LIB) boot/kernel.ld boot/ksym.py
	$(call KLINK,$B/qure1.elf,)
	nm -n $B/qure1.elf > $B/qure1.nm
	python3 boot/ksym.py $B/qure1.nm > $B/ksym.S
	$(CC) -m32 -c $B/ksym.S -o $B/ksym.o
	$(call KLINK,$B/qure2.elf,$B/ksym.o)
	nm -n $B/qure2.elf > $B/qure.nm
	@grep -i ' t ' $B/qure1.nm > $B/qure1.t; grep -i ' t ' $B/qure.nm | cmp - $B/qure1.t
	mv $B/qure2.elf $@
