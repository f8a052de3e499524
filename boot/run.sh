#!/bin/sh
# run.sh - boots the floppy image in QEMU with the terminal on the serial shell and its page on a port of this host.
# Everything it makes is private to the run and gone afterwards. `make run` calls it; variables choose:
#   SITE=folder  its content instead of the default site      CONF=file  instead of the image's qure.conf
#   NIC=virtio|e1000|rtl8139|ne2k|ne2k_isa|pcnet              MEM=megabytes
#   NET=tap      a TAP device of its own instead of QEMU's user network (needs root)
# SPDX-License-Identifier: MIT
set -eu
cd "$(dirname "$0")/.."
B=${B:-build} NIC=${NIC:-virtio} NET=${NET:-user} SITE=${SITE:-} CONF=${CONF:-}
FLOPPY_KB=1100                          # what surely fits on the image's volume beside slack in its clusters
MAC=52:54:00:12:34:56
TAP_HOST=10.9.0.1 TAP_GUEST=10.9.0.2

die() { echo "run: $*" >&2; exit 1; }

case $NIC in
virtio)   device=virtio-net-pci ;;
ne2k)     device=ne2k_pci ;;
e1000|rtl8139|ne2k_isa|pcnet) device=$NIC ;;
*)        die "NIC=$NIC is not one of virtio e1000 rtl8139 ne2k ne2k_isa pcnet" ;;
esac
case $NET in
user)     roles="build run" ;;
tap)      roles="build run tap"; [ "$(id -u)" = 0 ] || die "NET=tap makes a TAP device: that needs root" ;;
*)        die "NET=$NET is neither user nor tap" ;;
esac
[ -z "$SITE" ] || [ -d "$SITE" ] || die "SITE=$SITE is not a folder"
[ -z "$CONF" ] || [ -f "$CONF" ] || die "CONF=$CONF is not a file"
case ${MEM:-} in *[!0-9]* | 0) die "MEM=$MEM is not a number of megabytes (4 or more)" ;; esac

tools/install.sh $roles
echo "building $B/qure.img"
case ${MAKEFLAGS:-} in *jobserver*) jobs= ;; *) jobs=-j$(nproc) ;; esac
make --no-print-directory -s $jobs B="$B" "$B/qure.img" "$B/qure.elf"

dir=$(mktemp -d) pids= tap=
tty=$(stty -g 2>/dev/null || true)
cleanup() {
        trap - EXIT INT TERM HUP
        for pid in $pids; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
        [ -z "$tap" ] || ip link del "$tap" 2>/dev/null
        [ -z "$tty" ] || stty "$tty" 2>/dev/null
        rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# --- a private copy of the image, or of its volume alone when the site is larger than a floppy ---
image=$dir/qure.img
size=$(du -sk "${SITE:-$dir}" | cut -f1)
if [ "$size" -le $FLOPPY_KB ]; then
        cp "$B/qure.img" "$image"
        set -- -drive "file=$image,format=raw,if=floppy" -boot a
        MEM=${MEM:-16}
else
        mkfs.fat -C -F 16 -s 4 -n QURE "$image" $((size + size / 8 + 10000)) >/dev/null
        mcopy -i "$B/qure.img" ::/qure.conf "$dir/qure.conf"
        mcopy -i "$image" "$dir/qure.conf" ::/
        set -- -kernel "$B/qure.elf" -initrd "$image"
        MEM=${MEM:-$((32 + size / 900))}
fi
if [ -n "$SITE" ]; then
        mdeltree -i "$image" ::/www 2>/dev/null || true
        mmd -i "$image" ::/www
        for f in "$SITE"/*; do
                [ ! -e "$f" ] || mcopy -s -m -o -Q -i "$image" "$f" ::/www/ || die "$f does not fit on the volume"
        done
fi
[ -z "$CONF" ] || mcopy -o -i "$image" "$CONF" ::/qure.conf

# --- network ---
if [ "$NET" = tap ]; then
        tap=qure$$
        ip tuntap add dev "$tap" mode tap
        ip addr add "$TAP_HOST/24" dev "$tap"
        ip link set "$tap" up
        dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 --no-ping --interface="$tap" --bind-interfaces --pid-file= \
                --dhcp-range="$TAP_GUEST,$TAP_GUEST,1h" --dhcp-leasefile="$dir/leases" --log-facility="$dir/dnsmasq.log" &
        pids=$!
        netdev=tap,id=n0,ifname=$tap,script=no,downscript=no
        url=http://$TAP_GUEST/
else
        port=$(python3 - <<'END'
import socket
for port in range(8080, 8180):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(('127.0.0.1', port))
        except OSError:
            continue
        print(port)
        break
END
)
        [ -n "$port" ] || die "no free port from 8080 to 8179"
        netdev=user,id=n0,hostfwd=tcp:127.0.0.1:$port-:80
        url=http://127.0.0.1:$port/
fi

# A device node alone does not mean that virtual machines run well: where the CPU has neither flag, /dev/kvm emulates slowly.
accel=tcg
if grep -qE '^flags.*\b(vmx|svm)\b' /proc/cpuinfo && [ -w /dev/kvm ]; then accel=kvm; fi

echo "the page   $url"
echo "to leave   Ctrl-A, then X (or the command: halt)"
# In the background, so that a signal to this script ends QEMU; the terminal stays its input.
exec 3<&0
qemu-system-i386 -nodefaults -accel "$accel" -m "$MEM" -display none "$@" \
        -chardev stdio,id=console,mux=on,signal=off -serial chardev:console -mon chardev=console \
        -netdev "$netdev" -device "$device,netdev=n0,mac=$MAC" \
        -object rng-random,id=rng0,filename=/dev/urandom -device virtio-rng-pci,rng=rng0 <&3 &
qemu=$!
pids="$qemu $pids"
status=0
wait "$qemu" || status=$?
exit "$status"
