#!/usr/bin/env bash
# npm run test:package [-- SUITE...]: the Debian packages on fresh Debians (bookworm and trixie unless told).
# As root, with debootstrap, dpkg-deb and cgroup 2; reaches Debian's mirror. Takes some minutes. For each Debian: from
# nothing to an unlocked simulated door, by hand and by setup beside mosquitto with TLS, passwords and access rules; an
# upgrade under a door command every 100 ms; broken upgrades, which must go back by themselves or not begin; a purge, which
# must leave nothing. Two builds, in folders of their own and under other settings, must be equal byte for byte.
# STRIKEPLATE_JOURNAL=FOLDER keeps the journal of the unit as an administrator sees it. STRIKEPLATE_PACKAGES=FOLDER takes
# packages that were built there, and does not compare builds.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
suites=("$@")
[ ${#suites[@]} -gt 0 ] || suites=(bookworm trixie)
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
cache=${STRIKEPLATE_ROOTS:-/var/tmp/strikeplate-roots}
work=$(mktemp -d)
booted=
stop() { [ -z "$booted" ] || kill -9 "$booted" 2>/dev/null || true; booted=; }
trap 'stop; rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
say() { printf '%-9s %s\n' "$suite" "$*"; }

suite=build
mkdir -p "$work/a" "$work/b" "$work/shared"
if [ -n "${STRIKEPLATE_PACKAGES:-}" ]; then
  cp "$STRIKEPLATE_PACKAGES"/*.deb "$work/a/"
else
  (cd "$repository" && node scripts/package.mjs --out "$work/a" >/dev/null && node scripts/package.mjs --with-node --out "$work/a" >/dev/null)
  # The same sources elsewhere, deeper, by somebody with another umask, zone and language.
  other="$cache/other-$$/one folder/deeper"
  mkdir -p "$other"
  trap 'stop; rm -rf "$work" "$cache/other-$$"' EXIT
  (cd "$repository" && git ls-files -co --exclude-standard -z | xargs -0 cp --parents -t "$other" && cp -a node_modules "$other/")
  (
    cd "$other"
    umask 077
    SOURCE_DATE_EPOCH=$(git -C "$repository" log -1 --format=%ct) TZ=Pacific/Kiritimati LC_ALL=C.UTF-8 LANG=de_CH.UTF-8 \
      node scripts/package.mjs --out "$work/b" >/dev/null
  )
  rm -rf "$cache/other-$$"
  cmp "$work"/a/strikeplate_*.deb "$work"/b/strikeplate_*.deb || fail "two builds differ"
  say "two builds are equal: $(sha256sum "$work"/a/strikeplate_*.deb | cut -c1-16)..., $(stat -c %s "$work"/a/strikeplate_*.deb) bytes"
fi

# Another release, and ones that do not start: "dead" runs nothing, "broken" takes the configuration and ends at its start,
# "hung" never becomes ready.
repack() { # FROM VERSION [dead|broken|hung]
  local folder="$work/repack" cli
  rm -rf "$folder"
  dpkg-deb -R "$1" "$folder"
  sed -i "s/^Version: .*/Version: $2/" "$folder/DEBIAN/control"
  echo "$2-test" >"$folder/opt/strikeplate/package/release"
  cli="$folder/opt/strikeplate/package/dist/src/cli.js"
  case "${3:-}" in
    dead) echo 'throw new Error("a release that runs nothing");' >"$cli" ;;
    broken) echo 'if (process.argv[2] === "run") throw new Error("a broken release"); else await import("./cli/main.js");' >"$cli" ;;
    hung) echo 'if (process.argv[2] === "run") setInterval(() => {}, 1000); else await import("./cli/main.js");' >"$cli" ;;
  esac
  dpkg-deb --root-owner-group -Zgzip -z1 -b "$folder" "$work/shared/$2.deb" >/dev/null
}
node "$here/doors.mjs" 20 "$work/shared"
cp "$here/devices-over-http.mjs" "$here/gateway.yaml" "$here/hammer.mjs" "$here/bridge.yaml" "$here/answers.yaml" "$work/shared/"
echo bridge >"$work/shared/bridge.pw"

for suite in "${suites[@]}"; do
  packages=ca-certificates,systemd,procps,udev,mosquitto,mosquitto-clients
  base="$cache/$suite"
  if [ "$(cat "$base/.complete" 2>/dev/null)" != "$packages" ]; then
    rm -rf "$base"
    mkdir -p "$base"
    debootstrap --variant=minbase --include=$packages "$suite" "$base" "$mirror" >"$work/debootstrap.log" 2>&1 ||
      { tail -5 "$work/debootstrap.log"; fail "debootstrap $suite"; }
    echo "$packages" >"$base/.complete"
  fi
  root="$work/$suite"
  cp -a "$base" "$root"
  kind=strikeplate
  # Debian 12 has Node.js 18: there the package with its own runtime is the one to take.
  [ "$suite" != bookworm ] || kind=strikeplate-with-node
  deb=$(ls "$work"/a/${kind}_*.deb)
  cp "$deb" "$work/shared/first.deb"
  repack "$deb" 9.0.1
  repack "$deb" 9.0.2 broken
  repack "$deb" 9.0.5 dead
  repack "$deb" 9.0.4 hung

  hierarchy=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)
  mkdir -p "$hierarchy/strikeplate-$$"
  sh -c "echo \$\$ >$hierarchy/strikeplate-$$/cgroup.procs; exec unshare --kill-child --fork --pid --mount --cgroup --uts --mount-proc '$here/boot-root.sh' '$root' '$work/shared'" >"$work/boot.log" 2>&1 &
  booted=$!
  for _ in $(seq 100); do
    first=$(pgrep -P "$booted" || true)
    [ -n "$first" ] && nsenter -t "$first" -m -p -u systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded' && break
    sleep 0.2
  done
  inside() { nsenter -t "$first" -m -p -u env DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
  apt() { inside apt-get -y -qq "$@" >"$work/apt.log" 2>&1; }
  apt update || fail "apt update"

  began=$(date +%s)
  apt install /mnt/first.deb || { tail -5 "$work/apt.log"; fail "install"; }
  inside systemctl is-active --quiet strikeplate || fail "not running after the installation"
  inside systemctl start mosquitto
  inside sh -c 'cp /mnt/gateway.yaml /etc/strikeplate/gateway.yaml && strikeplate check-config && systemctl restart strikeplate' >/dev/null || fail "configuration"
  for _ in $(seq 50); do inside strikeplate devices 2>/dev/null | grep -q online && break; sleep 0.2; done
  door=$(inside strikeplate unlock front) || fail "unlock: $door"
  say "installed and unlocked in $(($(date +%s) - began)) s with 4 commands: $door"

  # As a box does that was started from an image of many: nobody made it a key.
  inside sh -c 'systemctl stop strikeplate && rm /var/lib/strikeplate/api-keys /var/lib/strikeplate/cli.key && systemctl start strikeplate' || fail "a start without keys"
  inside strikeplate devices >/dev/null || fail "a box without a key made none"

  # The same by setup, with the site's mosquitto: TLS, passwords and access rules.
  began=$(date +%s)
  inside sh -ec '
    grep -qs localhost /etc/hosts || echo 127.0.0.1 localhost >>/etc/hosts
    cd /etc/mosquitto/certs
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=localhost \
      -addext subjectAltName=DNS:localhost -keyout broker.key -out broker.pem 2>/dev/null
    cp broker.pem ca.pem && chown mosquitto broker.key
    cd /etc/mosquitto
    cp /usr/share/doc/strikeplate/samples/mosquitto.acl strikeplate.acl
    mosquitto_passwd -c -b strikeplate.passwd zigbee2mqtt bridge 2>/dev/null
    chgrp mosquitto strikeplate.acl strikeplate.passwd && chmod 0640 strikeplate.acl strikeplate.passwd
    cp /usr/share/doc/strikeplate/samples/mosquitto.conf conf.d/listener.conf
    systemctl restart mosquitto' || fail "mosquitto with the sample"
  inside sh -c 'exec setsid strikeplate simulate --config /mnt/bridge.yaml >/mnt/bridge.log 2>&1 &'
  sleep 2
  inside sh -c 'cd /root && strikeplate setup --replace --yes --answers /mnt/answers.yaml' >"$work/setup.out" 2>&1 ||
    { cat "$work/setup.out"; fail "setup"; }
  inside strikeplate lock front-door >/dev/null || fail "the door that setup found"
  say "by setup, with TLS, passwords and access rules: $(grep -m1 ' is unlocked' "$work/setup.out") $(($(date +%s) - began)) s, 1 command"
  inside systemctl is-enabled --quiet strikeplate-certificate.timer || fail "no timer for the certificate"
  inside systemctl start strikeplate-certificate.service || fail "the certificate's timer"
  inside journalctl -u strikeplate-certificate --no-pager | grep -q 'valid for' || fail "the certificate was not looked at"
  inside sh -c 'strikeplate doctor --json' >"$work/doctor.out" || true
  say "doctor afterwards: $(grep -c '"verdict": "bad"' "$work/doctor.out" || true) bad $(grep -A3 '"verdict": "bad"' "$work/doctor.out" | grep -v verdict | tr -s ' \n' ' ')"
  inside sh -c 'pkill -f "[s]imulate --config /mnt/bridge.yaml"; rm /etc/mosquitto/conf.d/*.conf /etc/mosquitto/strikeplate.*; systemctl restart mosquitto'

  # A building of its own for the upgrade, whose bridge is not part of what is upgraded.
  inside sh -c 'exec setsid strikeplate simulate --config /mnt/doors-bridge.yaml >/mnt/doors-bridge.log 2>&1 &'
  inside sh -c 'cp /mnt/doors.yaml /etc/strikeplate/gateway.yaml && systemctl restart strikeplate'
  for _ in $(seq 100); do [ "$(inside strikeplate devices --json 2>/dev/null | grep -c '"online": true')" = 20 ] && break; sleep 0.2; done
  # The configuration is root's until a drop-in, and its folder's mode, say otherwise.
  in_node() { inside sh -c 'node=$(sed -n "s/^exec \([^ ]*\).*/\1/p" /usr/bin/strikeplate); exec "$node" "$@"' sh "$@"; }
  in_node /mnt/devices-over-http.mjs refused || fail "devices over HTTP without the drop-in"
  inside sh -ec 'install -D -m 0644 /usr/share/doc/strikeplate/examples/configuration.conf /etc/systemd/system/strikeplate.service.d/configuration.conf
    chown root:strikeplate /etc/strikeplate && chmod 0770 /etc/strikeplate && systemctl daemon-reload && systemctl restart strikeplate'
  for _ in $(seq 100); do [ "$(inside strikeplate devices --json 2>/dev/null | grep -c '"online": true')" = 20 ] && break; sleep 0.2; done
  in_node /mnt/devices-over-http.mjs taken || fail "devices over HTTP with the drop-in"
  say "devices over HTTP: refused, and taken with configuration.conf"
  rm -f "$work/shared/upgraded"
  in_node /mnt/hammer.mjs /mnt/upgraded >"$work/hammer.out" &
  hammer=$!
  sleep 4
  apt install /mnt/9.0.1.deb || { tail -5 "$work/apt.log"; fail "upgrade"; }
  sleep 4
  touch "$work/shared/upgraded"
  wait "$hammer" || { cat "$work/hammer.out"; fail "commands during the upgrade"; }
  inside readlink /opt/strikeplate/current | grep -q 9.0.1 || fail "the new release does not run"
  say "upgrade under commands: $(cat "$work/hammer.out")"
  grep -q '"sent_again":[1-9]' "$work/hammer.out" || fail "no command met the upgrade"

  still_works() {
    inside readlink /opt/strikeplate/current | grep -q 9.0.1 || fail "a $1 release did not go back"
    inside strikeplate lock door-1 >/dev/null || fail "the release before does not work after a $1 one"
  }
  if apt install /mnt/9.0.2.deb; then fail "a broken release was taken"; fi
  still_works broken
  say "broken upgrade: $(grep 'did not become ready' "$work/apt.log")"
  began=$(date +%s)
  if apt install /mnt/9.0.4.deb; then fail "a hung release was taken"; fi
  still_works hung
  say "hung upgrade, back after $(($(date +%s) - began)) s: $(grep 'did not become ready' "$work/apt.log")"
  since=$(inside systemctl show strikeplate --property=ActiveEnterTimestampMonotonic)
  if apt install /mnt/9.0.5.deb; then fail "a dead release was taken"; fi
  still_works dead
  [ "$since" = "$(inside systemctl show strikeplate --property=ActiveEnterTimestampMonotonic)" ] || fail "a dead release stopped the one that ran"
  say "dead upgrade, without a restart: $(grep 'does not start with this configuration' "$work/apt.log")"
  inside pkill -f '[s]imulate --config /mnt/doors-bridge.yaml' || true

  if [ -n "${STRIKEPLATE_JOURNAL:-}" ]; then
    inside journalctl -u strikeplate --no-pager >"$STRIKEPLATE_JOURNAL/$suite.txt"
    inside journalctl -u strikeplate -p warning --no-pager >"$STRIKEPLATE_JOURNAL/$suite-warning.txt"
  fi
  apt purge "$kind" || { tail -5 "$work/apt.log"; fail "purge"; }
  left=$(inside find / -xdev -name '*strikeplate*' -not -path '/mnt/*' -not -path '/proc/*' -not -path '/var/log/*' -not -path '/var/lib/apt/*')
  inside getent passwd strikeplate && left="$left user"
  [ -z "$left" ] || fail "purge left: $left"
  say "purge left nothing"
  stop
  sleep 1
  find "$hierarchy/strikeplate-$$" -depth -type d -exec rmdir {} + || true
  rm -rf "$root"
done
