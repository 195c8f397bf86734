import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BoxedGateway, GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';
import { ApiCaller } from '../kit/sdk/api-caller.ts';
import { chainVerdict, filesThatHold } from '../kit/store/state-files.ts';

/* Whatever an application may write anywhere, and one name in all of it: afterwards no file has a byte of it. */

const door = idOf('front');
const sensor = idOf('hall');
const oldDoor = idOf('cellar');

/** Texts of applications, by the names of their members: each is planted below. */
const PLANTED = [
  ...['access_grant_key', 'common_code_key', 'customer_key', 'reservation_key', 'space_key', 'user_identity_key'],
  ...[
    'custom_metadata{}',
    'customer_data.address',
    'email_address',
    'full_name',
    'name',
    'phone_number',
    'reason',
    'url',
  ],
  ...['user_identity.email_address', 'user_identity.full_name', 'user_identity.phone_number'],
  'user_identity.user_identity_key',
];
/** What is compared, looked up or parsed, and is not kept as it was written. */
const NOT_KEPT = [
  /(^|_)ids?(\[\])?$/,
  /^(access_grant|space)_keys\[\]$/,
  /^parent_space_key$/,
  /(^|\.)code$|(_at|_time|time_zone)$|^cursor$/,
  /^(event_types|exclude|include)\[\]$/,
  /^(after|before|provider_category)$/,
  /** Onboarding: the site's configuration, and what hardware is asked. */
  /^(answers\{\}|base_topic|link)$/,
  /** A door's own name: whoever is called like a door cannot be forgotten. */
  /^properties\.name$/,
];

let building: ZigbeeBuilding;
let box: GatewayBox;
let gateway: BoxedGateway;

const entries = () => {
  const settings = { kind: 'lock', pin_slots: { first: 1, count: 9 } };
  return {
    front: zigbeeEntry('front', { settings }),
    cellar: zigbeeEntry('cellar', { settings }),
    hall: zigbeeEntry('hall', { settings: { kind: 'noise' } }),
  };
};
const configured = (devices: readonly object[]) => ({
  mqtt: { main: { url: building.url } },
  access_codes: { lead_minutes: 0 },
  webhooks: { private_targets: ['127.0.0.0/8'] },
  devices,
});

beforeEach(async () => {
  building = await ZigbeeBuilding.open();
  for (const friendlyName of ['front', 'cellar'])
    building.bridge.addLock({ friendlyName, bolt: 'locked', radioMs: 1, motorMs: 1, exposePin: true, slots: 10 });
  building.bridge.addNoiseSensor({ friendlyName: 'hall' });
  building.bridge.start();
  box = await GatewayBox.make(configured(Object.values(entries())));
  gateway = await box.start();
});

afterEach(async () => {
  await gateway.close();
  await building.close();
  box.dispose();
});

const filesWith = (text: string) => filesThatHold(box.stateDir, text, { anyCase: true });

/** What a route answers with: objects by name, or lists of them. */
type Answer = Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;

async function done(api: ApiCaller, route: string, body: object): Promise<Answer> {
  const { status, body: answer, text } = await api.post(route, body);
  expect([route, status, text]).toEqual([route, 200, text]);
  return answer;
}

const listOf = (objects: Answer[string]): readonly Readonly<Record<string, string | null>>[] =>
  Object.values(objects ?? {}) as unknown as Readonly<Record<string, string | null>>[];

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: unknown;
  readonly const?: unknown;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

interface OpenApi {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
  readonly paths: Readonly<
    Record<string, { post?: { requestBody?: { content: Readonly<Record<string, { schema: Schema }>> } } }>
  >;
}

/** Every member of a request that takes a text of the application's choice. */
function textsOf(document: OpenApi): Set<string> {
  const found = new Set<string>();
  const walk = (schema: Schema, path: string): void => {
    if (schema.$ref !== undefined) {
      const named = document.components.schemas[schema.$ref.split('/').at(-1) ?? ''];
      if (named) walk(named, path);
    }
    for (const one of [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]) walk(one, path);
    const isText = [schema.type].flat().includes('string') && schema.enum === undefined && schema.const === undefined;
    if (isText && path !== '') found.add(path);
    for (const [name, member] of Object.entries(schema.properties ?? {}))
      walk(member, path === '' ? name : `${path}.${name}`);
    if (schema.items) walk(schema.items, `${path}[]`);
    if (typeof schema.additionalProperties === 'object') walk(schema.additionalProperties, `${path}{}`);
  };
  for (const [route, { post }] of Object.entries(document.paths))
    if (!/\/(list|get)$/.test(route))
      for (const { schema } of Object.values(post?.requestBody?.content ?? {})) walk(schema, '');
  return found;
}

test('each text that an application may write is known here', () => {
  const document = JSON.parse(readFileSync(new URL('../../src/http/openapi.json', import.meta.url), 'utf8')) as OpenApi;
  const texts = textsOf(document);
  expect(texts.size).toBeGreaterThan(PLANTED.length);
  expect([...texts].filter((text) => !PLANTED.includes(text) && !NOT_KEPT.some((kind) => kind.test(text)))).toEqual([]);
  expect(PLANTED.filter((text) => !texts.has(text))).toEqual([]);
});

test('a name is forgotten wherever an application may have written it', async () => {
  const { key } = await box.makeKey({ name: 'admin', scopes: ['admin', 'read', 'control', 'codes'] });
  const api = new ApiCaller(gateway.url, key);
  const post = (route: string, body: object) => done(api, route, body);
  for (const id of [door, oldDoor]) await api.online(id);

  const hers = await post('/strikeplate/api_keys/create', { name: 'Phone of Zoe Quist' });
  const phone = new ApiCaller(gateway.url, String(hers.token));
  const asked = { 'idempotency-key': 'zoe-quist-opens' };
  const { action_attempt_id } = await phone.accepted('/locks/unlock_door', { device_id: door }, asked);
  await api.ended([action_attempt_id]);

  const codes = await post('/access_codes/create_multiple', {
    device_ids: [door, oldDoor],
    name: 'zoe  quist',
    code: '482913',
    common_code_key: 'stay/zoe.quist/7',
  });
  await post('/access_codes/create', {
    device_id: door,
    name: 'Zoe Quist (cot)',
    code: '774411',
    common_code_key: 'ZOE_QUIST',
  });
  await post('/access_codes/update_multiple', { common_code_key: 'ZOE_QUIST', name: 'For Zoe-Quist' });
  const other = { full_name: 'Ben Huber', user_identity_key: 'companion:zoe-quist' };
  const grant = await post('/access_grants/create', {
    user_identity: { ...other, email_address: 'ben@example.com', phone_number: '+41446681800' },
    device_ids: [door],
    access_grant_key: 'zoe-quist-2026',
    reservation_key: 'zoe quist, room 4',
    name: 'Stay of ZOE QUIST',
    requested_access_methods: [{ mode: 'code', code: '915823' }],
  });
  const gone = await post('/access_grants/create', {
    user_identity: { full_name: 'Zoe Quist', email_address: 'zoe.quist@example.com', user_identity_key: 'zoe_quist' },
    device_ids: [door],
    access_grant_key: 'zoe-quist-2025',
    requested_access_methods: [{ mode: 'code', code: '915824' }],
  });
  await post('/access_grants/delete', { access_grant_id: gone.access_grant?.access_grant_id });
  const space = await post('/spaces/create', {
    name: 'First floor',
    space_key: 'zoe-quists-neighbour and zoe-quist',
    customer_key: 'zoe.quist',
    device_ids: [door],
    customer_data: { address: 'c/o Zoe Quist, Bahnhofstrasse 1' },
  });
  await post('/noise_sensors/noise_thresholds/create', {
    device_id: sensor,
    name: "Zoe Quist's concert",
    starts_daily_at: '22:00:00[UTC]',
    ends_daily_at: '07:00:00[UTC]',
    noise_threshold_decibels: 75,
  });
  for (const device_id of [door, oldDoor])
    await post('/devices/update', { device_id, custom_metadata: { tenant: 'Zoe Quist', 'zoe quist': 'lives here' } });
  await phone.post('/devices/take_out_of_service', { device_id: oldDoor, reason: 'Zoe Quist paints it' });
  // What is no id is in no answer, and was asked for all the same.
  expect((await api.post('/user_identities/delete', { user_identity_id: 'zoe-quist' })).status).toBe(404);
  expect((await api.post('/access_codes/delete', { access_code_id: 'zoe-quist' })).status).toBe(404);
  const hook = await post('/webhooks/create', { url: 'http://127.0.0.1:9/zoe%20quist', event_types: ['*'] });
  await post('/strikeplate/api_keys/revoke', { api_key_id: hers.api_key?.api_key_id });
  // One of her doors is no more.
  await gateway.close();
  const { front, hall } = entries();
  box.configure(configured([front, hall]));
  gateway = await box.start();
  const now = new ApiCaller(gateway.url, key);
  await now.online(door);
  expect(filesWith('quist')).not.toEqual([]);

  const forget = () => now.post('/strikeplate/personal_data/forget', { name: 'Zoe Quist' });
  expect((await forget()).text).toMatch(new RegExp(`still_in_use.*${hook.webhook?.webhook_id}`));
  await now.post('/webhooks/delete', { webhook_id: hook.webhook?.webhook_id });
  const { status, text } = await forget();
  expect([status, text]).toEqual([200, text]);
  expect(filesWith('quist')).toEqual([]);

  // What must stay unique, and together, did.
  const listed = await done(now, '/access_codes/list', { device_id: door });
  const keys = listOf(listed.access_codes).flatMap(({ common_code_key }) => common_code_key ?? []);
  expect(listOf(codes.access_codes)).toHaveLength(2);
  expect(keys.every((one) => /^forgotten-[\da-f-]{36}$/.test(one))).toBe(true);
  expect(new Set(keys).size).toBe(2);
  const { access_grant_id, user_identity_id } = grant.access_grant ?? {};
  expect((await done(now, '/access_grants/get', { access_grant_id })).access_grant).toMatchObject({
    access_grant_key: expect.stringMatching(/^forgotten-/),
    reservation_key: expect.stringMatching(/^forgotten-/),
    user_identity_id,
  });
  const { space: flat } = await done(now, '/spaces/get', { space_id: space.space?.space_id });
  expect(flat).toMatchObject({ name: 'First floor', space_key: expect.stringMatching(/^forgotten-/) });
  expect(JSON.stringify(flat)).not.toMatch(/quist/i);

  await gateway.close();
  expect(filesWith('quist')).toEqual([]);
  expect(chainVerdict(box.stateDir)).toMatchObject({ broken: undefined });
  gateway = await box.start();
  expect((await new ApiCaller(gateway.url, key).post('/access_codes/list', { device_id: door })).text).not.toMatch(
    /quist/i,
  );
});
