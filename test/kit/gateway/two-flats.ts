import { pino } from 'pino';
import type { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import type { ApiKey } from '../../../src/http/api-keys.ts';
import type { Route } from '../../../src/http/route.ts';
import { streamPath } from '../../../src/http/routes/event-stream.ts';
import { createHttpServer, type HttpServer } from '../../../src/http/server.ts';
import { deviceReach } from '../../../src/model/permission.ts';
import { ScriptedKeypad } from '../locks/scripted-keypad.ts';
import { ScriptedLock } from '../locks/scripted-lock.ts';
import { ScriptedSensor } from '../noise/scripted-sensor.ts';
import { coreFixture } from './core-fixture.ts';
import { fakeOwnServices } from './fake-own-services.ts';
import { apiKey, keyWith } from './http-fixture.ts';

export const flatKey = 'seam_gw1_flat0000000000000000000000000000000000000';
export const night = { starts_daily_at: '22:00:00', ends_daily_at: '07:00:00', noise_threshold_decibels: 60 };
export const aPin = { requested_access_methods: [{ mode: 'code' }] };
export const since = { since: '2026-01-01T00:00:00Z' };

/** What belongs to a flat. Ids of the one and ids that never were have one shape. */
export interface Belongings {
  readonly device_id: string;
  readonly sensor_id: string;
  readonly name: string;
  readonly access_code_id: string;
  readonly digits: string;
  readonly common_code_key: string;
  readonly unmanaged_id: string;
  readonly removed_id: string;
  readonly noise_threshold_id: string;
  readonly removed_threshold_id: string;
  readonly action_attempt_id: string;
  readonly event_id: string;
  readonly webhook_id: string;
  readonly cursor: string;
  readonly user_identity_id: string;
  readonly user_identity_key: string;
  readonly space_id: string;
  readonly space_key: string;
  readonly access_grant_id: string;
  readonly access_grant_key: string;
  readonly access_method_id: string;
}

/** Two flats with a lock, a keypad and a sensor each, and a key that is for the first. */
export async function twoFlats(clock: SimulatedClock, by: 'its devices' | 'its space') {
  const keypads = [new ScriptedKeypad(), new ScriptedKeypad()];
  const locks = keypads.map((keypad) => {
    const lock = new ScriptedLock();
    lock.keypad = keypad;
    return lock;
  });
  const sensors = [new ScriptedSensor(), new ScriptedSensor()];
  const keys = new Map<string, ApiKey>([[apiKey, keyWith(['read', 'control', 'codes', 'metrics'], 'key_reception')]]);
  const sent: { readonly url: string; readonly body: string }[] = [];
  const { core } = coreFixture({
    clock,
    devices: [1, 2].flatMap((flat, index) => [
      { slug: `flat-${flat}`, ...pick(locks, index) },
      { slug: `noise-${flat}`, ...pick(sensors, index) },
    ]),
    permissionOf: (id) => [...keys.values()].find((key) => key.id === id),
    webhookSender: {
      check: async () => undefined,
      send: async ({ url, body }) => {
        sent.push({ url, body });
        return 200;
      },
    },
  });
  // Somebody typed a code in at the neighbours' lock before the gateway first looked at it.
  keypads[1]?.slots.set(3, '1111');
  await core.start();
  const own = fakeOwnServices();
  await own.keyAdministration.create({ name: 'key_reception' });
  const server: HttpServer = createHttpServer({
    gateway: core,
    keys: { verify: (key) => keys.get(key) },
    ...own,
    holdMs: 1_000,
    log: pino({ level: 'silent' }),
    metrics: { contentType: 'text/plain', text: async () => 'strikeplate_devices{device="flat-2"} 1\n' },
  });

  /** Time passes while a request is under way. */
  async function send(method: string, url: string, payload: object | undefined, key: string, idempotencyKey?: string) {
    const pending = server.inject({
      method: method as 'POST',
      url,
      headers: {
        authorization: `Bearer ${key}`,
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      },
      ...(payload && { payload }),
    });
    let answered = false;
    const mark = () => {
      answered = true;
    };
    pending.then(mark, mark);
    while (!answered) await clock.advance(1);
    const { statusCode, body } = await pending;
    return { status: statusCode, text: body };
  }
  const post = (url: string, payload: object, key = apiKey, idempotencyKey?: string) =>
    send('POST', url, payload, key, idempotencyKey);
  const make = async (url: string, payload: object) => {
    const { status, text } = await post(url, payload);
    if (status !== 200) throw new Error(`${url}: ${text}`);
    return JSON.parse(text);
  };

  const own_space = await make('/spaces/create', { name: 'One', device_ids: ['flat-1', 'noise-1'] });
  const ownSpace: string = own_space.space.space_id;
  keys.set(flatKey, {
    ...keyWith(['read', 'control', 'codes'], 'key_flat', ['flat-1', 'noise-1']),
    ...(by === 'its space' && {
      devices: deviceReach(undefined, [ownSpace], (spaceId) => core.spaces.get(spaceId)?.deviceIds ?? []),
    }),
  });

  const device_id = 'flat-2';
  const code = await make('/access_codes/create', {
    device_id,
    code: '735162',
    name: 'Guest of two',
    common_code_key: 'stay of two',
  });
  const removed = await make('/access_codes/create', { device_id, code: '918273' });
  await make('/access_codes/delete', { access_code_id: removed.access_code.access_code_id, sync: true });
  const threshold = await make('/noise_sensors/noise_thresholds/create', { device_id: 'noise-2', ...night });
  const gone = await make('/noise_sensors/noise_thresholds/create', { device_id: 'noise-2', ...night });
  const goneId = gone.noise_threshold.noise_threshold_id;
  await make('/noise_sensors/noise_thresholds/delete', { noise_threshold_id: goneId });
  const opened = await make('/locks/unlock_door', { device_id });
  const webhook = await make('/webhooks/create', { url: 'https://all.example/hook' });
  const guest = await make('/user_identities/create', { full_name: 'Carla Two', user_identity_key: 'guest of two' });
  const space = await make('/spaces/create', { name: 'Two', space_key: 'space of two', device_ids: [device_id] });
  const { user_identity_id } = guest.user_identity;
  const { space_id } = space.space;
  const { access_grant } = await make('/access_grants/create', {
    user_identity_id,
    space_ids: [space_id],
    access_grant_key: 'grant of two',
    ...aPin,
  });
  const events = await make('/events/list', { ...since, device_id });
  await clock.advance(5_000);
  const found = await make('/access_codes/unmanaged/list', { device_id });
  const theirs: Belongings = {
    device_id,
    sensor_id: 'noise-2',
    name: 'Door flat-2',
    access_code_id: code.access_code.access_code_id,
    digits: '735162',
    common_code_key: 'stay of two',
    unmanaged_id: found.access_codes[0].access_code_id,
    removed_id: removed.access_code.access_code_id,
    noise_threshold_id: threshold.noise_threshold.noise_threshold_id,
    removed_threshold_id: goneId,
    action_attempt_id: opened.action_attempt.action_attempt_id,
    event_id: events.events[0].event_id,
    webhook_id: webhook.webhook.webhook_id,
    cursor: '',
    user_identity_id,
    user_identity_key: 'guest of two',
    space_id,
    space_key: 'space of two',
    access_grant_id: access_grant.access_grant_id,
    access_grant_key: 'grant of two',
    access_method_id: access_grant.access_method_ids[0],
  };
  const traces = [
    ...Object.values(theirs).filter((value) => value !== ''),
    'key_reception',
    'Guest of two',
    'Carla Two',
    'all.example',
    webhook.webhook.secret,
  ];

  async function stateOfTheirs() {
    const states = await Promise.all([
      post('/devices/list', { device_ids: ['flat-2', 'noise-2'] }),
      post('/access_codes/list', { device_id }),
      post('/access_codes/unmanaged/list', { device_id }),
      post('/noise_sensors/noise_thresholds/list', { device_id: 'noise-2' }),
      post('/action_attempts/list', { device_id }),
      post('/webhooks/get', { webhook_id: theirs.webhook_id }),
      post('/access_grants/get_related', { access_grant_ids: [theirs.access_grant_id] }),
    ]);
    return states.map(({ text }) => text);
  }

  return {
    theirs,
    ownSpace,
    keys,
    sent,
    before: await stateOfTheirs(),
    stateOfTheirs,
    post,
    send,
    tracesIn: (text: string) => traces.filter((trace) => text.includes(trace)),
    ask: (route: Route, method: string, params: Record<string, unknown>, key: string, idempotencyKey?: string) => {
      const url = route.path.replace(/:(\w+)/, (_, name: string) => String(params[name]));
      return send(method, url, route.hasPathParameters ? {} : params, key, idempotencyKey);
    },
    /** Opens a stream; what it gives is everything that came until it was asked. */
    async listen(key: string, headers: Record<string, string>, path = streamPath) {
      const address = server.address ?? (await server.listen({ host: '127.0.0.1', port: 0 }));
      const hangUp = new AbortController();
      const answer = await fetch(`${address}${path}`, {
        headers: { authorization: `Bearer ${key}`, ...headers },
        signal: hangUp.signal,
      });
      const reader = answer.body?.getReader();
      return async (last = 'action_attempt.unlock_door.succeeded') => {
        let text = '';
        while (!text.includes(last)) {
          const chunk = await reader?.read();
          if (chunk === undefined || chunk.done) break;
          text += Buffer.from(chunk.value).toString();
        }
        hangUp.abort();
        return text;
      };
    },
    async close() {
      await server.close();
      const stopped = core.stop(0);
      await clock.advance(5_000);
      await stopped;
    },
  };
}

function pick<Maker extends { driver: unknown; link: unknown }>(from: readonly Maker[], index: number) {
  const { driver, link } = from[index] as Maker;
  return { driver, link } as Pick<Maker, 'driver' | 'link'>;
}
