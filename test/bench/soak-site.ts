import { randomBytes } from 'node:crypto';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { deviceIdOf } from '../../src/config/identity.ts';
import { createApiKey } from '../../src/http/api-key-changes.ts';
import { certificate, certificateKey } from '../kit/certificates.ts';

/** Doors that are commanded; the last one now and then hears nothing. */
export const doorSlugs = Array.from({ length: 10 }, (_, index) => `door-${index}`);
export const sensorSlug = 'hall-noise';
export const idOf = (slug: string): string => deviceIdOf('soak', slug);

/** Milliseconds after which an answer is given up. */
const PATIENCE_MS = 30_000;

export interface SoakSite {
  readonly stateDir: string;
  readonly configFile: string;
  readonly logFile: string;
  readonly port: number;
  readonly key: string;
}

export interface SoakAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A house with everything that a gateway does at once: doors with keypads, a noise sensor, a receiver, a monitor. */
export async function soakSite(stateDir: string, brokerUrl: string, port: number): Promise<SoakSite> {
  const { key } = await createApiKey(join(stateDir, 'api-keys'), { name: 'soak' }, randomBytes, () => Date.now());
  writeFileSync(join(stateDir, 'cert.pem'), certificate);
  writeFileSync(join(stateDir, 'key.pem'), certificateKey, { mode: 0o600 });
  const configFile = join(stateDir, 'gateway.yaml');
  const device = (id: string, settings: object) => ({
    id,
    name: id,
    driver: 'mqtt/zigbee2mqtt',
    link: { mqtt: 'main' },
    settings: { friendly_name: id, ...settings },
  });
  const config = {
    gateway: { id: 'soak', name: 'Soak', time_zone: 'UTC' },
    http: { port, hold_ms: 1_000, tls: { cert_file: 'cert.pem', key_file: 'key.pem' } },
    mqtt: { main: { url: brokerUrl } },
    monitor: { mqtt: 'main', interval_s: 10 },
    webhooks: { private_targets: ['127.0.0.0/8'] },
    access_codes: { lead_minutes: 0 },
    devices: [
      ...doorSlugs.map((slug) => device(slug, { kind: 'lock', pin_slots: { first: 1, count: 30 } })),
      device(sensorSlug, { kind: 'noise', interval_s: 60 }),
    ],
  };
  writeFileSync(configFile, JSON.stringify(config));
  return { stateDir, configFile, logFile: join(stateDir, 'log'), port, key };
}

/** Bytes of what lies in the state directory, by what it is. */
export function fileSizes({ stateDir }: SoakSite): { readonly databaseBytes: number; readonly logBytes: number } {
  let databaseBytes = 0;
  let logBytes = 0;
  for (const name of readdirSync(stateDir)) {
    const { size } = statSync(join(stateDir, name));
    if (name.includes('.db')) databaseBytes += size;
    if (name === 'log') logBytes += size;
  }
  return { databaseBytes, logBytes };
}

/** An application that keeps its connections, over TLS. */
export class SoakCaller {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 12, ca: certificate });
  readonly #site: SoakSite;

  constructor(site: SoakSite) {
    this.#site = site;
  }

  /** @param hangUpAfterMs the client goes then, whether or not it was answered @throws Error without an answer */
  call(path: string, body?: object, hangUpAfterMs?: number): Promise<SoakAnswer> {
    const { port, key } = this.#site;
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          host: '127.0.0.1',
          port,
          path,
          method: text === undefined ? 'GET' : 'POST',
          agent: hangUpAfterMs === undefined ? this.#agent : new Agent({ ca: certificate }),
          headers: {
            authorization: `Bearer ${key}`,
            ...(text !== undefined && {
              'content-type': 'application/json',
              'content-length': Buffer.byteLength(text),
            }),
          },
        },
        (answer) => {
          let said = '';
          answer.setEncoding('utf8');
          answer.on('data', (chunk: string) => {
            said += chunk;
          });
          answer.on('error', reject);
          answer.on('end', () => {
            const isJson = answer.headers['content-type']?.startsWith('application/json') === true;
            resolve({ status: answer.statusCode ?? 0, body: isJson ? JSON.parse(said) : {} });
          });
        },
      );
      asked.on('error', reject);
      const late = setTimeout(() => asked.destroy(new Error('gone')), hangUpAfterMs ?? PATIENCE_MS);
      asked.on('close', () => clearTimeout(late));
      asked.end(text);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
