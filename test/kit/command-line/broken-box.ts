import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { drivers } from '../../../drivers/index.ts';
import { doctor } from '../../../src/cli/doctor/doctor.ts';
import type { Finding } from '../../../src/cli/doctor/finding.ts';
import { type Surroundings, thisBox } from '../../../src/cli/doctor/surroundings.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { openStore } from '../../../src/composition/store.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import { createApiKey } from '../../../src/http/api-key-changes.ts';
import { certificate, certificateKey } from '../certificates.ts';
import { RecordedTerminal } from './recorded-terminal.ts';

/** Programs that a hint may name and that this machine lacks, or that must not touch it. */
const stood = [
  ...['strikeplate', 'systemctl', 'timedatectl', 'journalctl', 'apt-get', 'usermod', 'hciconfig', 'rfkill', 'modprobe'],
  ...['mosquitto_passwd', 'fuser', 'nano'],
];

export const passphrase = 'four words are plenty';

/** A box as an installer would leave it, on which everything can be broken, and lines can be typed. */
export class BrokenBox {
  readonly folder = mkdtempSync(join(tmpdir(), 'strikeplate-doctor-'));
  readonly configFile = join(this.folder, 'etc/gateway.yaml');
  readonly etc = join(this.folder, 'etc');
  readonly state = join(this.folder, 'state');
  /** What the machine is like. */
  world: Surroundings;
  /** Lines that reached a program that only stands in. */
  readonly typed: string[] = [];
  /** What such a line brings about. */
  onTyped: (line: string) => void = () => undefined;
  /** For lines that name places of this machine. */
  rewrite: (line: string) => string = (line) => line;

  constructor() {
    mkdirSync(this.etc);
    mkdirSync(this.state, { mode: 0o700 });
    mkdirSync(join(this.folder, 'bin'));
    for (const name of stood) {
      const file = join(this.folder, 'bin', name);
      writeFileSync(
        file,
        `#!/bin/sh\nfor word in ${name} "$@"; do printf '%s\\037' "$word"; done >> "$TYPED"\necho >> "$TYPED"\n`,
      );
      chmodSync(file, 0o755);
    }
    this.world = {
      ...thisBox,
      nodeVersion: '24.1.0',
      now: Date.now,
      isClockSynchronised: async () => true,
      disk: () => ({ freeBytes: 1 << 30, syncMs: 2 }),
      memory: () => ({ limitBytes: undefined, availableBytes: 1 << 30 }),
      listener: () => undefined,
      holderOf: () => undefined,
      unit: async () => undefined,
      groupsOf: () => [],
      mosquitto: () => ({}),
      kernelAdapters: async () => [],
      bluezAdapters: async () => [],
    };
  }

  /** Everything in order: a certificate, keys, a database, a backup. */
  async install(sections = '', devices = '[]', { backup = true } = {}): Promise<void> {
    writeFileSync(join(this.etc, 'tls.pem'), certificate);
    writeFileSync(join(this.etc, 'tls.key'), certificateKey, { mode: 0o600 });
    writeFileSync(join(this.etc, 'backup.passphrase'), `${passphrase}\n`, { mode: 0o600 });
    writeFileSync(
      this.configFile,
      `state_dir: ../state
gateway: { id: lobby, name: Lobby, time_zone: UTC }
http: { host: localhost, port: 18099, tls: { cert_file: tls.pem, key_file: tls.key } }
backup: { passphrase_file: backup.passphrase }
${sections}
devices: ${devices}
`,
    );
    const { key } = await createApiKey(join(this.state, 'api-keys'), { name: 'cli' }, randomBytes, Date.now);
    writeFileSync(join(this.state, 'cli.key'), `${key}\n`, { mode: 0o600 });
    const clock = new SimulatedClock();
    const config = await loadConfig(this.configFile, { drivers, simulators: {}, env: {}, now: Date.now() });
    const store = await openStore(config, {
      clock,
      log: pino({ level: 'silent' }),
      onFatal: (error) => {
        throw error;
      },
    });
    await store.close();
    if (backup) await this.cli('backup', '--scheduled');
  }

  /** @returns the exit code */
  async cli(...args: string[]): Promise<number> {
    const terminal = new RecordedTerminal(this.folder, { STRIKEPLATE_CONFIG: this.configFile });
    const stop = () => ({ requested: new Promise<string>(() => undefined) });
    const program = { terminal, catalogues: { drivers, simulators: {} }, version: '1.2.3', stop };
    const code = await runProgram(program, args);
    if (code !== 0) throw new Error(`strikeplate ${args.join(' ')}: ${terminal.errors}`);
    return code;
  }

  async findings(): Promise<{ readonly code: number; readonly findings: readonly Finding[]; readonly text: string }> {
    const terminal = new RecordedTerminal(this.folder, { STRIKEPLATE_CONFIG: this.configFile });
    const code = await doctor(terminal, { drivers, simulators: {} }, '1.2.3', { json: true }, this.world);
    const { findings } = JSON.parse(terminal.output) as { findings: Finding[] };
    return { code, findings, text: terminal.output };
  }

  /** What is not well. */
  async ills(): Promise<readonly Finding[]> {
    return (await this.findings()).findings.filter(({ verdict }) => verdict !== 'ok');
  }

  /** Gives a line to a shell, as a person would who follows a hint to the letter. */
  async type(line: string, input = ''): Promise<void> {
    const typed = join(this.folder, 'typed');
    writeFileSync(typed, '');
    execFileSync('/bin/sh', ['-c', this.rewrite(line)], {
      input,
      env: { ...process.env, PATH: `${join(this.folder, 'bin')}:${process.env.PATH}`, TYPED: typed, EDITOR: 'nano' },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    for (const one of readFileSync(typed, 'utf8').split('\n')) {
      if (one === '') continue;
      const words = one.split('\u001f').slice(0, -1);
      this.typed.push(words.join(' '));
      if (words[0] === 'strikeplate' && words[1] !== 'pair' && words[1] !== 'scan') await this.cli(...words.slice(1));
      else this.onTyped(words.join(' '));
    }
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
