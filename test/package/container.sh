#!/usr/bin/env bash
# test/package/container.sh FOLDER: builds the image of container/Containerfile with buildah, of the packages in FOLDER, on a
# base that debootstrap makes (as test/package/run.sh does), runs it read only, and unlocks a simulated door in it. As root.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
packages=$(cd "${1:?the folder of the packages}" && pwd)
cache=${STRIKEPLATE_ROOTS:-/var/tmp/strikeplate-roots}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
work=$(mktemp -d)
buildah="buildah --root $work/storage --runroot $work/run"
trap '$buildah rm -a >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

base="$cache/container-base"
[ -e "$base/etc/debian_version" ] || debootstrap --variant=minbase trixie "$base" "$mirror" >"$work/debootstrap.log" 2>&1
empty=$($buildah from scratch)
$buildah add -q "$empty" "$base" / >/dev/null
$buildah commit -q "$empty" debian-base >/dev/null

# What the builder is sent is what .dockerignore lets through: the packages and the entrypoint.
mkdir -p "$work/context/packages" "$work/context/container"
cp "$packages"/strikeplate_*.deb "$work/context/packages/"
cp "$repository/container/entrypoint" "$repository/container/Containerfile" "$work/context/container/"
cp "$repository/.dockerignore" "$work/context/"
(cd "$work/context" && $buildah bud -q --build-arg BASE=localhost/debian-base -f container/Containerfile -t strikeplate . >"$work/bud.log" 2>&1) ||
  { tail -20 "$work/bud.log"; exit 1; }

container=$($buildah from localhost/strikeplate)
mounted=$($buildah mount "$container")
left=$(find "$mounted/var/lib/strikeplate" "$mounted/etc/strikeplate" -name '*key*' -o -name gateway.yaml)
[ -z "$left" ] || { echo "FAILED: a layer keeps $left"; exit 1; }
mkdir -p "$work/etc" "$work/state"
cp "$here/container.yaml" "$work/etc/gateway.yaml"
chown -R 990:990 "$work/state"
run() { $buildah run --user strikeplate -v "$work/etc:/etc/strikeplate:ro" -v "$work/state:/var/lib/strikeplate" "$container" -- "$@"; }
run strikeplate-container run >"$work/said" 2>&1 &
for _ in $(seq 150); do run strikeplate devices 2>/dev/null | grep -q online && break; sleep 0.5; done
door=$(run strikeplate unlock front) || { cat "$work/said"; exit 1; }
echo "in a container: $door image $(du -sm "$mounted" | cut -f1) MiB, $(run id -un)"
pid=$(pgrep -n -f 'dist/src/cli.js run$')
kill -TERM "$pid"
wait || true
grep -q stopping "$work/said" || { cat "$work/said"; echo "FAILED: it did not end in order"; exit 1; }
