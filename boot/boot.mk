# boot.mk - from objects to things that boot: qure.elf, qure.img, qure.iso, and the commands that run them.
