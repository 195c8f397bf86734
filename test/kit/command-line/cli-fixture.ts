import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { Catalogues } from '../../../src/cli/catalogues.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { createApiKey } from '../../../src/http/api-key-changes.ts';
import { ApiKeys } from '../../../src/http/api-keys.ts';
import { createHttpServer } from '../../../src/http/server.ts';
import { frontDoor } from '../gateway/fake-devices.ts';
import { FakeGateway } from '../gateway/fake-gateway.ts';
import { RecordedTerminal } from './recorded-terminal.ts';

const noCatalogues: Catalogues = { drivers: {}, simulators: {} };

/** A box with a configuration, a state directory and no gateway running yet. */
export function cliBox(env: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'strikeplate-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'gateway.yaml');
  const write = (port: number, http = '') =>
    writeFileSync(
      config,
      `state_dir: state\ngateway: { id: lobby, name: Lobby, time_zone: UTC }\nhttp: { port: ${port}${http} }\ndevices: []\n`,
    );
  write(1);
  const run = async (...args: string[]) => {
    const terminal = new RecordedTerminal(folder, { STRIKEPLATE_CONFIG: config, ...env });
    const stop = () => ({ requested: new Promise<string>(() => undefined) });
    const code = await runProgram({ terminal, catalogues: noCatalogues, version: '1.2.3', stop }, args);
    return { code, out: terminal.output, err: terminal.errors };
  };
  return { folder, config, write, run };
}

/** The same box with a gateway without hardware behind the real HTTP layer, and a key for commands. */
export async function cliBoxWithGateway(tls?: { readonly cert: string; readonly key: string }) {
  const box = cliBox();
  const keysFile = join(box.folder, 'state/api-keys');
  const { key } = await createApiKey(keysFile, { name: 'cli' }, (size) => Buffer.alloc(size, 7), Date.now);
  writeFileSync(join(box.folder, 'state/cli.key'), `${key}\n`, { mode: 0o600 });
  const gateway = new FakeGateway(systemClock);
  const log = pino({ level: 'silent' });
  const keys = await ApiKeys.open(keysFile, systemClock, log);
  const server = createHttpServer({ gateway, keys, holdMs: 0, log, ...(tls && { tls }) });
  onTestFinished(() => server.close());
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  box.write(Number(new URL(url).port));
  return { ...box, gateway, url, key };
}

export const success = (confirmed: boolean) =>
  ({ status: 'success', result: { was_confirmed_by_device: confirmed } }) as const;
export const failure = (type: string, message: string) => ({ status: 'error', error: { type, message } }) as const;

/** As the API tells it, with no more than commands need. */
export const wireDevice = {
  device_id: frontDoor.deviceId,
  display_name: 'Front door',
  capabilities_supported: ['lock'],
  properties: {
    online: true,
    strikeplate_metadata: { slug: 'front', health: 'online', health_reason: null, out_of_service: false },
  },
};
