#!/usr/bin/env python3
"""boot.py - from power-on to the kernel: the image is what it says, every medium boots in every emulator, and each thing
that can go wrong is said in its own sentence on the serial line.

SPDX-License-Identifier: MIT
"""
import glob, os, re, shutil, struct, subprocess, zlib
from machine import B, TOP, Bochs, Qemu, Scratch, done, run, test, volume_with

IMG, ISO, ELF = (os.path.join(B, 'qure.' + x) for x in ('img', 'iso', 'elf'))
SECTOR, STAGE2_AT, CRC_AT = 512, 512, 440
TRACK = 63 * 16 * SECTOR
scratch = Scratch()


def read(path):
    with open(path, 'rb') as f:
        return f.read()


def write(name, data):
    path = scratch / name
    with open(path, 'wb') as f:
        f.write(data)
    return path


def header(data=None):
    """Stage 2's header: kernel bytes, end of its bss, entry, CRC."""
    return struct.unpack_from('<IIII', data or read(IMG), STAGE2_AT + 4)


def changed(name, *patches):
    """The image with stage 2's code changed (each old byte string occurs once) and its checksum mended."""
    data = bytearray(read(IMG))
    size = 8 * SECTOR
    stage2 = bytes(data[STAGE2_AT:STAGE2_AT + size])
    for old, new in patches:
        assert stage2.count(bytes.fromhex(old)) == 1, f'{old} occurs {stage2.count(bytes.fromhex(old))} times'
        stage2 = stage2.replace(bytes.fromhex(old), bytes.fromhex(new))
    data[STAGE2_AT:STAGE2_AT + size] = stage2
    struct.pack_into('<I', data, CRC_AT, zlib.crc32(stage2))
    return write(name, data)


# --- what the image is ---

def image_is_a_fat12_floppy():
    assert os.path.getsize(IMG) == 1474560
    run('fsck.fat', '-n', IMG)
    boot = read(IMG)[:SECTOR]
    reserved, = struct.unpack_from('<H', boot, 14)
    assert boot[54:62] == b'FAT12   ' and boot[510:] == b'\x55\xaa' and reserved * SECTOR >= 9 * SECTOR + header()[0]
    assert re.search(r'qure\.conf', run('mdir', '-b', '-i', IMG, '::/'))


def image_files_are_changed_without_touching_the_kernel():
    img = write('edit.img', read(IMG))
    page = write('page', os.urandom(100000))
    kernel = read(img)[SECTOR:SECTOR * 9 + header()[0]]
    run('mmd', '-i', img, '::/a folder with a long name')
    run('mcopy', '-i', img, page, '::/a folder with a long name/and a file, too.html')
    run('mcopy', '-i', img, '::/a folder with a long name/and a file, too.html', scratch / 'back')
    run('fsck.fat', '-n', img)
    assert read(scratch / 'back') == read(page) and read(img)[SECTOR:SECTOR * 9 + header()[0]] == kernel


def iso_holds_the_image_as_first_partition():
    data = read(ISO)
    assert len(data) % TRACK == 0 and data[510:512] == b'\x55\xaa' and data[0x8001:0x8006] == b'CD001'
    flag, kind, first, count = struct.unpack_from('<B3xB3xII', data, 446)
    assert (flag, kind, count) == (0x80, 1, 2880) and data[first * SECTOR:][:1474560] == read(IMG)


def rebuild_gives_the_same_bytes():
    again = scratch / 'again'
    env = {k: v for k, v in os.environ.items() if not k.startswith('MAKE') and k != 'B'}
    subprocess.run(['make', '-s', '-j2', f'B={again}', f'{again}/qure.iso'], cwd=TOP, env=env, check=True, stdout=subprocess.DEVNULL)
    for name in ('qure.bin', 'qure.img', 'qure.iso'):
        assert read(os.path.join(again, name)) == read(os.path.join(B, name)), f'{name} differs'


# --- every medium ---

def boots(cls, via, loader=True, **kw):
    vm = cls(**kw)
    if loader:
        vm.expect('qure: starting the kernel', 60)
    vm.expect(f'booted from {via}', 30)
    vm.expect(r'\n[\w.-]+> ', 60)
    assert 'qure.conf' in vm.command('ls /')
    vm.close()


def fat(name, bits, kib, *options):
    """A volume of its own: what the image's holds, and a file."""
    path, folder = scratch / name, scratch / 'tree'
    if not os.path.isdir(folder):
        run('mcopy', '-s', '-i', IMG, '::/', folder)
    run('mkfs.fat', '-C', '-F', str(bits), *options, path, str(kib))
    run('mcopy', '-s', '-i', path, *glob.glob(folder + '/*'), '::/')
    return path


def grub_iso():
    tree, iso = scratch / 'grub', scratch / 'grub.iso'
    os.makedirs(tree + '/boot/grub')
    shutil.copy(ELF, tree + '/qure.elf')
    shutil.copy(fat('grub16.fat', 16, 20000), tree + '/volume')
    with open(tree + '/boot/grub/grub.cfg', 'w') as f:
        f.write('multiboot /qure.elf words=1\nmodule /volume\nboot\n')
    run('grub-mkrescue', '-o', iso, tree)
    return iso


class Bare(Qemu):
    """A machine that boots only what its own options say."""
    def __init__(self, *options):
        super().__init__(extra=options)

    def start(self, cmd, net):
        at = cmd.index('-kernel')
        super().start(cmd[:at] + cmd[at + 2:], net)


class Stick(Bare):
    def __init__(self, controller, path):
        super().__init__('-drive', f'file={path},format=raw,if=none,id=u,snapshot=on', '-device', f'{controller},id=bus',
                         '-device', 'usb-storage,bus=bus.0,drive=u', '-boot', 'c')


def media():
    test('qemu_boots_the_floppy', boots, Qemu, 'floppy', img=IMG)
    test('qemu_boots_the_floppy_image_as_disk', boots, Qemu, 'disk', disk=IMG)
    test('qemu_boots_the_iso_as_cd', boots, Qemu, 'CD', cdrom=ISO)
    test('qemu_boots_the_iso_as_disk', boots, Qemu, 'disk', disk=ISO)
    for controller in ('piix3-usb-uhci', 'usb-ehci', 'qemu-xhci'):
        test(f'qemu_boots_the_iso_as_usb_stick_on_{controller}', boots, Stick, 'disk', controller=controller, path=ISO)
    test('qemu_boots_the_floppy_image_as_usb_stick', boots, Stick, 'disk', controller='usb-ehci', path=IMG)
    test('multiboot_takes_the_floppy_image_as_module', boots, Qemu, 'Multiboot', loader=False, volume=IMG)
    test('multiboot_takes_a_fat12_module', boots, Qemu, 'Multiboot', loader=False, volume=fat('m12.fat', 12, 2880))
    test('multiboot_takes_a_fat16_module', boots, Qemu, 'Multiboot', loader=False, mem=64, volume=fat('m16.fat', 16, 30000))
    test('grub_boots_the_kernel_with_a_module', boots, Qemu, 'Multiboot', loader=False, mem=64, cdrom=grub_iso())
    test('bochs_boots_the_floppy_on_a_pentium', boots, Bochs, 'floppy', img=write('b.img', read(IMG)), cpu='pentium', sync='none', ips=2000000)
    test('bochs_boots_the_iso_as_cd', boots, Bochs, 'CD', cdrom=ISO, sync='none', ips=2000000)
    test('bochs_boots_the_iso_as_disk', boots, Bochs, 'disk', disk=write('b.iso', read(ISO)), sync='none', ips=2000000)
    test('floppy_boots_in_4_mb', boots, Qemu, 'floppy', img=IMG, mem=4)


# --- everything that can go wrong ---

def says(sentence, then='Halted', cls=Qemu, **kw):
    vm = cls(**kw)
    vm.expect(sentence, 60)
    if then:
        vm.expect(then, 30)
    vm.close()


def with_byte(name, at, value=None):
    data = bytearray(read(IMG))
    data[at] = data[at] ^ 0x40 if value is None else value
    return write(name, data)


PRE_BOOT = """
        ; sits in front of the ISO's own sector 0, kept at sector 1, and turns address line 20 off
        org 0x600
        cli
        xor ax, ax
        mov ss, ax
        mov sp, 0x7c00
        mov ds, ax
        mov es, ax
        mov si, 0x7c00
        mov di, 0x600
        mov cx, 256
        cld
        rep movsw
        jmp 0:next
next:   mov ah, 0x42
        mov si, dap
        int 0x13
        in al, 0x92
        and al, 0xfc
        out 0x92, al
        mov ax, 0x2400
        int 0x15
        jmp 0:0x7c00
dap:    db 16, 0
        dw 1, 0x7c00, 0
        dq 1
        times 446-($-$$) db 0
"""


def a20_off_disk():
    iso = bytearray(read(ISO))
    run('nasm', '-f', 'bin', write('pre.asm', PRE_BOOT.encode()), '-o', scratch / 'pre.bin')
    iso[SECTOR:2 * SECTOR] = iso[:SECTOR]
    iso[:446] = read(scratch / 'pre.bin')
    return write('a20.iso', iso)


def faults():
    kernel_at = 9 * SECTOR
    test('floppy_cut_in_the_kernel_says_so', says, 'The medium is damaged or the image was cut short', img=write('cut.img', read(IMG)[:kernel_at + 30 * SECTOR]))
    test('floppy_cut_in_the_volume_says_so', says, 'the image is cut short|image was cut short', img=write('cutv.img', read(IMG)[:1000 * SECTOR]))
    test('cut_disk_says_so', says, 'the image is cut short: the drive ends after 60 sectors', disk=write('cutd.img', read(IMG)[:60 * SECTOR]))
    test('cut_before_stage_2_ends_says_so', says, r'qure: cannot read sector [1-8]', then=None, disk=write('cut1.img', read(IMG)[:4 * SECTOR]))
    test('wrong_kernel_byte_is_noticed', says, "the kernel's checksum is wrong", img=with_byte('k.img', kernel_at + 5000))
    test('wrong_stage_2_byte_is_noticed', says, 'qure: bad checksum', then=None, img=with_byte('s.img', STAGE2_AT + 3000))
    fat_at = struct.unpack_from('<H', read(IMG), 14)[0] * SECTOR
    test('damaged_fat_starts_without_the_volume', says, 'volume is not a sound FAT12 file system', then='booted from', img=with_byte('f.img', fat_at))
    test('damaged_bpb_starts_without_the_volume', says, 'volume is not a sound FAT12 file system', then='booted from', img=with_byte('p.img', 16, 0))
    test('no_memory_above_1_mb_says_how_much_is_needed', says, r'too little memory: \d+ KB there, \d+ KB needed', img=IMG, mem=1)
    test('volume_larger_than_memory_says_how_much_is_needed', says, r'too little memory: \d+ KB there, \d+ KB needed', mem=2,
         img=volume_with({'ballast': bytes(900000)}))
    test('too_little_memory_for_multiboot_says_so', says, 'memory', then=None, mem=2)
    test('old_cpu_is_refused', says, 'this CPU is too old: a Pentium or later is needed', img=IMG, cpu='486')
    test('old_cpu_is_refused_from_multiboot', says, 'this CPU is too old: a Pentium or later is needed', then=None, cpu='486')
    test('a20_stuck_says_so', says, 'address line 20 stays off', img=changed('a20.img', ('b8ffff8ee0', 'b800008ee0'), ('6489161005', '6489160005')))
    off = a20_off_disk()
    test('a20_is_turned_on_in_qemu', boots, Qemu, 'disk', disk=off)
    test('a20_is_turned_on_in_bochs', boots, Bochs, 'disk', disk=off, sync='none', ips=2000000)
    no_e820, no_e801 = ('66b820e80000', '66b821e80000'), ('b801e8', 'b802e8')
    test('memory_is_found_without_e820', boots, Qemu, 'floppy', img=changed('e801.img', no_e820))
    test('memory_is_found_without_e820_and_e801', boots, Qemu, 'floppy', img=changed('e88.img', no_e820, no_e801))
    test('bad_sector_is_named', bad_sector, False)
    test('sector_that_fails_once_is_read_again', bad_sector, True)


def bad_sector(once):
    """A disk on which one sector of the kernel cannot be read, or only at the second try."""
    bad, rule = 9 + 40, 'file.inject-error.0.'
    vm = Bare('-drive', f'file.driver=blkdebug,file.image.driver=file,file.image.filename={IMG},driver=raw,if=ide,snapshot=on,'
              f'{rule}event=read_aio,{rule}errno=5,{rule}sector={bad},{rule}once={"on" if once else "off"}', '-boot', 'c')
    vm.expect('booted from disk' if once else rf'cannot read sector {bad} of drive 80 \(BIOS error [0-9A-F]{{2}}\)', 60)
    vm.close()


if __name__ == '__main__':
    test('image_is_a_fat12_floppy', image_is_a_fat12_floppy)
    test('image_files_are_changed_without_touching_the_kernel', image_files_are_changed_without_touching_the_kernel)
    test('iso_holds_the_image_as_first_partition', iso_holds_the_image_as_first_partition)
    test('rebuild_gives_the_same_bytes', rebuild_gives_the_same_bytes)
    media()
    faults()
    done()
