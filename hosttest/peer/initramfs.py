"""initramfs.py - Debian's cloud kernel and a small root in memory for a guest: what is measured beside qure (hosttest/bench/peer/build.py), and what
stands between qure and a peer (between.py). Kernel and busybox come with `apt-get download`, programs from this machine with the libraries that `ldd` names.

SPDX-License-Identifier: MIT
"""
import glob, gzip, os, re, shutil, subprocess, tempfile

def sh(*cmd, **kw): return subprocess.run(cmd, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kw).stdout

def unpack(package, tmp):
    where = os.path.join(tmp, package); os.makedirs(where)
    os.chmod(tmp, 0o755)
    sh('apt-get', 'download', package, cwd=where)
    sh('dpkg-deb', '-x', glob.glob(where + '/*.deb')[0], where)
    return where

def newc(root):
    """The tree as a cpio archive of format newc, owner root, without times: the same bytes on every run."""
    out, inode = bytearray(), 1
    def entry(name, mode, data):
        nonlocal inode
        n = name.encode() + b'\0'
        out.extend(b'070701' + b''.join(b'%08x' % v for v in (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(n), 0)) + n)
        out.extend(bytes(-len(out) % 4)); out.extend(data); out.extend(bytes(-len(out) % 4)); inode += 1
    for path in sorted(os.path.join(d, n) for d, ds, fs in os.walk(root) for n in ds + fs):
        data = os.readlink(path).encode() if os.path.islink(path) else open(path, 'rb').read() if os.path.isfile(path) else b''
        entry(os.path.relpath(path, root), os.lstat(path).st_mode, data)
    entry('TRAILER!!!', 0, b'')
    return bytes(out)

def modules(kernel, names):
    """Module files in load order, dependencies first."""
    found = {os.path.basename(p)[:-3].replace('-', '_'): p for p in glob.glob(kernel + '/lib/modules/**/*.ko', recursive=True)}
    order = []
    def visit(name):
        name = name.replace('-', '_')
        if name in found and name not in order:
            for d in filter(None, re.search(rb'depends=([^\0]*)\0', open(found[name], 'rb').read()).group(1).decode().split(',')): visit(d)
            order.append(name)
    for n in names: visit(n)
    return [found[n] for n in order]

class Root:
    """The tree that becomes the initramfs."""
    def __init__(self, path): self.path = path
    def put(self, src, dst):
        os.makedirs(os.path.dirname(self.path + dst), exist_ok=True); shutil.copy2(os.path.realpath(src), self.path + dst); os.chmod(self.path + dst, 0o755)
    def program(self, src):
        self.put(src, src)
        for lib in re.findall(r'(/\S+) \(0x', sh('ldd', src)): self.put(lib, lib)
    def text(self, name, data):
        with open(self.path + name, 'wb') as f: f.write(data)

def build(out, image, wanted, applets, folders, fill):
    """out/vmlinuz and out/`image`: the modules `wanted` in /lib/mod in load order, busybox under the names `applets`, `folders` made, the rest by fill(root)."""
    os.makedirs(out, exist_ok=True)
    with tempfile.TemporaryDirectory() as tmp:
        name = re.search(r'Depends: (linux-image-\S+)', sh('apt-cache', 'depends', 'linux-image-cloud-amd64')).group(1)
        kernel, busybox = unpack(name, tmp), unpack('busybox-static', tmp)
        shutil.copy(glob.glob(kernel + '/boot/vmlinuz-*')[0], out + '/vmlinuz')
        root = Root(os.path.join(tmp, 'root'))
        for d in ('dev', 'proc', 'sys', 'tmp', 'bin', 'lib/mod', *folders): os.makedirs(f'{root.path}/{d}')
        root.put(busybox + '/bin/busybox', '/bin/busybox')
        for applet in applets: os.symlink('busybox', f'{root.path}/bin/{applet}')
        for n, m in enumerate(modules(kernel, wanted)): root.put(m, f'/lib/mod/{n:02d}-{os.path.basename(m)}')
        fill(root)
        with open(f'{out}/{image}', 'wb') as f: f.write(gzip.compress(newc(root.path), 9, mtime=0))
