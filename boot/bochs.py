#!/usr/bin/env python3
"""bochs.py [--debug] - boots the floppy image in Bochs, with its page on a port of this host.

Without --debug the terminal is the kernel's serial shell (Ctrl-A, then X leaves), and the screen is a window where
DISPLAY is set. With --debug the terminal is Bochs' own debugger, with the kernel's symbols and breakpoints along the
packet path; what the kernel prints on serial appears in between.

SPDX-License-Identifier: MIT
"""
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import tty

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
B = os.path.join(TOP, os.environ.get('B', 'build'))
MEM, NIC = os.environ.get('MEM') or '16', os.environ.get('NIC') or 'e1000'
BREAKPOINTS = ['eth_rx', 'ip_rx', 'tcp_rx', 'netif_rx', 'nif_xmit']
LEAVE = b'\x01'  # Ctrl-A, as in QEMU


def build():
    """The roles' packages and the image, as boot/run.sh does."""
    window = ['window'] if os.environ.get('DISPLAY') else []
    subprocess.run([os.path.join(TOP, 'tools/install.sh'), 'build', 'bochs', *window], check=True)
    jobs = [] if 'jobserver' in os.environ.get('MAKEFLAGS', '') else ['-j%d' % os.cpu_count()]
    subprocess.run(['make', '--no-print-directory', '-s', *jobs, 'B=' + os.environ.get('B', 'build'), os.path.join(
        os.environ.get('B', 'build'), 'qure.img')], cwd=TOP, check=True)


def free_port():
    for port in range(8080, 8180):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(('127.0.0.1', port))
                return port
            except OSError:
                pass
    sys.exit('bochs: no free port from 8080 to 8179')


def configuration(folder, com1, port):
    """Writes bochsrc and the user network's slirp.conf; `sync=slowdown` keeps the guest's clock near the wall's."""
    image, slirp = os.path.join(folder, 'qure.img'), os.path.join(folder, 'slirp.conf')
    shutil.copy(os.path.join(B, 'qure.img'), image)
    with open(slirp, 'w') as f:
        f.write(f'# slirp config\nhostfwd = tcp:127.0.0.1:{port}-10.0.2.15:80\n')
    eth = f'mac=52:54:00:12:34:56, ethmod=slirp, script={slirp}'
    nic = {'e1000': ['pci: enabled=1, chipset=i440fx, slot1=e1000', f'e1000: enabled=1, {eth}'],
           'ne2k': ['pci: enabled=1, chipset=i440fx, slot1=ne2k', f'ne2k: enabled=1, {eth}'],
           'ne2k_isa': [f'ne2k: enabled=1, type=isa, ioaddr=0x300, irq=10, {eth}']}
    if NIC not in nic:
        sys.exit(f'bochs: NIC={NIC} is not one of {" ".join(nic)}')
    lines = [f'megs: {MEM}', f'floppya: 1_44={image}, status=inserted', 'boot: floppy', com1,
             'display_library: ' + ('x' if os.environ.get('DISPLAY') else 'term'), 'clock: sync=slowdown, time0=utc',
             'cpu: model=pentium, ips=20000000, reset_on_triple_fault=0', f'log: {folder}/log',
             'panic: action=fatal', 'error: action=report', *nic[NIC]]
    path = os.path.join(folder, 'bochsrc')
    with open(path, 'w') as f:
        f.write('\n'.join(lines) + '\n')
    return path


def start(folder, rc, bochsrc, **kw):
    path = os.path.join(folder, 'rc')
    with open(path, 'w') as f:
        f.write('\n'.join(rc) + '\n')
    return subprocess.Popen(['bochs-bin', '-q', '-unlock', '-f', bochsrc, '-rc', path],
                            env=dict(os.environ, TERM=os.environ.get('TERM') or 'dumb'), **kw)


def shell(folder, port):
    """Joins the terminal to the serial line until Bochs ends or the user leaves."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    bochsrc = configuration(folder, f'com1: enabled=1, mode=term, dev={os.ttyname(slave)}', port)
    with open(os.path.join(folder, 'out'), 'wb') as out:
        p = start(folder, ['c', 'q'], bochsrc, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    print(f'the page   http://127.0.0.1:{port}/\nto leave   Ctrl-A, then X (or the command: halt)', flush=True)
    saved = termios.tcgetattr(0) if os.isatty(0) else None
    try:
        if saved:
            tty.setraw(0)
        sources, typed = [0, master], b''
        while p.poll() is None:
            for fd in select.select(sources, [], [], 0.2)[0]:
                data = os.read(fd, 4096)
                if fd == master:
                    os.write(1, data)
                elif not data:
                    sources.remove(0)
                else:
                    typed += data
                    if LEAVE + b'x' in typed.lower():
                        return
                    keep = len(LEAVE) if typed.endswith(LEAVE) else 0  # until the next key says what it means
                    os.write(master, typed[:len(typed) - keep])
                    typed = typed[len(typed) - keep:]
    finally:
        if saved:
            termios.tcsetattr(0, termios.TCSADRAIN, saved)
        if p.poll() is None:
            p.kill()  # the term display ignores anything gentler
        p.wait()


def debug(folder, port):
    """The debugger on the terminal, stopped before the first instruction."""
    symbols = os.path.join(folder, 'symbols')
    names = []
    with open(os.path.join(B, 'qure.nm')) as f, open(symbols, 'w') as out:
        for address, kind, name in (line.split() for line in f if len(line.split()) == 3):
            if kind in 'TtBbDdRr':
                out.write(f'{address} {name}\n')
                names.append(name)
    marks = [n for n in BREAKPOINTS if n in names]
    print(f'the page     http://127.0.0.1:{port}/\nbreakpoints  {" ".join(marks)}\n'
          'c goes on, s steps, r shows registers, bt the stack, slist "tcp" symbols, help the rest; q leaves', flush=True)
    bochsrc = configuration(folder, 'com1: enabled=1, mode=file, dev=/dev/stdout', port)
    p = start(folder, [f'ldsym global "{symbols}"'] + [f'b "{n}"' for n in marks], bochsrc, stderr=subprocess.DEVNULL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C stops the guest, not us
    try:
        p.wait()
    finally:
        if p.poll() is None:
            p.kill()


def leave(*_):
    """Unwinds once: make passes a signal on that came to us already."""
    for s in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, signal.SIG_IGN)
    sys.exit(1)


def main():
    if not MEM.isdigit():
        sys.exit(f'bochs: MEM={MEM} is not a number of megabytes (4 or more)')
    build()
    for s in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, leave)
    with tempfile.TemporaryDirectory(prefix='qure-') as folder:
        (debug if '--debug' in sys.argv[1:] else shell)(folder, free_port())


main()
