# boot.mk - from objects to things that boot: qure.elf, qure.img, qure.iso, and the commands that run them.

# --- kernel -------------------------------------------------------------------------------------------------
# Linked twice: the first link gives the addresses for the table of function names (include/ksym.h), which lies behind
# the text and so moves no function; that this held is checked.
comma := ,
KLINK = $(CC) -m32 -nostdlib -static -no-pie -Wl,-T,boot/kernel.ld,--gc-sections,--build-id=none,-z,noexecstack,-z,max-page-size=4096 \
        -o $(1) $(or $(3),$(KERN)) $(APP) $(LIB) $(2) $(shell $(CC) -m32 -print-libgcc-file-name)

$B/qure.elf: $(KERN) $(APP) $(LIB) boot/kernel.ld boot/ksym.py boot/packed.py
	$(call KLINK,$B/qure1.elf,)
	nm -n $B/qure1.elf > $B/qure1.nm
	python3 boot/ksym.py $B/qure1.nm > $B/ksym.S
	$(CC) -m32 -c $B/ksym.S -o $B/ksym.o
	$(call KLINK,$B/qure2.elf,$B/ksym.o -Wl$(comma)-Map=$B/qure.map)
	nm -n $B/qure2.elf > $B/qure.nm
	@grep -i ' t ' $B/qure1.nm > $B/qure1.t; grep -i ' t ' $B/qure.nm | cmp - $B/qure1.t
	mv $B/qure2.elf $@

# --- images -------------------------------------------------------------------------------------------------
# Times inside images are those of the last change to the volume that git knows of, so that the same tree gives the same bytes.
IMAGE_ENV = TZ=UTC SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct -- $(VOLDIR) 2>/dev/null | grep . || echo 1767225600)
VOLDIR   := boot/volume
VOLUME   := $(shell find $(VOLDIR) -type f 2>/dev/null)

$B/offsets.inc: $B/offsets.h
	awk '$$1 == "#define" { print "%define", $$2, $$3 }' $< > $@
$B/boot.bin: boot/boot.asm boot/layout.inc
	@mkdir -p $(@D)
	$(NASM) -w+all -f bin $< -o $@
$B/stage2.bin: boot/stage2.asm $(wildcard boot/*.inc) $B/offsets.inc
	$(NASM) -w+all -f bin -i $B/ $< -o $@
$B/qure.bin: $B/qure.elf
	objcopy -O binary $< $@
$B/qure.img: $B/boot.bin $B/stage2.bin $B/qure.bin boot/mkimage.py $(VOLUME)
	$(IMAGE_ENV) python3 boot/mkimage.py $@.new $B/boot.bin $B/stage2.bin $B/qure.bin $B/qure.nm $(VOLDIR)
	mv $@.new $@
$B/qure.iso: $B/qure.img boot/mkiso.py
	$(IMAGE_ENV) python3 boot/mkiso.py $@.new $<
	mv $@.new $@

# --- running ------------------------------------------------------------------------------------------------
run:
	$(SCRIPT)boot/run.sh
bochs:
	$(SCRIPT)boot/bochs.py
bochs-debug:
	$(SCRIPT)boot/bochs.py --debug
