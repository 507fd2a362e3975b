#!/usr/bin/env bash
# Runs a command (make test, without one) on the working tree in Debian 13, whatever Debian this machine has: in a root
# folder that debootstrap makes once and that keeps the packages, the compiler cache and the build folder.
#   debian13.sh [COMMAND...]
# Environment: DEBIAN13_ROOT, the root folder (3 GB; remove it to begin anew); MIRROR, where Debian comes from.
# Mounts and processes live in namespaces of their own and end with the script.
set -euo pipefail
cd "$(dirname "$0")/.."

root=${DEBIAN13_ROOT:-/var/cache/podium-debian13}
fail() {
  echo "debian13.sh: $*" >&2
  exit 2
}
[ "$(id -u)" = 0 ] || fail "needs root: it installs packages into $root and mounts /proc, /sys and /dev there"
[ $# -gt 0 ] || set -- make test

mkdir -p "$(dirname "$root")"
exec 9> "$root.lock"
flock --nonblock 9 || fail "$root is in use by another run"

if [ ! -d "$root" ]; then
  command -v debootstrap > /dev/null || fail "debootstrap is missing: apt-get install debootstrap"
  mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Label: Debian' | head -n 1)}
  rm -rf "$root.partial"
  debootstrap --variant=minbase --include=make trixie "$root.partial" "$mirror"
  mv "$root.partial" "$root"
fi

# The working tree as git sees it, committed or not. A file that is as it was keeps its time there, any other gets the
# time of now, so that a second run builds what changed and nothing else: another working tree's times say nothing.
mkdir -p "$root/podium"
rm -rf "$root/podium.new" && mkdir "$root/podium.new"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  [ ! -e "$file" ] || printf '%s\0' "$file"
done | tar --create --null --files-from=- | tar --extract --touch --no-same-owner --directory "$root/podium.new"
(cd "$root/podium.new" && find . -type f -print0) | while IFS= read -r -d '' file; do
  before=$root/podium/$file now=$root/podium.new/$file
  ! cmp --quiet "$before" "$now" || touch --reference="$before" "$now"
done
[ ! -d "$root/podium/build" ] || mv "$root/podium/build" "$root/podium.new/build"
rm -rf "$root/podium" && mv "$root/podium.new" "$root/podium"
cp --dereference /etc/resolv.conf "$root/etc/resolv.conf"
# Open MPI looks the host's name up.
printf '127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost\n' "$(hostname)" > "$root/etc/hosts"

status=0
unshare --mount --pid --fork --kill-child bash -euc '
  # Not chroot: tests mount / again, which has to be a mount point.
  mount --bind "$0" "$0" && cd "$0"
  mount --rbind /dev dev && mount -t tmpfs -o mode=1777 tmpfs dev/shm
  mount -t proc proc proc && mount -t sysfs sysfs sys && mount -t tmpfs -o mode=755 tmpfs run
  pivot_root . mnt && umount --lazy /mnt
  cd /podium
  # This shell stays as process 1 and reaps orphans.
  status=0
  env -i HOME=/root TERM="${TERM:-dumb}" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    ${http_proxy:+http_proxy="$http_proxy"} "$@" || status=$?
  exit $status' "$root" "$@" 9>&- || status=$?

if [ -f "$root/podium/build/release/tests.xml" ]; then
  mkdir -p build/debian13
  cp "$root/podium/build/release/tests.xml" build/debian13/
fi
exit $status
