import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deviceIdOf } from '../../src/config/identity.ts';
import { createApiKey } from '../../src/http/api-key-changes.ts';
import { certificate, certificateKey } from '../kit/certificates.ts';
import type { Broker } from './site.ts';

/** How many doors are commanded. One more is there to be attacked, and a noise sensor. */
export const doors = 9;
export const noiseSensor = 'hall-noise';

export interface SiteOptions {
  readonly broker: Broker;
  /** The checkout, built, whose gateway it is. */
  readonly root: string;
  readonly tls: boolean;
}

interface Running {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly key: string;
  readonly root: string;
  readonly url: URL;
  readonly said: () => string;
}

/** A command whose truth was told. */
export interface Told {
  /** From the request to the answer's end. */
  readonly ms: number;
  /** `success`, `success, unconfirmed`, or the type of the error. */
  readonly outcome: string;
  readonly actionAttemptId: string;
}

/** As the unit runs it, with fewer descriptors and less memory so that an attack of a small machine reaches them. */
export class HostileSite {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  readonly folder: string;
  readonly root: string;
  readonly key: string;
  readonly url: URL;
  readonly #said: () => string;
  /** What each door was told last. */
  readonly #last = new Map<number, 'lock' | 'unlock'>();

  static async start({ broker, root, tls }: SiteOptions): Promise<HostileSite> {
    const folder = mkdtempSync(join(tmpdir(), 'strikeplate-hostile-'));
    const { key } = await createApiKey(join(folder, 'api-keys'), { name: 'bench' }, randomBytes, () => Date.now());
    writeFileSync(join(folder, 'cert.pem'), certificate);
    writeFileSync(join(folder, 'key.pem'), certificateKey, { mode: 0o600 });
    const device = (id: string, more: string) =>
      `  - { id: ${id}, name: ${id}, driver: mqtt/zigbee2mqtt, link: { mqtt: main }, settings: { base_topic: hostile, friendly_name: ${id}${more} } }`;
    const lines = [
      'gateway: { id: bench, name: Bench, time_zone: UTC }',
      `http: { port: 0, hold_ms: 20000${tls ? ', tls: { cert_file: cert.pem, key_file: key.pem }' : ''} }`,
      `mqtt: { main: { url: "${broker.url}" } }`,
      'devices:',
      ...Array.from({ length: doors + 1 }, (_, index) => device(`door-${index}`, '')),
      device(noiseSensor, ', kind: noise, interval_s: 60'),
    ];
    writeFileSync(join(folder, 'gateway.yaml'), `${lines.join('\n')}\n`);
    return HostileSite.#run(folder, key, root);
  }

  static async #run(folder: string, key: string, root: string): Promise<HostileSite> {
    const cli = join(root, 'dist/src/cli.js');
    const words = ['-c', `ulimit -n 1024; exec node --max-old-space-size=384 ${cli} run --config gateway.yaml`];
    const child = spawn('sh', words, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stderr?.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    const url = await new Promise<string>((resolve, reject) => {
      let out = '';
      child.stdout?.on('data', (bytes: Buffer) => {
        out += bytes.toString();
        const found = /listens on (\S+)/.exec(out)?.[1];
        if (found !== undefined) resolve(found);
      });
      child.once('exit', (code, signal) => reject(new Error(`the gateway ended with ${code ?? signal}: ${said}`)));
    });
    return new HostileSite({ child, folder, key, root, url: new URL(url), said: () => said });
  }

  private constructor({ child, folder, key, root, url, said }: Running) {
    this.child = child;
    this.root = root;
    this.ended = once(child, 'exit');
    this.folder = folder;
    this.key = key;
    this.url = url;
    this.#said = said;
  }

  get said(): string {
    return this.#said();
  }

  get host(): string {
    return this.url.hostname;
  }

  get port(): number {
    return Number(this.url.port);
  }

  again(): Promise<HostileSite> {
    return HostileSite.#run(this.folder, this.key, this.root);
  }

  /** Resolves when an attempt's truth was told; with undefined when it was not, within `patienceMs`. */
  door(index: number, patienceMs: number): Promise<Told | undefined> {
    const body = JSON.stringify({ device_id: deviceIdOf('bench', `door-${index}`) });
    // The same command again would not be told apart from an earlier one by what the lock says.
    const action = this.#last.get(index) === 'unlock' ? 'lock' : 'unlock';
    this.#last.set(index, action);
    const from = performance.now();
    return new Promise((resolve) => {
      const { request } = this.url.protocol === 'https:' ? https : http;
      const asked = request(
        new URL(`/locks/${action}_door`, this.url),
        {
          method: 'POST',
          agent: false,
          rejectUnauthorized: false,
          headers: {
            authorization: `Bearer ${this.key}`,
            'content-type': 'application/json',
            'content-length': body.length,
            connection: 'close',
          },
        },
        (answer) => {
          let text = '';
          answer.on('data', (bytes: Buffer) => {
            text += bytes.toString();
          });
          answer.on('end', () => {
            resolve(toldBy(text, performance.now() - from));
          });
        },
      );
      asked.on('error', () => resolve(undefined));
      asked.setTimeout(patienceMs, () => asked.destroy());
      setTimeout(() => asked.destroy(), patienceMs).unref();
      asked.end(body);
    });
  }

  /** What the attempt's history says, for whoever wonders what took so long. */
  async historyOf(actionAttemptId: string): Promise<string> {
    const url = new URL(`/action_attempts/${actionAttemptId}/history`, this.url);
    const { request } = this.url.protocol === 'https:' ? https : http;
    const asked = request(url, { rejectUnauthorized: false, headers: { authorization: `Bearer ${this.key}` } });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [http.IncomingMessage];
    let text = '';
    for await (const bytes of answer) text += bytes;
    return text;
  }

  /** What it holds open; NaN when it is no more. */
  sockets(): number {
    try {
      return readdirSync(`/proc/${this.child.pid}/fd`).length;
    } catch {
      return Number.NaN;
    }
  }

  rssMiB(): number {
    try {
      const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))?.[1];
      return Number(found) / 1_024;
    } catch {
      return Number.NaN;
    }
  }

  /** Milliseconds from SIGTERM to its end; undefined when it had to be killed. */
  async stop(): Promise<number | undefined> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return Number.NaN;
    const from = performance.now();
    this.child.kill('SIGTERM');
    const stopped = await Promise.race([this.ended.then(() => true), sleep(20_000, false)]);
    this.child.kill('SIGKILL');
    return stopped ? performance.now() - from : undefined;
  }

  async remove(): Promise<void> {
    this.child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function toldBy(text: string, ms: number): Told | undefined {
  const answer = /^\{.*\}$/s.test(text) ? (JSON.parse(text) as Answer) : {};
  const { action_attempt: attempt, error } = answer;
  const outcome =
    attempt?.status === 'success' && attempt.result?.was_confirmed_by_device === false ? ', unconfirmed' : '';
  if (attempt?.status === 'success')
    return { ms, outcome: `success${outcome}`, actionAttemptId: attempt.action_attempt_id };
  if (attempt?.status !== 'error') return undefined;
  return { ms, outcome: attempt.error?.type ?? error?.type ?? 'error', actionAttemptId: attempt.action_attempt_id };
}

interface Answer {
  readonly action_attempt?: {
    readonly action_attempt_id: string;
    readonly status: string;
    readonly result?: { readonly was_confirmed_by_device?: boolean } | null;
    readonly error?: { readonly type: string } | null;
  };
  readonly error?: { readonly type: string };
}
