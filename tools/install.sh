#!/bin/sh
# install.sh ROLE... - installs what tools/packages.txt lists for the roles (build, run, test) and is missing.
set -eu
here=$(dirname "$0")
missing=
for role in "$@"; do
        for pkg in $(awk -v r="$role" '$1 == r { print $2 }' "$here/packages.txt"); do
                dpkg-query -W -f='${Status}' "$pkg" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $pkg"
        done
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
        echo "install.sh: this needs Debian's packages, and there is no apt-get here. Install by your own means:$missing" >&2
        exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { echo "install.sh: not root and no sudo. As root, run: apt-get install$missing" >&2; exit 1; }
        sudo=sudo
fi
echo "installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { $sudo apt-get update && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        echo "install.sh: apt-get could not install:$missing (its last lines are above)" >&2
        exit 1
fi
