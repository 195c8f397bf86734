#!/bin/sh
# boot-root.sh ROOT SHARED: the inner half of run.sh, run by unshare as the first process of new namespaces. Boots the
# Debian in ROOT under its own systemd, with SHARED at /mnt. Nothing that is changed here is seen outside.
set -eu
root=$1
shared=$2
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys" 2>/dev/null || true
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount --rbind /dev "$root/dev"
mount --bind "$shared" "$root/mnt"
cp /etc/resolv.conf "$root/etc/resolv.conf"
hostname lobby
cd "$root"
mkdir -p old
pivot_root . old
umount -l /old
export container=strikeplate-test
exec /lib/systemd/systemd --system --show-status=no --log-target=console --log-level=warning --unit=multi-user.target
