#!/bin/busybox sh
# The first process of the virtual machine: loads the modules and goes over to the host's files under a layer of memory.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do insmod "$module" || echo "not loaded: $module"; done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=524288,cache=loose,ro host /lower
mount -t tmpfs -o size=1g memory /upper
mkdir /upper/files /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work files /root
for folder in proc sys dev; do mount --move "/$folder" "/root/$folder"; done
mount -t tmpfs -o mode=755 memory /root/run
ip link set lo up
cp /tests.sh /settings.sh /root/run
exec switch_root /root /bin/bash /run/tests.sh
