import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const boot = fileURLToPath(new URL('./boot-systemd.sh', import.meta.url));

/** Units that a service depends on without naming them. */
const bareTargets = ['sysinit', 'basic', 'shutdown', 'network-online', 'time-sync', 'multi-user'];

export interface BootOptions {
  readonly unit: string;
  readonly config: string;
}

/**
 * A systemd of its own, as the first process of namespaces, that runs the gateway's unit: its user, its state
 * directory, its filters. This machine sees nothing of it but processes.
 */
export class BootedSystemd {
  readonly #folder: string;
  readonly #cgroup: string;
  readonly #child: ChildProcess;
  #pid: number | undefined;

  private constructor(folder: string, cgroup: string, child: ChildProcess) {
    this.#folder = folder;
    this.#cgroup = cgroup;
    this.#child = child;
  }

  /** @returns undefined, with the reason on the console, where this machine does not let one be booted */
  static async boot({ unit, config }: BootOptions): Promise<BootedSystemd | undefined> {
    const parent = ownCgroup();
    if (process.getuid?.() !== 0 || parent === undefined) {
      console.warn('no systemd was booted: that needs root and cgroup 2');
      return undefined;
    }
    const folder = mkdtempSync(join(tmpdir(), 'strikeplate-systemd-'));
    mkdirSync(join(folder, 'units'));
    for (const name of bareTargets)
      writeFileSync(join(folder, `units/${name}.target`), '[Unit]\nDefaultDependencies=no\n');
    writeFileSync(join(folder, 'units/default.target'), '[Unit]\nDefaultDependencies=no\nWants=strikeplate.service\n');
    writeFileSync(join(folder, 'units/strikeplate.service'), unit);
    writeFileSync(join(folder, 'gateway.yaml'), config);
    const cgroup = join(parent, `strikeplate-${process.pid}`);
    mkdirSync(cgroup);
    const script = `echo $$ > ${cgroup}/cgroup.procs && exec unshare --kill-child --fork --pid --mount --cgroup --uts --mount-proc "$@"`;
    const child = spawn('/bin/sh', ['-c', script, 'sh', boot, folder, repository], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    const booted = new BootedSystemd(folder, cgroup, child);
    if (await booted.#reachable()) return booted;
    await booted.close();
    console.warn(`no systemd was booted: ${said.slice(-600)}`);
    return undefined;
  }

  systemctl(...words: string[]): string {
    return this.#inside('systemctl', ...words);
  }

  /** What systemd knows of the gateway's unit. */
  show(property: string): string {
    return this.systemctl('show', '--value', '-p', property, 'strikeplate').trim();
  }

  /** Runs a program on the gateway's side of the namespaces. */
  run(program: string, ...words: string[]): string {
    return this.#inside(program, ...words);
  }

  signal(pid: string, name: string): void {
    this.#inside('kill', '-s', name, pid);
  }

  async until(property: string, value: string | RegExp): Promise<void> {
    const reached = () => (typeof value === 'string' ? this.show(property) === value : value.test(this.show(property)));
    while (!reached()) await sleep(50);
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await ended;
    }
    for (let tries = 0; existsSync(this.#cgroup) && tries < 100; tries++) {
      try {
        removeCgroup(this.#cgroup);
      } catch {
        await sleep(20);
      }
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #reachable(): Promise<boolean> {
    while (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#pid ??= this.#firstProcess();
      try {
        if (this.#pid !== undefined && /running|degraded|starting/.test(this.#state())) return true;
      } catch {
        // not yet
      }
      await sleep(50);
    }
    return false;
  }

  #state(): string {
    return this.#inside('systemctl', 'show', '--value', '-p', 'SystemState').trim();
  }

  #firstProcess(): number | undefined {
    const { pid } = this.#child;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return children === '' ? undefined : Number(children.split(' ')[0]);
  }

  #inside(program: string, ...words: string[]): string {
    return execFileSync('nsenter', ['-t', String(this.#pid), '-m', '-p', program, ...words], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  }
}

/** The folder of this process in the cgroup 2 hierarchy. */
function ownCgroup(): string | undefined {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const mount = mounts.find((line) => line.includes(' - cgroup2 '))?.split(' ')[4];
  const path = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  return mount === undefined || path === undefined ? undefined : join(mount, path);
}

function removeCgroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) removeCgroup(join(path, entry.name));
  rmdirSync(path);
}
