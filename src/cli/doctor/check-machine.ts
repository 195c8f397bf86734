import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { localDateTime } from '../terminal.ts';
import { bad, type Finding, ok, quoted, warning } from './finding.ts';
import type { Patient } from './patient.ts';
import type { Surroundings } from './surroundings.ts';

/** Node.js 20 gets no more security updates since then. https://nodejs.org/en/about/previous-releases */
const RECOMMENDED_MAJOR = 22;
/** This program is younger than that: a clock before it is wrong. */
const EARLIEST = Date.UTC(2026, 0, 1);
/** The database needs a few MiB, and its log grows to 12. A guess with room for backups. */
const LEAST_FREE_BYTES = 64 << 20;
/** A door's command waits for two synced writes. Milliseconds. */
const SLOW_SYNC_MS = 100;
const UNBEARABLE_SYNC_MS = 1_000;
/** Half of what the unit allows: docs/performance.md has what a gateway takes. */
const LEAST_LIMIT_BYTES = 256 << 20;
const LEAST_AVAILABLE_BYTES = 48 << 20;
/** So many are within what the unit allows; systemd/many-doors.conf allows more. */
const MANY_DEVICES = 4_500;
const LIMIT_OF_MANY_BYTES = 1024 << 20;

const mib = (bytes: number) => `${Math.round(bytes / (1 << 20))} MiB`;

export function checkNode({ nodeVersion }: Surroundings): Finding[] {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    return [bad('node', `Node.js ${nodeVersion} is too old; 20.19 is the least.`, 'apt-get install -y nodejs')];
  if (major < RECOMMENDED_MAJOR)
    return [warning('node', `Node.js ${nodeVersion} gets no security updates any more. Install Node.js 24.`)];
  return [ok('node', `Node.js ${nodeVersion}.`)];
}

export async function checkClock(world: Surroundings): Promise<Finding[]> {
  const now = new Date(world.now());
  const run = 'timedatectl set-ntp true';
  if (now.getTime() < EARLIEST)
    return [bad('clock', `The clock shows ${localDateTime(now.getTime())}: codes begin and end by it.`, run)];
  if (await world.isClockSynchronised())
    return [ok('clock', `The clock is kept by NTP: ${localDateTime(now.getTime())}.`)];
  return [
    bad('clock', `Nothing keeps the clock right (${localDateTime(now.getTime())}): codes begin and end by it.`, run),
  ];
}

export function checkDisk({ target }: Patient, world: Surroundings): Finding[] {
  if (target === undefined || !existsSync(target.stateDir)) return [];
  const folder = existsSync(dirname(target.store.path)) ? dirname(target.store.path) : target.stateDir;
  let disk: ReturnType<Surroundings['disk']>;
  try {
    disk = world.disk(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const full = code === 'ENOSPC';
    const why = full ? 'is full' : `cannot be written to (${code})`;
    return [
      bad(
        'disk',
        `The disk with ${folder} ${why}.`,
        full
          ? 'journalctl --vacuum-size=100M'
          : `mount -o remount,rw "$(df --output=target ${quoted(folder)} | tail -1)"`,
      ),
    ];
  }
  const { freeBytes, syncMs } = disk;
  if (freeBytes < LEAST_FREE_BYTES)
    return [
      bad('disk', `Only ${mib(freeBytes)} are free on the disk with ${folder}.`, 'journalctl --vacuum-size=100M'),
    ];
  const slow = `A synced write takes ${Math.round(syncMs)} ms in ${folder}, and each door command waits for two. Use an SSD, or another card.`;
  if (syncMs >= UNBEARABLE_SYNC_MS) return [bad('disk', slow)];
  if (syncMs >= SLOW_SYNC_MS) return [warning('disk', slow)];
  return [ok('disk', `${mib(freeBytes)} free, ${syncMs.toFixed(1)} ms for a synced write.`)];
}

/** @param devices how many are configured */
export function checkMemory(devices: number, world: Surroundings): Finding[] {
  const { limitBytes, availableBytes } = world.memory();
  if (limitBytes !== undefined && limitBytes < LEAST_LIMIT_BYTES)
    return [
      bad(
        'memory',
        `The service may take ${mib(limitBytes)}, which is too little.`,
        'systemctl set-property strikeplate.service MemoryMax=512M',
      ),
    ];
  if (limitBytes !== undefined && devices > MANY_DEVICES && limitBytes < LIMIT_OF_MANY_BYTES)
    return [
      warning(
        'memory',
        `The service may take ${mib(limitBytes)}; with ${devices} devices it is slow under load in less than ${mib(LIMIT_OF_MANY_BYTES)}.`,
        'install -D -m 644 /usr/share/doc/strikeplate/examples/many-doors.conf /etc/systemd/system/strikeplate.service.d/many-doors.conf && systemctl daemon-reload && systemctl restart strikeplate',
      ),
    ];
  if (availableBytes < LEAST_AVAILABLE_BYTES)
    return [warning('memory', `Only ${mib(availableBytes)} of memory are available on this machine.`)];
  return [ok('memory', `${mib(availableBytes)} of memory are available.`)];
}

/** Packages that the configuration needs beside the program. */
export function checkVersions({ config, version }: Patient, world: Surroundings): Finding[] {
  if (config === undefined) return [];
  const needed = [
    ...(config.zwave.length > 0 ? [{ name: 'zwave-js', version: '15.29.0', extra: 'zwave' }] : []),
    ...(config.ble.some(({ radio }) => radio.kind === 'dbus')
      ? [{ name: '@jellybrick/dbus-next', version: '0.11.3', extra: 'dbus' }]
      : []),
  ];
  const found = needed.flatMap(({ name, version: wanted, extra }): Finding[] => {
    const there = world.packageVersion(name);
    const run = `apt-get install -y strikeplate-${extra}`;
    if (there === undefined)
      return [bad('versions', `The configuration needs the package ${name}, which is not installed.`, run)];
    return there === wanted
      ? []
      : [warning('versions', `${name} is ${there}; this release was tested with ${wanted}.`, run)];
  });
  return found.length > 0 ? found : [ok('versions', `Strikeplate ${version}.`)];
}
