#!/bin/sh
# boot-systemd.sh FOLDER REPOSITORY: the inner half of booted-systemd.ts, run by unshare as the first process of new
# pid, mount, cgroup and host name namespaces. Nothing that is changed here is seen outside.
set -eu
folder=$1
repository=$2
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# Users, units and configuration of our own, on top of this machine's.
mount -t tmpfs -o mode=755 tmpfs /var/lib
mkdir "$folder/etc"
cp -a /etc/. "$folder/etc/"
rm -rf "$folder/etc/systemd/system"
cp -r "$folder/units" "$folder/etc/systemd/system"
mount --bind "$folder/etc" /etc
mount -t tmpfs -o mode=755 tmpfs /opt
mkdir /opt/strikeplate
mount --bind "$repository" /opt/strikeplate
systemd-sysusers "$repository/systemd/strikeplate.sysusers.conf"
systemd-tmpfiles --create "$repository/systemd/strikeplate.tmpfiles.conf"
cp "$folder/gateway.yaml" /etc/strikeplate/gateway.yaml
export container=strikeplate-test SYSTEMD_UNIT_PATH=/etc/systemd/system
exec /lib/systemd/systemd --system --show-status=no --log-target=console --log-level=info --unit=default.target
