#!/usr/bin/env python3
"""build.py OUTDIR - the peer that qure is measured beside: Debian's cloud kernel and an initramfs with busybox and nginx.

Kernel and busybox are taken with `apt-get download`; nginx is the installed nginx-light with the libraries `ldd` names.
OUTDIR gets vmlinuz and web.img.
"""
import glob, gzip, os, re, shutil, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

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

def main(out):
    os.makedirs(out, exist_ok=True)
    with tempfile.TemporaryDirectory() as tmp:
        image = re.search(r'Depends: (linux-image-\S+)', sh('apt-cache', 'depends', 'linux-image-cloud-amd64')).group(1)
        kernel, busybox = unpack(image, tmp), unpack('busybox-static', tmp)
        shutil.copy(glob.glob(kernel + '/boot/vmlinuz-*')[0], out + '/vmlinuz')
        root = os.path.join(tmp, 'root')
        for d in ('dev', 'proc', 'sys', 'tmp', 'run', 'etc', 'bin', 'lib/mod', 'www', 'var/log/nginx', 'var/lib/nginx'): os.makedirs(f'{root}/{d}')
        def put(src, dst):
            os.makedirs(os.path.dirname(root + dst), exist_ok=True); shutil.copy2(os.path.realpath(src), root + dst); os.chmod(root + dst, 0o755)
        put(busybox + '/bin/busybox', '/bin/busybox')
        for applet in 'sh mount insmod ip usleep cat dd sleep'.split(): os.symlink('busybox', f'{root}/bin/{applet}')
        for n, m in enumerate(modules(kernel, ['virtio_pci', 'virtio_net', 'e1000'])): put(m, f'/lib/mod/{n:02d}-{os.path.basename(m)}')
        put(HERE + '/init', '/init'); put(HERE + '/nginx.conf', '/etc/nginx.conf'); put('/usr/sbin/nginx', '/usr/sbin/nginx')
        for lib in re.findall(r'(/\S+) \(0x', sh('ldd', '/usr/sbin/nginx')): put(lib, lib)
        open(root + '/etc/passwd', 'w').write('root:x:0:0:root:/:/bin/sh\n'); open(root + '/etc/group', 'w').write('root:x:0:\n')
        open(root + '/www/1k', 'wb').write(b'x' * 1023 + b'\n')
        open(out + '/web.img', 'wb').write(gzip.compress(newc(root), 9, mtime=0))

main(sys.argv[1])
