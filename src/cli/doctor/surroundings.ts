import { execFile } from 'node:child_process';
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ntpStatus } from '../../clock/ntp-status.ts';
import { systemClock } from '../../clock/system-clock.ts';
import { listBluezAdapters, listKernelAdapters } from '../../transports/ble/index.ts';
import { tryBroker } from '../../transports/mqtt/index.ts';

/** What the doctor asks of the machine, so that a test can break it. */
export interface Surroundings {
  readonly nodeVersion: string;
  /** Milliseconds since the Unix epoch. */
  now(): number;
  isClockSynchronised(): Promise<boolean>;
  disk(folder: string): { readonly freeBytes: number; readonly syncMs: number };
  memory(): { readonly limitBytes: number | undefined; readonly availableBytes: number };
  /** Who listens on a TCP port of this machine; undefined when nobody does. */
  listener(port: number): Listener | undefined;
  /** Another program that has a file open, where that can be seen. */
  holderOf(path: string): string | undefined;
  kernelAdapters(): Promise<readonly { readonly index: number; readonly address: string; readonly powered: boolean }[]>;
  bluezAdapters(): Promise<readonly { readonly index: number; readonly address: string; readonly powered: boolean }[]>;
  /** Undefined when the package is not installed. */
  packageVersion(name: string): string | undefined;
  /** What systemd says of the unit; undefined without systemd, or without the unit. */
  unit(): Promise<SystemdUnit | undefined>;
  /** The numbers of a user's groups. */
  groupsOf(user: string): readonly number[];
  /** Where a mosquitto on this machine keeps its users and its rules, as its configuration names them. */
  mosquitto(): { readonly passwordFile?: string; readonly aclFile?: string; readonly configFile?: string };
  readonly tryBroker: typeof tryBroker;
}

export interface SystemdUnit {
  /** active, failed, inactive, ... */
  readonly state: string;
  /** It sees no devices. */
  readonly privateDevices: boolean;
  /** Numbers. */
  readonly groups: readonly number[];
}

export interface Listener {
  /** `nginx (812)`, or undefined where only root may know. */
  readonly name: string | undefined;
  readonly pid: number | undefined;
  /** Of systemd: `nginx.service`. */
  readonly unit: string | undefined;
}

const run = promisify(execFile);
const COMMAND_PATIENCE_MS = 5_000;
const SYNCS = 8;

export const thisBox: Surroundings = {
  nodeVersion: process.versions.node,
  now: Date.now,
  isClockSynchronised: () => ntpStatus.isSynchronised(),
  disk: (folder) => ({ freeBytes: freeBytes(folder), syncMs: syncMs(folder) }),
  memory: () => ({ limitBytes: cgroupLimit(), availableBytes: availableBytes() }),
  listener,
  holderOf: (path) =>
    processes()
      .find(({ files }) => files().includes(path))
      ?.name(),
  kernelAdapters: () => listKernelAdapters(systemClock),
  bluezAdapters: () => listBluezAdapters(systemClock),
  packageVersion,
  async unit() {
    try {
      const properties = '--property=LoadState,ActiveState,PrivateDevices,SupplementaryGroups';
      const { stdout } = await run('systemctl', ['show', 'strikeplate', properties], { timeout: COMMAND_PATIENCE_MS });
      const of = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)?.[1] ?? '';
      if (of('LoadState') !== 'loaded') return undefined;
      const names = of('SupplementaryGroups').split(' ');
      return {
        state: of('ActiveState'),
        privateDevices: of('PrivateDevices') === 'yes',
        groups: groups().flatMap(({ name, gid }) => (names.includes(name) ? [gid] : [])),
      };
    } catch {
      return undefined;
    }
  },
  groupsOf: (user) => groups().flatMap(({ gid, members }) => (members.includes(user) ? [gid] : [])),
  mosquitto: () => mosquittoFiles('/etc/mosquitto/mosquitto.conf'),
  tryBroker,
};

const freeBytes = (folder: string): number => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};

/** The median of a few small synced writes. Milliseconds. */
function syncMs(folder: string): number {
  const file = join(folder, `.doctor-${process.pid}`);
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    const times = Array.from({ length: SYNCS }, () => {
      const began = performance.now();
      writeSync(descriptor, Buffer.alloc(4_096, 1));
      fsyncSync(descriptor);
      return performance.now() - began;
    });
    return times.sort((a, b) => a - b)[SYNCS >> 1] ?? 0;
  } finally {
    closeSync(descriptor);
    rmSync(file, { force: true });
  }
}

/** Of the unit, where there is one: cgroup v2. */
function cgroupLimit(): number | undefined {
  for (const slice of ['system.slice/strikeplate.service', '']) {
    try {
      const text = readFileSync(join('/sys/fs/cgroup', slice, 'memory.max'), 'utf8').trim();
      if (/^\d+$/.test(text)) return Number(text);
    } catch {
      // No such cgroup: the next one.
    }
  }
  return undefined;
}

function availableBytes(): number {
  try {
    const [, kib] = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? [];
    return kib === undefined ? freemem() : Number(kib) * 1024;
  } catch {
    return freemem();
  }
}

function packageVersion(name: string): string | undefined {
  try {
    const require = createRequire(import.meta.url);
    for (const folder of require.resolve.paths(name) ?? [])
      try {
        return (JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')) as { version: string }).version;
      } catch {
        // Not in this folder.
      }
  } catch {
    return undefined;
  }
  return undefined;
}

/** proc(5): states of TCP sockets; 0A is LISTEN. */
function listener(port: number): Listener | undefined {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => {
    try {
      return readFileSync(table, 'utf8')
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter((fields) => fields[1]?.endsWith(`:${hex}`) && fields[3] === '0A')
        .flatMap((fields) => fields[9] ?? []);
    } catch {
      return [];
    }
  });
  if (inodes.length === 0) return undefined;
  const sockets = new Set(inodes.map((inode) => `socket:[${inode}]`));
  const owner = processes().find(({ files }) => files().some((file) => sockets.has(file)));
  return { name: owner?.name(), pid: owner?.pid, unit: owner?.unit() };
}

function processes() {
  let pids: readonly string[] = [];
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  } catch {
    // No proc: nobody is seen.
  }
  return pids.map((pid) => ({
    pid: Number(pid),
    name: () => `${text(`/proc/${pid}/comm`).trim()} (${pid})`,
    unit: () => /\/([^/\n]+\.service)/.exec(text(`/proc/${pid}/cgroup`))?.[1],
    files: () => {
      try {
        return readdirSync(`/proc/${pid}/fd`).map((fd) => link(`/proc/${pid}/fd/${fd}`));
      } catch {
        return [];
      }
    },
  }));
}

/** group(5) */
const groups = () =>
  text('/etc/group')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , gid, members = '']) => ({ name, gid: Number(gid), members: members.split(',') }));

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** What its configuration, and those that it includes, name. */
export function mosquittoFiles(configFile: string): ReturnType<Surroundings['mosquitto']> {
  const found: { passwordFile?: string; aclFile?: string; configFile?: string } = {};
  const read = (file: string) => {
    const lines = text(file);
    if (lines !== '') found.configFile = file;
    for (const line of lines.split('\n')) {
      const [, key, value] = /^\s*(password_file|acl_file|include_dir)\s+(.+?)\s*$/.exec(line) ?? [];
      if (value === undefined) continue;
      if (key === 'password_file') found.passwordFile = value;
      else if (key === 'acl_file') found.aclFile = value;
      else
        try {
          for (const name of readdirSync(value).sort()) if (name.endsWith('.conf')) read(join(value, name));
        } catch {
          // There is no such folder.
        }
    }
  };
  read(configFile);
  return found;
}
