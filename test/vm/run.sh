#!/usr/bin/env bash
# Boots Debian's kernel in qemu and runs the tests of this folder in it: real Bluetooth sockets, BlueZ and D-Bus, which
# most build machines lack. The guest sees this machine's files, read only, and keeps what it writes in memory; it has no
# network. The processor is emulated, so it needs no rights and takes some minutes.
#
#   apt-get install --no-install-recommends qemu-system-x86 busybox-static cpio kmod bluez bluez-test-tools dbus socat
#   npm run test:vm [-- FILE]
#
# The kernel is Debian's, downloaded with apt and unpacked, not installed: 6.12, since 6.1.192 fails in hci_chan_del when
# bluetoothd closes a connection (docs/decisions/0032). STRIKEPLATE_VM_IMAGE names the package of another, and
# STRIKEPLATE_VM_KERNEL a folder that holds one unpacked (boot/vmlinuz-*, lib/modules/*) instead.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/strikeplate-vm-XXXXXX")
trap 'rm -rf "$folder"' EXIT
export PATH="$PATH:/usr/sbin:/sbin"

missing=()
for program in qemu-system-x86_64 busybox cpio depmod bluetoothctl btvirt dbus-daemon socat; do
  command -v "$program" >/dev/null || missing+=("$program")
done
if [ ${#missing[@]} -ne 0 ]; then
  echo "not installed: ${missing[*]}. The head of $0 says which packages have them." >&2
  exit 1
fi

kernel=${STRIKEPLATE_VM_KERNEL:-}
if [ -z "$kernel" ]; then
  kernel=$folder/kernel
  package=$(apt-cache depends "${STRIKEPLATE_VM_IMAGE:-linux-image-6.12-amd64}" | awk '/Depends: linux-image/ { print $2; exit }')
  echo "==> $package"
  (cd "$folder" && apt-get -qq download "$package" && dpkg -x "$package"_*.deb kernel)
fi
version=$(basename "$kernel"/lib/modules/*)
[ -e "$kernel/lib/modules/$version/modules.dep" ] || depmod -b "$kernel" "$version"

# The first file system: busybox, the modules in the order in which they need each other, and the way to the real root.
mkdir -p "$folder"/initial/{bin,dev,proc,sys,modules,lower,upper,root}
cp "$(command -v busybox)" "$folder/initial/bin/busybox"
number=100
for module in virtio_pci 9pnet_virtio 9p overlay bluetooth hci_vhci algif_skcipher algif_hash ecb cmac; do
  modprobe -d "$kernel" -S "$version" --show-depends "$module"
done | awk '/^insmod/ && !seen[$2]++ { print $2 }' | while read -r module; do
  number=$((number + 1))
  name=$number-$(basename "$module")
  case $module in
    *.xz) xz -dc "$module" >"$folder/initial/modules/${name%.xz}" ;;
    *) cp "$module" "$folder/initial/modules/$name" ;;
  esac
done
cp "$here/guest-init.sh" "$folder/initial/init"
cp "$here/guest-tests.sh" "$folder/initial/tests.sh"
{
  printf 'repository=%q\n' "$repository"
  printf 'node=%q\n' "$(command -v node)"
  printf 'files=%q\n' "$*"
} >"$folder/initial/settings.sh"
chmod 755 "$folder/initial/init"
(cd "$folder/initial" && find . | cpio -o -H newc 2>/dev/null | gzip -1 >"$folder/initial.gz")

timeout 1800 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m 2048 -smp 2 -net none -nographic -no-reboot \
  -kernel "$kernel/boot/vmlinuz-$version" -initrd "$folder/initial.gz" \
  -append 'console=ttyS0 panic=-1 quiet mitigations=off' \
  -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
  </dev/null | tee "$folder/said"
grep -aq '^strikeplate-vm: 0' "$folder/said"
