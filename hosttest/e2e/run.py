#!/usr/bin/env python3
"""run.py - what `make run` and `make bochs` do for a person at a terminal: the page is there, the shell answers, and
leaving leaves nothing behind.

SPDX-License-Identifier: MIT
"""
import os, pty, re, signal, subprocess, tempfile, time, tty
from machine import B, TOP, Console, Net, Scratch, _cleanup, done, end, run, test

scratch = Scratch()


class Terminal(Console):
    """A script of boot/ on a terminal of its own, in a temporary folder of its own."""
    def __init__(self, script, *args, net=None, **env):
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        super().__init__(self.master)
        self.tmp = tempfile.mkdtemp(dir=scratch.path)
        env = dict({k: v for k, v in os.environ.items() if not k.startswith(('MAKE', 'MFLAGS')) and k != 'DISPLAY'}, B=B, TMPDIR=self.tmp, TERM='dumb', **env)
        cmd = [os.path.join(TOP, 'boot', script), *args]
        self.p = subprocess.Popen(net.cmd(*cmd) if net else cmd, stdin=slave, stdout=slave, stderr=slave, env=env, cwd=TOP, start_new_session=True)
        _cleanup.append(lambda: end(self.p))
        os.close(slave)

    def url(self):
        return self.expect(r'the page +(http://\S+)', 120)[1]

    def prompt(self, name='[\\w.-]+'):
        """The prompt is there and eth0 has an address, in either order."""
        start = self.seen
        self.expect(rf'\n{name}> ', 90)
        self.seen = start
        self.expect(r'eth0: [\d.]+/\d+', 60)

    def get(self, url, net=None):
        cmd = ['curl', '-sS', '--max-time', '20', '--retry', '3', '--retry-all-errors', url]
        return subprocess.run(net.cmd(*cmd) if net else cmd, stdout=subprocess.PIPE, check=True).stdout

    def leave(self):
        self.send('\x01x')
        self.gone()

    def gone(self):
        stop = time.monotonic() + 20
        while self.p.poll() is None and time.monotonic() < stop:
            self.pump(.1)
        assert self.p.poll() is not None, 'it did not end'
        assert os.listdir(self.tmp) == [], os.listdir(self.tmp)
        left = run('ps', '-eo', 'sid,args').splitlines()
        assert not [x for x in left if x.split()[0] == str(self.p.pid)], left


def write(name, data):
    path = scratch / name
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as f:
        f.write(data)
    return path


def default_site(script, **env):
    t = Terminal(script, **env)
    url = t.url()
    assert re.match(r'http://127\.0\.0\.1:\d+/$', url)
    t.prompt()
    assert b'<html' in t.get(url)
    assert '10.0.2.15' in t.command('ifconfig')
    t.leave()


def own_site_and_configuration():
    page = os.urandom(3000).hex().encode()
    write('site/index.html', page)
    write('site/deep er/a long name.html', page[::-1])
    t = Terminal('run.sh', SITE=scratch / 'site', CONF=write('own.conf', b'hostname own\ninterface eth0 dhcp\nsite default /www\nlisten http 80\n'))
    url = t.url()
    t.prompt('own')
    assert t.get(url) == page and t.get(url + 'deep%20er/a%20long%20name.html') == page[::-1]
    t.leave()


def site_larger_than_a_floppy():
    data = os.urandom(3000000)
    write('large/index.html', b'large')
    write('large/data.bin', data)
    t = Terminal('run.sh', SITE=scratch / 'large')
    url = t.url()
    t.prompt()
    assert t.get(url + 'data.bin') == data
    t.leave()


def tap():
    net = Net(addr=None)
    t = Terminal('run.sh', net=net, NET='tap')
    url = t.url()
    t.prompt()
    assert b'<html' in t.get(url, net)
    t.leave()
    assert 'qure' not in net.sh('ip', 'link')


def signal_ends_it():
    t = Terminal('run.sh')
    t.url()
    t.prompt()
    t.p.send_signal(signal.SIGTERM)
    t.gone()


def halt_ends_it():
    t = Terminal('run.sh')
    t.prompt()
    t.send('halt\r')
    t.gone()
    assert t.p.returncode == 0


def refuses(pattern, **env):
    t = Terminal('run.sh', **env)
    t.expect(pattern, 20)
    t.gone()
    assert t.p.returncode


def make_says_what_it_would_do(goal, script):
    env = {k: v for k, v in os.environ.items() if not k.startswith(('MAKE', 'MFLAGS'))}
    out = subprocess.run(['make', '-n', goal], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=env, cwd=TOP, text=True, timeout=60).stdout
    assert out == script + '\n', out


def debugger_knows_the_kernel():
    t = Terminal('bochs.py', '--debug')
    t.expect(r'breakpoints +eth_rx ip_rx ')
    t.expect('bochs:1> ', 30)
    t.send('c\n')
    t.expect(r'\(nif_xmit\+0\)', 90)                 # DHCP asks
    for stop in ('netif_rx', 'eth_rx', 'ip_rx'):  # and is answered: the short way is tried first, then each layer
        t.send('c\n')
        t.expect(rf'\({stop}\+0\)', 90)
    t.expect('bochs:5> ', 10)
    t.send('q\n')
    t.gone()


if __name__ == '__main__':
    test('run_shows_the_default_page', default_site, 'run.sh')
    for nic in ('e1000', 'rtl8139', 'ne2k', 'ne2k_isa', 'pcnet'):
        test(f'run_shows_the_page_through_{nic}', default_site, 'run.sh', NIC=nic, MEM='8')
    test('run_takes_a_site_and_a_configuration', own_site_and_configuration)
    test('run_takes_a_site_larger_than_a_floppy', site_larger_than_a_floppy)
    test('run_on_a_tap_of_its_own', tap)
    test('run_ends_on_a_signal', signal_ends_it)
    test('run_ends_with_halt', halt_ends_it)
    test('run_refuses_a_card_it_does_not_know', refuses, 'NIC=tulip is not one of', NIC='tulip')
    test('run_refuses_a_site_that_is_not_there', refuses, 'is not a folder', SITE='/nowhere')
    test('run_refuses_memory_that_is_no_number', refuses, 'MEM=4M is not a number of megabytes', MEM='4M')
    test('run_refuses_no_memory_at_all', refuses, 'MEM=0 is not a number of megabytes', MEM='0')
    test('make_n_run_says_what_it_would_do', make_says_what_it_would_do, 'run', 'boot/run.sh')
    test('make_n_bochs_says_what_it_would_do', make_says_what_it_would_do, 'bochs', 'boot/bochs.py')
    test('bochs_shows_the_default_page', default_site, 'bochs.py')
    test('bochs_debug_stops_at_a_frame', debugger_knows_the_kernel)
    done()
