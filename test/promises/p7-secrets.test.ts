import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SimulatedLock, Zigbee2MqttSimulator } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { ensureBuilt } from '../../scripts/build.mjs';
import { createApiKey } from '../../src/http/api-key-changes.ts';
import { MqttWitness } from '../kit/broker/mqtt-witness.ts';
import { TcpProxy } from '../kit/broker/tcp-proxy.ts';
import { GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { GatewayProcess } from '../kit/gateway/gateway-process.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';
import { ApiCaller } from '../kit/sdk/api-caller.ts';
import { type SoughtSecret, tracesOf } from '../kit/secret-search.ts';

/** Digits that nothing else is likely to be; one for each way they can go. */
const pins = {
  stored: '90817263',
  refused: '48291605',
  'cut off': '73950184',
  'of a wrong type': '61947302',
  'in a URL': '35180927',
  'quoted by the bridge': '27506391',
  'left retained': '14736508',
  'on a broken link': '59028416',
  'written when the process was killed': '85013946',
} as const;

/** In a webhook's URL: shown to those who may see webhooks, and nowhere else. */
const webhookToken = 'Hook-9vTq-token';

const brokerPassword = 'Broker-7Kq2-word';

describe('P7 Secrets stay in', () => {
  const closing: (() => unknown)[] = [];
  /** Everything that may hold no secret, by where it was seen. */
  const seen = new Map<string, string>();
  const secrets: SoughtSecret[] = Object.entries(pins).map(([name, value]) => ({
    name: `the PIN ${name}`,
    value,
    digests: true,
  }));
  let box: GatewayBox;
  let lock: SimulatedLock;
  let witness: MqttWitness;
  let bridge: Zigbee2MqttSimulator;
  let line: TcpProxy;
  let storedAnswer = '';
  let eventsAnswer = '';
  let hookUrl = '';
  let filesAfterKill: ReadonlyMap<string, Buffer>;
  let filesAfterStop: ReadonlyMap<string, Buffer>;

  const note = (place: string, text: string) => seen.set(place, (seen.get(place) ?? '') + text);

  /** Every file below the state directory, by its path there. */
  const stateFiles = (): ReadonlyMap<string, Buffer> => {
    const names = readdirSync(box.stateDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return new Map(names.map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name))]));
  };

  beforeAll(async () => {
    await ensureBuilt();
    const username = 'gw';
    const credentials = { username, password: brokerPassword };
    const building = await ZigbeeBuilding.open({ credentials });
    closing.push(() => building.close());
    witness = await MqttWitness.connect(building.url, ['#'], credentials);
    closing.push(() => witness.close());
    line = await TcpProxy.start(building.broker.port);
    closing.push(() => line.close());
    bridge = building.bridge;
    // Codes are shown on MQTT by this lock: the worst case.
    lock = bridge.addLock({ friendlyName: 'front', slots: 10, exposePin: true, radioMs: 10, motorMs: 30 });
    bridge.start();
    const application = createServer(async (request, response) => {
      for await (const chunk of request) note('a webhook', String(chunk));
      response.end();
    });
    await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
    hookUrl = `http://127.0.0.1:${(application.address() as AddressInfo).port}/?token=${webhookToken}`;
    closing.push(() => application.close());
    box = await GatewayBox.make({ devices: [] });
    closing.push(() => box.dispose());
    writeFileSync(join(box.folder, 'mqtt.pw'), `${brokerPassword}\n`, { mode: 0o600 });
    const code = { send_by_ms: 2_500, deadline_ms: 4_000 };
    box.configure({
      mqtt: { main: { url: line.url, username, password_file: join(box.folder, 'mqtt.pw') } },
      monitor: { mqtt: 'main', home_assistant: true, interval_s: 1 },
      log: { level: 'trace' },
      webhooks: { private_targets: ['127.0.0.0/8'] },
      devices: [zigbeeEntry('front', { settings: { pin_slots: { first: 1, count: 5 } }, limits: { code } })],
    });
    await live();
  });

  afterAll(async () => {
    for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
  });

  /** The life of a gateway that is given secrets in every way, is killed, starts again and is stopped. */
  async function live(): Promise<void> {
    const device_id = idOf('front');
    // What libraries print when they are asked to counts, too.
    const first = await GatewayProcess.start(box, { env: { DEBUG: '*' } });
    const { api } = first;
    const storeKey = readFileSync(join(box.stateDir, 'store.key'));
    secrets.push(
      { name: 'the API key', value: box.key },
      { name: 'the API key without its prefix', value: box.key.slice('seam_gw1_'.length) },
      { name: 'the password at the broker', value: brokerPassword },
      { name: 'the key of the store', value: storeKey },
    );
    await api.online(device_id);
    const hook = await api.post('/webhooks/create', { url: hookUrl });
    secrets.push({
      name: 'the secret of a webhook',
      value: (hook.body.webhook as unknown as { secret: string }).secret.slice(6),
    });
    // Nobody answers there: what is said of that may not name the token.
    await api.post('/webhooks/create', { url: hookUrl.replace(/:\d+/, ':9') });
    const stream = await follow(api);
    const create = (body: object | string, headers: Record<string, string> = {}) =>
      api.post('/access_codes/create', body, headers);
    const ended = async (answer: Awaited<ReturnType<typeof create>>) => {
      const attempt = answer.body.action_attempt as { action_attempt_id: string } | undefined;
      if (attempt) await api.ended([attempt.action_attempt_id]);
    };

    const once = { 'idempotency-key': 'stay-7' };
    await ended(await create({ device_id, name: 'Ana', code: pins.stored }, once));
    // On a busy machine the attempt may end before the lock has told of the code; then the gateway goes on writing it.
    while (![...lock.keypad.codes.values()].includes(pins.stored))
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(lock.typePin(pins.stored)).toBe(true);
    storedAnswer = (await api.post('/access_codes/list', { device_id })).text;
    const chosen = await create({ device_id, name: 'Ben', preferred_code_length: 8 });
    const { code: generated } = chosen.body.access_code as unknown as { code: string };
    expect(generated).toMatch(/^\d{8}$/);
    secrets.push({ name: 'the PIN that the gateway chose', value: generated, digests: true });
    await ended(chosen);
    lock.misbehave({ refusesPins: true });
    await ended(await create({ device_id, code: pins.refused }));
    lock.behave();

    const wrong = pins['of a wrong type'];
    const refusals = [
      await create({ device_id, code: pins.stored }),
      await create({ device_id, code: pins.refused }, once),
      await create(`{"device_id":"${device_id}","code":"${pins['cut off']}`),
      await create({ device_id, code: Number(wrong) }),
      await create({ device_id, code: [wrong] }),
      await create({ device_id, code: `${wrong}99999` }),
      await create({ device_id, [wrong]: wrong, name: { wrong } }),
      await create({ device_id: wrong, code: '1234' }),
      await create({ device_id, code: wrong, starts_at: wrong }),
      await create(`code=${wrong}`, { 'content-type': 'application/x-www-form-urlencoded' }),
      await api.get(`/access_codes/get?device_id=x&code=${pins['in a URL']}`),
      await api.get(`/access_codes/${pins['in a URL']}?code=${pins['in a URL']}`),
      await api.get(`/devices/list?page_cursor=${pins['in a URL']}`),
      await new ApiCaller(api.url, `${box.key}x`).get('/devices/list'),
    ];
    for (const { status } of refusals) expect(status).toBeGreaterThanOrEqual(400);
    for (const { text } of refusals) note('an error body', text);

    const quoted = `{"pin_code":{"user":1,"pin_code":"${pins['quoted by the bridge']}"}}`;
    const message = `z2m: Publish 'set' 'pin_code' to 'front' failed: 'Error: ${quoted}'`;
    bridge.bridge.publishRaw('bridge/logging', JSON.stringify({ level: 'error', message, namespace: 'z2m' }));
    bridge.bridge.publishRaw('front', `{"users": ${pins['quoted by the bridge']}`);
    bridge.bridge.publishRaw('front/set', `{"pin_code":{"user":9,"pin_code":"${pins['left retained']}"}}`, true);
    line.cut();
    const broken = create({ device_id, code: pins['on a broken link'] });
    await api.door('unlock', device_id);
    line.restore();
    await ended(await broken);
    await api.online(device_id);
    await ended(await create({ device_id, code: pins['on a broken link'] }));

    eventsAnswer = (await api.post('/events/list', { since: '2020-01-01' })).text;
    await look(api);
    stream.abort();
    const dying = create({ device_id, code: pins['written when the process was killed'] }).catch(() => undefined);
    while (!lock.keypad.codeCommands.some(({ code }) => code === pins['written when the process was killed']))
      await new Promise((resolve) => setTimeout(resolve, 5));
    await first.stop('SIGKILL');
    await dying;
    note('the log', first.said);
    filesAfterKill = stateFiles();

    const second = await GatewayProcess.start(box, { env: { DEBUG: '*' } });
    await second.api.online(device_id);
    for (;;) {
      const attempts = await second.api.attempts();
      if (attempts.every(({ status }) => status !== 'pending')) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await look(second.api);
    expect(await second.stop()).toMatchObject({ code: 0 });
    note('the log', second.said);
    filesAfterStop = stateFiles();
    await witness.settled();
  }

  /** Somebody without the right to see codes. */
  async function newReader(api: ApiCaller) {
    const wish = { name: `reader-${randomBytes(3).toString('hex')}`, scopes: ['read'] as const };
    const { key } = await createApiKey(join(box.stateDir, 'api-keys'), wish, randomBytes, Date.now);
    const reader = new ApiCaller(api.url, key);
    while ((await reader.get('/devices/list')).status === 401) await new Promise((resolve) => setTimeout(resolve, 50));
    return { key, reader };
  }

  /** Reads the live stream until it is told to stop. */
  async function follow(api: ApiCaller): Promise<AbortController> {
    const stop = new AbortController();
    const { key } = await newReader(api);
    const headers = { authorization: `Bearer ${key}` };
    const { body } = await fetch(`${api.url}/events/stream`, { headers, signal: stop.signal });
    const read = async () => {
      for await (const chunk of body ?? []) note('the stream', Buffer.from(chunk).toString());
    };
    read().catch(() => undefined);
    return stop;
  }

  /** Everything that can be asked for without the right to see codes. */
  async function look(api: ApiCaller): Promise<void> {
    const { reader } = await newReader(api);
    const attempts = await reader.attempts();
    for (const { action_attempt_id } of attempts)
      note('a history', (await reader.get(`/action_attempts/${action_attempt_id}/history`)).text);
    const lists = ['/action_attempts/list', '/access_codes/list', '/devices/list', '/locks/list', '/workspaces/get'];
    note('/events/list', (await reader.post('/events/list', { since: '2020-01-01' })).text);
    note('an error body', (await reader.get('/webhooks/list')).text);
    for (const path of lists) note(path, (await reader.post(path, { device_id: idOf('front') })).text);
    for (const path of ['/health', '/openapi.json', '/metrics']) note(path, (await reader.get(path)).text);
    // Whoever may see codes sees them where they belong, and nowhere else.
    note('errors of attempts', JSON.stringify((await api.attempts()).map(({ error }) => error)));
  }

  /** What the gateway publishes: its own tree, and what it asks the bridge; not what it commands the lock. */
  const published = () =>
    witness.heard.filter(({ topic }) => !topic.startsWith('zigbee2mqtt/') || topic.endsWith('/get'));

  it('the search finds a secret in each of its forms', () => {
    const [secret] = secrets;
    if (secret === undefined) throw new Error('no secrets');
    const { value } = secret;
    const raw = Buffer.from(value);
    const traces = [
      raw,
      Buffer.from(String(value), 'utf16le'),
      Buffer.from(raw.toString('hex')),
      ...['', 'x', 'xy'].map((before) => Buffer.from(Buffer.from(`${before}${value}z`).toString('base64'))),
      Buffer.from(createHash('sha256').update(raw).digest('hex')),
    ].map((bytes) => tracesOf([secret], Buffer.concat([Buffer.from('abc'), bytes, Buffer.from('def')]), 'here'));
    expect(traces.filter((found) => found.length === 0)).toEqual([]);
  });

  it('the secrets were really there: whoever may see a code sees it, and the lock was told', () => {
    expect(storedAnswer).toContain(pins.stored);
    expect(eventsAnswer).toContain(pins.stored);
    const commands = witness.heard.filter(({ topic }) => topic === 'zigbee2mqtt/front/set');
    for (const name of ['stored', 'refused', 'on a broken link', 'written when the process was killed'] as const)
      expect(commands.some(({ payload }) => payload.includes(pins[name]), `${name} was sent`)).toBe(true);
  });

  it('in no log, down to trace, nor in what libraries print', () => {
    const log = seen.get('the log') ?? '';
    expect(log.split('\n').length).toBeGreaterThan(100);
    expect(log).toContain('"level":20');
    expect(tracesOf(secrets, log, 'the log')).toEqual([]);
    expect(log).toContain('a webhook was not taken');
    expect(log).not.toContain(webhookToken);
  });

  it('in no message that the gateway publishes, but the commands to the lock', () => {
    const messages = published();
    const topics = new Set(messages.map(({ topic }) => topic.split('/').slice(0, 3).join('/')));
    expect([...topics]).toEqual(expect.arrayContaining(['strikeplate/box/attempts', 'strikeplate/box/devices']));
    const found = messages.flatMap(({ topic, payload }) => tracesOf(secrets, `${topic} ${payload}`, topic));
    expect(found).toEqual([]);
  });

  it('in no error body, history, list or other answer to those who may not see codes', () => {
    expect(seen.get('/metrics')).toContain(
      'strikeplate_attempts_total{action_type="CREATE_ACCESS_CODE",outcome="success"}',
    );
    expect(seen.get('a history')).toContain('accepted');
    for (const place of ['/events/list', 'the stream', 'a webhook']) {
      expect([place, seen.get(place)]).toEqual([
        place,
        expect.stringMatching(/"code":null.*lock.unlocked|lock.unlocked.*"code":null/s),
      ]);
    }
    const found = [...seen]
      .filter(([place]) => place !== 'the log')
      .flatMap(([place, text]) => tracesOf(secrets, text, place));
    expect(found).toEqual([]);
  });

  it.each([
    ['killed', () => filesAfterKill],
    ['stopped', () => filesAfterStop],
  ])('in clear in no file of a gateway that was %s', (_how, files) => {
    const names = [...files().keys()];
    expect(names).toEqual(
      expect.arrayContaining(['strikeplate.db', 'strikeplate.db.reserve', 'store.key', 'api-keys']),
    );
    if (_how === 'killed') expect(names).toContain('strikeplate.db-wal');
    const found = [...files()].flatMap(([name, bytes]) => {
      const sought = secrets.filter((secret) => !(name === 'store.key' && secret.name === 'the key of the store'));
      return tracesOf(sought, bytes, name);
    });
    expect(found).toEqual([]);
  });
});
