# count.mk - the kernel with a card that has no wire (hosttest/count/probe.c instead of drivers/probe.c), counted in Bochs.
COUNT_KERN := $(filter-out $B/k/drivers/probe.c.o,$(KERN)) $B/k/hosttest/count/probe.c.o $B/k/hosttest/count/marks.S.o
$B/qure-count.elf: $(COUNT_KERN) $(APP) $(LIB) $B/ksym.o boot/kernel.ld
	$(call KLINK,$@,$B/ksym.o,$(COUNT_KERN))
	nm -n $@ > $B/qure-count.nm
$B/ksym.o: $B/qure.elf ;
$B/qure-count.img: $B/boot.bin $B/stage2.bin $B/qure-count.elf boot/mkimage.py $(shell find hosttest/count/volume -type f)
	objcopy -O binary $B/qure-count.elf $B/qure-count.bin
	$(IMAGE_ENV) python3 boot/mkimage.py $@ $B/boot.bin $B/stage2.bin $B/qure-count.bin $B/qure-count.nm hosttest/count/volume
e2e: $B/qure-count.img
count: $B/qure-count.img
	python3 hosttest/count/count.py
