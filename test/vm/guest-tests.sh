# Runs the tests inside the virtual machine, says how they ended, and switches it off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root NO_COLOR=1 CI=true
. /run/settings.sh
mkdir -p /dev/pts /dev/shm /var/lib/bluetooth
mount -t devpts devpts /dev/pts
mount -t tmpfs memory /dev/shm
# What this machine's own bluetoothd remembers is none of the tests' business.
mount -t tmpfs memory /var/lib/bluetooth
cd "$repository" || exit
echo "Linux $(uname -r), BlueZ $(/usr/libexec/bluetooth/bluetoothd -v), up for $(cut -d' ' -f1 /proc/uptime) s"
# shellcheck disable=SC2154,SC2086
"$node" node_modules/vitest/vitest.mjs run --config vitest.vm.config.ts --reporter=verbose $files </dev/null 2>&1 | cat
echo "strikeplate-vm: ${PIPESTATUS[0]}"
sync
echo o >/proc/sysrq-trigger
sleep 60
