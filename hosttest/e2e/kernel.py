#!/usr/bin/env python3
"""kernel.py - the kernel core without a network: faults are caught and named, memory rights hold on each kind of CPU, small
machines boot, power-off and reset work, console and keyboard are one, idle is idle.

SPDX-License-Identifier: MIT
"""
import os, re, subprocess, time
from machine import B, Bochs, Qemu, Scratch, done, run, test

PROMPT = r'\n[\w.-]+> '


def fault(word, *want, cpu=None, mem=16):
    """Boots with selftest=word and finds every pattern, in order, in the report; then the machine stands still."""
    vm = Qemu(append=f'selftest={word}', cpu=cpu, mem=mem)
    vm.expect(f'selftest: {word}')
    for w in want:
        vm.expect(w, 10)
    assert vm.p.poll() is None, 'the machine went on after the panic'
    vm.close()
    return vm.text


def backtrace(*names):
    """These callers in this order; others may stand between them."""
    return r'backtrace:\n' + ''.join(rf'(?:.*\n)*?  [0-9a-f]{{8}} {n}\+0x[0-9a-f]+\n' for n in names)


def ready(**kw):
    vm = Qemu(**kw)
    vm.expect(PROMPT)
    return vm


def faults():
    test('null_pointer_read_is_named', fault, 'null', 'page fault', 'read at 00000010: null pointer', 'eip',
         backtrace('read_null', 'victim'))
    test('constants_are_read_only', fault, 'ro', r'write at [0-9a-f]+: read-only \(kernel constants\)', backtrace('write_constant'))
    test('text_is_read_only', fault, 'text', r'write at [0-9a-f]+: read-only \(kernel text\)', backtrace('write_text'))
    test('first_megabyte_is_not_writable_where_it_is_executable', fault, 'low', r'write at 000f0000: read-only')
    test('stack_overflow_names_the_thread', fault, 'guard', 'double fault in thread victim',
         'stack overflow, guard page of thread victim', backtrace('recurse', 'recurse', 'victim'))
    test('data_is_not_executable_with_nx', fault, 'wx', r'execution at [0-9a-f]+: writable or read-only data is not code',
         backtrace('victim'), cpu='max')
    test('stack_smash_is_caught', fault, 'canary', 'panic: stack smashed', backtrace('smash', 'victim'))
    test('panic_prints_its_reason_and_backtrace', fault, 'panic', 'panic: asked for on the command line, 42',
         backtrace('give_up', 'victim'), 'halted')
    test('assertion_names_file_line_and_condition', fault, 'assert', r'panic: c/selftest\.c:\d+: .* does not hold',
         backtrace('break_invariant'))
    test('faults_are_named_on_a_pentium', fault, 'guard', 'guard page of thread victim', cpu='pentium', mem=4)


def watchdog():
    vm = Qemu(append='selftest=watchdog')
    vm.expect('selftest: watchdog')
    start = time.monotonic()
    ms = int(vm.expect(r'watchdog: thread victim has not yielded for (\d+) ms, at [0-9a-f]+ (spin|clock_us)\+')[1])
    assert 2000 <= ms < 2200, ms
    vm.expect('selftest: survived')
    took = time.monotonic() - start
    assert 3.2 < took < 9, f'3.5 s of the guest took {took:.2f} s here'
    vm.expect(PROMPT)


def boots(**kw):
    vm = ready(**kw)
    text = vm.command('mem') + vm.command('ps')
    assert re.search(r'\bshell\b', text) and re.search(r'\bnet\b', text) and re.search(r'\bidle\b', text), text
    vm.close()
    return vm.text


def reports_nx():
    assert 'PAE with NX' in boots(cpu='max')


class Mute(Qemu):
    """A machine without a serial port."""
    def start(self, cmd, net):
        at = cmd.index('-serial')
        super().start(cmd[:at] + ['-serial', 'none'] + cmd[at + 2:], net)


def no_serial_port():
    """Everything goes to the screen: read from its memory."""
    vm, stop = Mute(vga=True), time.monotonic() + 15
    while not re.search(r'\nqure>', screen(vm)):
        assert time.monotonic() < stop, screen(vm)
        time.sleep(.2)


def screen(vm):
    hmp = vm.qmp('human-monitor-command', **{'command-line': 'xp /4000xb 0xb8000'})
    cells = bytes(int(v, 16) for line in hmp.splitlines() for v in line.split(':')[1].split())
    return '\n'.join(cells[r * 160:r * 160 + 160:2].decode('cp437').rstrip() for r in range(25))


def press(vm, *keys):
    vm.qmp('send-key', keys=[{'type': 'qcode', 'data': k} for k in keys])
    time.sleep(.1)


def keyboard_and_screen():
    vm = ready(vga=True)
    for k in ('p', 's'):
        press(vm, k)
    vm.expect('ps')
    press(vm, 'ret')
    vm.expect(r'idle.*\n')
    time.sleep(.3)
    assert re.search(r'shell +running', screen(vm)), screen(vm)
    vm.command('help')
    vm.command('help')
    time.sleep(.3)
    newest = screen(vm)
    assert 'booted from' not in newest
    for _ in range(8):
        press(vm, 'shift', 'pgup')
    time.sleep(.2)
    assert 'booted from' in screen(vm), screen(vm)
    vm.send('\r')
    time.sleep(.3)
    assert 'booted from' not in screen(vm)


def powers_off(**kw):
    vm = ready(**kw)
    vm.send('halt\r')
    assert vm.wait_exit(5) == 0
    assert 'panic' not in vm.text


def reboots():
    vm = ready()
    vm.send('reboot\r')
    assert vm.wait_exit(5) == 0          # -no-reboot: a reset ends QEMU


def panic_reboots_when_told():
    vm = Qemu(append='panic=1 selftest=null')
    vm.expect('reboot in 1 s')
    start = time.monotonic()
    assert vm.wait_exit(5) == 0
    assert time.monotonic() - start > .5


def idle_halts():
    vm = ready(user=True)
    time.sleep(.5)
    ticks = lambda: sum(int(v) for v in open(f'/proc/{vm.p.pid}/stat').read().rsplit(')')[1].split()[11:13])
    before = ticks()
    time.sleep(3)
    share = (ticks() - before) / os.sysconf('SC_CLK_TCK') / 3
    assert share < .06, f'{share:.0%} of a CPU while idle'


def log_is_kept():
    vm = ready()
    text = vm.command('dmesg')
    assert re.search(r'\[ +0\.\d{6}\] qure', text) and 'memory:' in text and 'entropy:' in text, text


def good_entropy_where_the_cpu_has_some():
    vm = ready(cpu='max')
    assert re.search(r'entropy: \d+ bits credited, good', vm.text), vm.text


def ready_soon():
    """Kernel entry to the shell on a clock that counts instructions, 4 ns each: the same whatever else the host does."""
    us = int(re.search(r'ready in (\d+) us', ready(extra=('-icount', 'shift=2,sleep=off')).text)[1])
    assert us < 30000, f'{us} us'


def bochs_selftest(word, *want):
    """Boots the floppy on Bochs' Pentium, which has no NX but honours segment limits; its debugger writes the command line."""
    nm = [line.split() for line in run('nm', os.path.join(B, 'qure.elf')).splitlines()]
    symbols = {f[2]: int(f[0], 16) for f in nm if len(f) == 3}
    offset = int(re.search(r'BI_CMDLINE (\d+)', open(os.path.join(B, 'offsets.h')).read())[1])
    text = f'selftest={word}'.encode() + bytes(4)
    text = text[:len(text) // 4 * 4]
    d = Scratch()
    with open(d / 'rc', 'w') as f:
        f.write(f'b 0x{symbols["kernel_main"]:x}\nc\n')
        for i in range(0, len(text), 4):
            f.write(f'setpmem 0x{symbols["boot_info"] + offset + i:x} 4 0x{int.from_bytes(text[i:i + 4], "little"):x}\n')
        f.write('c\nq\n')
    with open(d / 'bochsrc', 'w') as f:
        f.write(f'''megs: 16
floppya: 1_44={B}/qure.img, status=inserted
boot: floppy
display_library: term
com1: enabled=1, mode=file, dev={d / 'com1'}
clock: sync=none, time0=1000000000
cpu: model=pentium, ips=4000000, reset_on_triple_fault=0
log: {d / 'log'}
panic: action=fatal
error: action=report
''')
    p = subprocess.Popen(['bochs-bin', '-q', '-unlock', '-f', d / 'bochsrc', '-rc', d / 'rc'], env=dict(os.environ, TERM='dumb'),
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    serial, stop = '', time.monotonic() + 40
    try:
        while 'halted.' not in serial and time.monotonic() < stop and p.poll() is None:
            time.sleep(.2)
            if os.path.exists(d / 'com1'):
                serial = open(d / 'com1', errors='replace').read().replace('\r', '')
    finally:
        p.kill(); p.wait()
    at = 0
    for w in (f'selftest: {word}',) + want:
        m = re.compile(w).search(serial, at)
        assert m, f'no {w!r} in {serial[-1500:]!r}'
        at = m.end()


if __name__ == '__main__':
    faults()
    test('watchdog_names_thread_and_place_and_the_clock_is_right', watchdog)
    test('boots_with_4_mb', boots, mem=4)
    test('boots_on_a_pentium_with_4_mb', boots, cpu='pentium', mem=4)
    test('boots_with_3_gb', boots, mem=3000)
    test('boots_on_q35', boots, extra=['-machine', 'q35'])
    test('uses_nx_where_there_is_one', reports_nx)
    test('boots_without_a_serial_port', no_serial_port)
    test('keyboard_types_and_screen_shows_and_scrolls_back', keyboard_and_screen)
    test('halt_powers_off_by_acpi', powers_off)
    test('halt_powers_off_q35', powers_off, extra=['-machine', 'q35'])
    test('reboot_resets', reboots)
    test('panic_reboots_when_told', panic_reboots_when_told)
    test('idle_costs_the_host_nothing', idle_halts)
    test('dmesg_has_the_boot', log_is_kept)
    test('rdrand_makes_good_entropy', good_entropy_where_the_cpu_has_some)
    test('ready_within_30_ms', ready_soon)
    test('bochs_pentium_data_is_not_executable_by_the_code_limit', bochs_selftest, 'wx',
         'execution at [0-9a-f]+: behind the end of the code segment', backtrace('call_data', 'victim'))
    test('bochs_pentium_guard_page', bochs_selftest, 'guard', 'stack overflow, guard page of thread victim')
    done()
