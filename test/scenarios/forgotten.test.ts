import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { drivers } from '../../drivers/index.ts';
import { runProgram } from '../../src/cli/program.ts';
import { SqliteReader } from '../../src/store/sqlite-reader.ts';
import { MqttWitness } from '../kit/broker/mqtt-witness.ts';
import { RecordedTerminal } from '../kit/command-line/recorded-terminal.ts';
import { type BoxedGateway, GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';
import { ApiCaller } from '../kit/sdk/api-caller.ts';
import { chainVerdict, filesThatHold } from '../kit/store/state-files.ts';

/* The whole gateway with its database: what is looked for afterwards are the bytes of its files. */

let building: ZigbeeBuilding;
let lock: ReturnType<ZigbeeBuilding['bridge']['addLock']>;
let box: GatewayBox;
let gateway: BoxedGateway;

beforeEach(async () => {
  building = await ZigbeeBuilding.open();
  lock = building.bridge.addLock({ friendlyName: 'front', bolt: 'locked', radioMs: 1, motorMs: 1, exposePin: true });
  building.bridge.start();
  box = await GatewayBox.make({
    mqtt: { main: { url: building.url } },
    access_codes: { lead_minutes: 0 },
    devices: [zigbeeEntry('front', { settings: { kind: 'lock', pin_slots: { first: 1, count: 5 } } })],
  });
  gateway = await box.start();
});

afterEach(async () => {
  await gateway.close();
  await building.close();
  box.dispose();
});

const filesWith = (text: string) => filesThatHold(box.stateDir, text);

const ok = async (answer: ReturnType<ApiCaller['post']>) => {
  const { status, body, text } = await answer;
  expect([status, text]).toEqual([200, text]);
  return body as Readonly<Record<string, Readonly<Record<string, string>>>>;
};

/** Ana had a key, opened doors with it, had a code, and was a guest. */
async function anaWasHere(): Promise<ApiCaller> {
  // The box's own key has every scope but admin.
  const { key: adminKey } = await box.makeKey({ name: 'admin', scopes: ['admin', 'read', 'control', 'codes'] });
  const api = new ApiCaller(gateway.url, adminKey);
  const hers = await ok(api.post('/strikeplate/api_keys/create', { name: "Ana Meier's phone" }));
  const phone = new ApiCaller(gateway.url, String(hers.token));
  await phone.online(idOf('front'));
  const attempts = [await phone.door('unlock', idOf('front')), await phone.door('lock', idOf('front'))];
  await phone.ended(attempts.map(({ action_attempt_id }) => action_attempt_id));
  const code = await api.accepted('/access_codes/create', {
    device_id: idOf('front'),
    name: 'Ana  MEIER',
    code: '4711',
  });
  await api.ended([code.action_attempt_id]);
  const grant = await ok(
    api.post('/access_grants/create', {
      user_identity: { full_name: 'Ana Meier', email_address: 'ana@example.com' },
      name: 'Stay of Ana Meier',
      device_ids: [idOf('front')],
      requested_access_methods: [{ mode: 'code', code: '4712' }],
    }),
  );
  const about = { device_id: idOf('front'), custom_metadata: { tenant: 'Ana Meier' } };
  await ok(api.post('/devices/update', about));
  await ok(
    phone.post('/devices/take_out_of_service', { device_id: idOf('front'), reason: 'Ana Meier paints the door' }),
  );
  await ok(api.post('/access_grants/delete', { access_grant_id: grant.access_grant?.access_grant_id }));
  await ok(api.post('/strikeplate/api_keys/revoke', { api_key_id: hers.api_key?.api_key_id }));
  return api;
}

const bytes = ['Ana M', 'MEIER', 'Meier', 'ana@example.com'];

/** Somebody who takes no webhook until told, and remembers what came. */
async function webhookReceiver() {
  const bodies: string[] = [];
  let takes = false;
  const server = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (chunk: string) => takes && bodies.push(chunk));
    request.on('end', () => response.writeHead(takes ? 200 : 503).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    bodies,
    take: () => {
      takes = true;
    },
    close: () => server.close(),
  };
}

describe('a person who is deleted', () => {
  test('is in no file, not even sealed, in no log, no webhook that waits, and nothing that a broker keeps', async () => {
    const words = ['Dora Keller', 'Keller', 'dora@example.com', '+41446681800'];
    await gateway.close();
    const log: string[] = [];
    const receiver = await webhookReceiver();
    onTestFinished(() => void receiver.close());
    const witness = await MqttWitness.connect(building.url, ['#']);
    onTestFinished(() => witness.client.endAsync(true));
    box.configure({
      mqtt: { main: { url: building.url } },
      monitor: { mqtt: 'main', home_assistant: true },
      webhooks: { private_targets: ['127.0.0.0/8'] },
      access_codes: { lead_minutes: 0 },
      devices: [zigbeeEntry('front', { settings: { kind: 'lock', pin_slots: { first: 1, count: 5 } } })],
    });
    gateway = await box.start({ log: pino({ level: 'trace' }, { write: (line: string) => void log.push(line) }) });
    const api = new ApiCaller(gateway.url, box.key);
    await api.online(idOf('front'));
    await ok(api.post('/webhooks/create', { url: receiver.url }));
    const person = { full_name: words[0], email_address: words[2], phone_number: words[3] };
    const { user_identity } = await ok(
      api.post('/user_identities/create', { ...person, user_identity_key: 'guest-9' }),
    );
    const { user_identity_id } = user_identity ?? {};
    const { access_grant } = await ok(
      api.post('/access_grants/create', {
        user_identity_id,
        name: 'Stay of Dora Keller',
        device_ids: [idOf('front')],
        requested_access_methods: [{ mode: 'code', code: '4714' }],
      }),
    );
    const { access_grant_id } = access_grant ?? {};
    await expect.poll(async () => [...lock.keypad.codes.values()]).toEqual(['4714']);
    const sealed = sealedPeople();
    expect(sealed.length).toBeGreaterThan(1);
    expect(sealed.flatMap((text) => filesWith(text))).not.toEqual([]);
    await ok(api.post('/access_grants/update', { access_grant_id, name: 'Keller party' }));
    await ok(api.post('/access_grants/delete', { access_grant_id }));
    await ok(api.post('/user_identities/delete', { user_identity_id }));
    for (const text of [...words, ...sealed]) expect([text, filesWith(text)]).toEqual([text, []]);
    await expect.poll(async () => [...lock.keypad.codes.values()]).toEqual([]);
    // What waited for its receiver is sent as things are now.
    receiver.take();
    await api.accepted('/locks/lock_door', { device_id: idOf('front') });
    await expect.poll(() => receiver.bodies.some((body) => body.includes('access_grant.created'))).toBe(true);
    const retained = await MqttWitness.connect(building.url, ['#']);
    onTestFinished(() => retained.client.endAsync(true));
    await expect.poll(() => retained.heard.some(({ topic }) => topic.endsWith('/status'))).toBe(true);
    const told = { log, webhooks: receiver.bodies, mqtt: [...witness.payloads, ...retained.payloads] };
    const answers = await Promise.all(
      [
        api.post('/events/list', { since: '2026-01-01T00:00:00Z', limit: 1_000 }),
        api.post('/action_attempts/list', {}),
        api.post('/access_grants/list', {}),
        api.post('/user_identities/list', {}),
      ].map(async (answer) => (await answer).text),
    );
    for (const [where, texts] of Object.entries({ ...told, answers })) {
      expect([where, texts.length > 0]).toEqual([where, true]);
      for (const text of words) expect([where, texts.filter((each) => each.includes(text))]).toEqual([where, []]);
    }
    await gateway.close();
    for (const text of [...words, ...sealed]) expect([text, filesWith(text)]).toEqual([text, []]);
    gateway = await box.start();
  });
});

/** What is kept of people and of how grants are called, as it stands in the files. */
function sealedPeople(): string[] {
  const reader = new SqliteReader(join(box.stateDir, 'strikeplate.db'));
  try {
    const sealed = [
      ...reader.userIdentities().map(({ sealedPerson }) => sealedPerson),
      ...reader.accessGrants().flatMap(({ sealedName }) => sealedName ?? []),
    ];
    return sealed.map((bytes) => Buffer.from(bytes).toString('hex'));
  } finally {
    reader.close();
  }
}

describe('somebody who wants to be forgotten', () => {
  test('is, in every file, and the audit log still hangs together', async () => {
    const api = await anaWasHere();
    expect(filesWith('Ana Meier').length).toBeGreaterThan(1);
    const { forgotten } = await ok(api.post('/strikeplate/personal_data/forget', { name: 'ana meier' }));
    expect(forgotten).toMatchObject({
      user_identities: 1,
      access_codes: 1,
      action_attempts: 2,
      audit_entries: expect.any(Number),
      revoked_api_keys: 1,
    });
    expect(Number(forgotten?.audit_entries)).toBeGreaterThan(0);
    // While it runs, log included; what a person typed is found in either spelling.
    for (const text of bytes) expect([text, filesWith(text)]).toEqual([text, []]);
    await ok(api.post('/devices/put_into_service', { device_id: idOf('front') }));
    const renamed = (await api.attempts()).map(({ action_attempt_id }) => action_attempt_id);
    await api.ended(renamed);
    await gateway.close();
    for (const text of bytes) expect([text, filesWith(text)]).toEqual([text, []]);
    expect(chainVerdict(box.stateDir)).toMatchObject({
      broken: undefined,
      forgotten: Number(forgotten?.audit_entries),
    });
    gateway = await box.start();
    const again = new ApiCaller(gateway.url, box.key);
    expect((await again.post('/access_codes/list', { device_id: idOf('front') })).body.access_codes).toMatchObject([
      { name: null, status: 'set' },
    ]);
    expect(await again.attempts()).toHaveLength(renamed.length);
  });

  test('is not while a grant or a key of that name is live, and a door is nobody', async () => {
    const { key } = await box.makeKey({ name: 'admin', scopes: ['admin', 'read', 'codes'] });
    const api = new ApiCaller(gateway.url, key);
    const forget = (body: object) => api.post('/strikeplate/personal_data/forget', body);
    await box.makeKey({ name: 'Ben Huber' });
    const grant = await ok(
      api.post('/access_grants/create', {
        user_identity: { full_name: 'Cleo Frei' },
        device_ids: [idOf('front')],
        requested_access_methods: [{ mode: 'code', code: '4713' }],
      }),
    );
    await expect.poll(async () => (await forget({ name: 'ben huber' })).text).toMatch(/still_in_use.*key_/);
    expect((await forget({ name: 'Cleo Frei' })).text).toMatch(/still_in_use.*live access grant/);
    expect((await forget({ name: 'front' })).text).toMatch(/invalid_input.*a door/);
    expect((await forget({ name: 'X' })).text).toMatch(/at least 3/);
    expect((await forget({})).text).toMatch(/either name or user_identity_id/);
    await ok(api.post('/access_grants/delete', { access_grant_id: grant.access_grant?.access_grant_id }));
    const { user_identity_id } = grant.access_grant ?? {};
    await ok(forget({ user_identity_id }));
    expect((await forget({ user_identity_id })).status).toBe(404);
    expect(filesWith('Cleo Frei')).toEqual([]);
  });

  test('by the command with the key of this box; a key that may not is told how it may', async () => {
    const terminal = () => new RecordedTerminal(box.folder, { STRIKEPLATE_CONFIG: box.configFile });
    const run = async (...args: string[]) => {
      const own = terminal();
      const stop = () => ({ requested: new Promise<string>(() => undefined) });
      const catalogues = { drivers, simulators: {} };
      const code = await runProgram({ terminal: own, catalogues, version: '1.2.3', stop }, args);
      return { code, out: own.output, err: own.errors };
    };
    expect(await run('keys', 'create', '--name', 'cli', '--save')).toMatchObject({ code: 0 });
    await run('keys', 'create', '--name', 'booking', '--save', 'booking.key');
    const forget = (...more: string[]) => run('forget', 'Ana Meier', '--url', gateway.url, ...more);
    await expect.poll(() => forget()).toMatchObject({ code: 0 });
    const refused = {
      code: 5,
      err: expect.stringContaining('strikeplate keys change cli --scopes read,control,codes'),
    };
    await expect.poll(() => forget('--key-file', join(box.folder, 'booking.key'))).toMatchObject(refused);
  });
});
