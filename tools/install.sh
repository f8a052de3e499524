#!/bin/sh
# install.sh ROLE... - installs what tools/packages.txt lists for the roles (build, run, test, ...) and is missing.
set -eu
here=$(dirname "$0")
wanted=$(awk -v roles=" $* " '!/^#/ && index(roles, " " $1 " ") && !seen[$2]++ { print $2 }' "$here/packages.txt")
there=" $(dpkg-query -W -f='${Package} ${db:Status-Status}\n' $wanted 2>/dev/null | awk '$2 == "installed" { printf "%s ", $1 }')"
missing=
for pkg in $wanted; do
        case $there in *" $pkg "*) ;; *) missing="$missing $pkg" ;; esac
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
        echo "install.sh: this needs Debian's packages, and there is no apt-get here. Install by your own means:$missing" >&2
        exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || { echo "install.sh: missing:$missing. You are not root, and there is no sudo: run tools/install.sh $* as root" >&2; exit 1; }
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
