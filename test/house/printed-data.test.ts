import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { drivers } from '../../drivers/index.ts';
import { createZwaveKeys } from '../../src/cli/keys.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problems.ts';
import { createApiKey } from '../../src/http/api-key-changes.ts';
import { simulators } from '../../src/simulation/index.ts';
import { certificate, certificateKey } from '../kit/certificates.ts';
import { RecordedTerminal } from '../kit/command-line/recorded-terminal.ts';
import { blocksRunBy, named, type PrintedBlock, read } from '../kit/documents/printed-blocks.ts';
import { apiKey, httpFixture } from '../kit/gateway/http-fixture.ts';

/* Configurations and bodies that a document prints are read by what reads them: whole, with what they leave out around them. */

const blocks = blocksRunBy('test/house/printed-data.test.ts');
const folder = mkdtempSync(join(tmpdir(), 'strikeplate-printed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const secret = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o600 });
secret('tls.pem', certificate);
secret('tls.key', certificateKey);
secret('backup.passphrase', 'four words are plenty\n');
createZwaveKeys(new RecordedTerminal(folder), 'zwave.keys');
beforeAll(() => createApiKey(join(folder, 'api-keys'), { name: 'cli' }, randomBytes, Date.now));

type Section = Record<string, unknown>;

/** The places that links of devices name. */
const places = {
  mqtt: { main: { url: 'mqtt://127.0.0.1:1883' } },
  serial: { bus1: { simulated: true } },
  ble: { radio: { simulated: true } },
};

/** A configuration around what is printed of it. */
function whole({ document, text }: PrintedBlock): Section {
  const printed = parse(text) as Section | Section[];
  const base = { state_dir: folder, gateway: { id: 'lobby', name: 'Lobby', time_zone: 'Europe/Zurich' } };
  const driver = dirname(document).replace('drivers/', '');
  const [kind, link] = driver.startsWith('serial/') ? ['serial', { serial: 'bus1', unit: 2 }] : ['', {}];
  if (Array.isArray(printed)) return { ...base, ...places, devices: printed };
  if ('settings' in printed)
    return { ...base, ...places, devices: [{ id: 'one', name: 'One', driver, link, ...printed }] };
  if ('profile' in printed) {
    const settings = { channel: 1, lock_type: 'fail_secure', relay_contact: 'normally_open', release_s: 5, ...printed };
    return { ...base, ...places, devices: [{ id: 'one', name: 'One', driver, link, settings }] };
  }
  const needed = Object.fromEntries(Object.entries(places).filter(([name]) => kind === name || !(name in printed)));
  return { devices: [], ...base, ...needed, ...printed };
}

const configurations = blocks.filter(({ language }) => language === 'yaml');

describe('a configuration', () => {
  it.each(configurations.map((block) => [named(block), block] as const))('%s is in order', async (_, block) => {
    const config = whole(block);
    // Drivers from outside are somebody's own files: the schema alone reads their names.
    if ('drivers' in config) {
      const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(
        JSON.parse(read('config/gateway.schema.json')) as object,
      );
      expect([validate(config), validate.errors]).toEqual([true, null]);
      return;
    }
    const file = join(folder, 'gateway.yaml');
    secret('gateway.yaml', JSON.stringify(config));
    const problems = await loadConfig(file, { drivers, simulators, env: {}, now: Date.UTC(2026, 4, 1) }).then(
      () => '',
      (error: unknown) => (error instanceof ConfigError ? error.message : String(error)),
    );
    expect(problems).toBe('');
  });
});

const bodies: Readonly<Record<string, (printed: PrintedBlock) => Promise<void>>> = {
  'docs/errors.md': async ({ text }) => {
    const { call } = httpFixture();
    const { status, body } = await call('POST', '/devices/get', { device_id: 7 });
    const printed = JSON.parse(text) as { error: object };
    expect(status).toBe(400);
    expect([Object.keys(body).sort(), Object.keys(body.error).sort()]).toEqual([
      Object.keys(printed).sort(),
      Object.keys(printed.error).sort(),
    ]);
    expect(body).toMatchObject({ ok: false, error: { type: 'invalid_input', validation_errors: { _errors: [] } } });
  },
  'docs/events.md': async ({ text }) => {
    const { gateway, call } = httpFixture();
    const printed = JSON.parse(text) as Record<string, string>;
    gateway.happen({
      ...{ eventType: 'lock.unlocked', deviceId: printed.device_id, accessCodeId: printed.access_code_id },
      details: { method: printed.method, slot: printed.slot, access_code_is_managed: printed.access_code_is_managed },
    });
    const { body } = await call('POST', '/events/list', { since: '2000-01-01T00:00:00Z' });
    expect(Object.keys(body.events[0])).toEqual(expect.arrayContaining(Object.keys(printed)));
  },
  'docs/http-api.md': async ({ language, text }) => {
    const { gateway, server, call } = httpFixture();
    const [device] = gateway.deviceList;
    if (language === 'json') {
      const body = { device_id: device?.deviceId, strikeplate_schedule: JSON.parse(text) as unknown };
      expect((await call('POST', '/access_codes/create', body)).status).toBe(200);
      return;
    }
    const address = await server.listen({ host: '127.0.0.1', port: 0 });
    const stop = new AbortController();
    const headers = { authorization: `Bearer ${apiKey}` };
    const { body } = await fetch(`${address}/events/stream?event_types=lock.unlocked`, {
      headers,
      signal: stop.signal,
    });
    gateway.happen({ eventType: 'lock.unlocked', deviceId: device?.deviceId, details: { method: 'keycode' } });
    let told = '';
    for await (const chunk of body ?? []) {
      told += Buffer.from(chunk).toString();
      if (/^data:.*\n/m.test(told)) break;
    }
    stop.abort();
    const shape = (stream: string) =>
      stream
        .trim()
        .split('\n')
        .map((line) => line.replace(/^(id|data): .*$/, '$1'));
    expect(shape(told)).toEqual(shape(text));
    const data = (stream: string) =>
      Object.keys(JSON.parse(/^data: (.*)$/m.exec(stream)?.[1]?.replace(',…}', '}') ?? '') as object);
    expect(data(told)).toEqual(expect.arrayContaining(data(text)));
  },
  // `/etc/udev/rules.d`: keys with one comparison or one assignment each (udev(7)).
  'docs/operations.md': async ({ text }) => {
    for (const line of text
      .trim()
      .split('\n')
      .filter((one) => !one.startsWith('#')))
      for (const part of line.split(/, */))
        expect(part).toMatch(/^(SUBSYSTEM|ATTRS\{\w+\})=="[^"]*"$|^(ENV\{\w+\}|GROUP)="[^"]*"$/);
  },
};

describe('what goes over the wire', () => {
  const others = blocks.filter(({ language }) => language !== 'yaml');
  it.each(others.map((block) => [named(block), block] as const))('%s is as it is there', async (_, block) => {
    const check = bodies[block.document];
    if (check === undefined) throw new Error('Nobody here knows what it is.');
    await check(block);
  });
});
