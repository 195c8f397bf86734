import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { SimulatedClock } from '../../src/driver-testing/simulated-clock.ts';
import { gatewayRoutes } from '../../src/http/routes/index.ts';
import { fakeOwnServices } from '../kit/gateway/fake-own-services.ts';
import { type BoxedGateway, GatewayBox, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { ApiCaller } from '../kit/sdk/api-caller.ts';

/*
 * Our own services, each asked of a whole gateway: what it answers is what the API description says, and becomes its
 * example there (STRIKEPLATE_API_EXAMPLES=file).
 */

const routes = gatewayRoutes(new SimulatedClock(), fakeOwnServices()).filter(({ path }) =>
  /^\/strikeplate\/(api_keys|audit|configuration|onboarding|personal_data)\//.test(path),
);

let box: GatewayBox;
let gateway: BoxedGateway;
let api: ApiCaller;

beforeAll(async () => {
  box = await GatewayBox.make({ mqtt: { main: { embedded: { port: 0 } } }, devices: [zigbeeEntry('front')] });
  gateway = await box.start();
  const { key } = await box.makeKey({ name: 'office', scopes: ['read', 'control', 'codes', 'admin'] });
  api = new ApiCaller(gateway.url, key);
});
afterAll(async () => {
  await gateway?.close();
  box?.dispose();
});

const asked = new Map<string, object>();
const call = async (path: string, request: object = {}) => {
  asked.set(path, request);
  const { status, body } = await api.post(path, request);
  expect([path, status, body]).toEqual([path, 200, expect.anything()]);
  return body as Readonly<Record<string, Readonly<Record<string, string>>>>;
};

const keys = '/strikeplate/api_keys';
const devices = '/strikeplate/configuration/devices';
const onboarding = '/strikeplate/onboarding';
let flats = 0;
const newName = () => `Flat ${++flats}`;
const newKey = () => call(`${keys}/create`, { name: newName(), scopes: ['read', 'control'] });
const aKey = async () => ({ api_key_id: (await newKey()).api_key?.api_key_id ?? '' });
const aSide = () => call(`${devices}/add`, { device: zigbeeEntry('side') });
const aJoin = async () => {
  const started = await call(`${onboarding}/start`, { kind: 'zigbee_join', link: 'mqtt/main', seconds: 30 });
  return { onboarding_id: started.onboarding?.onboarding_id ?? '' };
};
/** One at a time. */
const join = async (then: (id: object) => Promise<unknown>) => {
  const id = await aJoin();
  const answer = await then(id);
  await api.post(`${onboarding}/cancel`, id);
  return answer;
};

/** How each is asked; a route without a row fails. */
const rows: Readonly<Record<string, () => Promise<unknown>>> = {
  [`${keys}/create`]: newKey,
  [`${keys}/get`]: async () => call(`${keys}/get`, await aKey()),
  [`${keys}/list`]: () => call(`${keys}/list`),
  [`${keys}/update`]: async () => call(`${keys}/update`, { ...(await aKey()), name: newName() }),
  [`${keys}/rotate`]: async () => call(`${keys}/rotate`, { ...(await aKey()), overlap_seconds: 3_600 }),
  [`${keys}/revoke`]: async () => call(`${keys}/revoke`, await aKey()),
  '/strikeplate/audit/list': () => call('/strikeplate/audit/list', { limit: 3 }),
  '/strikeplate/personal_data/forget': async () => {
    const { user_identity } = await call('/user_identities/create', { full_name: 'Ana Meier' });
    return call('/strikeplate/personal_data/forget', { user_identity_id: user_identity?.user_identity_id });
  },
  '/strikeplate/configuration/get': () => call('/strikeplate/configuration/get'),
  '/strikeplate/configuration/reload': () => call('/strikeplate/configuration/reload'),
  [`${devices}/list`]: () => call(`${devices}/list`),
  [`${devices}/add`]: aSide,
  [`${devices}/change`]: () => call(`${devices}/change`, { id: 'side', changes: { name: 'Side door' } }),
  [`${onboarding}/start`]: () => join(async (id) => ({ ...(await api.post(`${onboarding}/get`, id)).body })),
  [`${onboarding}/get`]: () => join((id) => call(`${onboarding}/get`, id)),
  [`${onboarding}/list`]: () => join(() => call(`${onboarding}/list`)),
  [`${onboarding}/cancel`]: () => join((id) => call(`${onboarding}/cancel`, id)),
  [`${devices}/remove`]: () => call(`${devices}/remove`, { id: 'side' }),
};

describe('our own services of a whole gateway', () => {
  test('have a row each, but for the one that answers what a radio asked', () => {
    const paths = routes.map(({ path }) => path).filter((path) => path !== `${onboarding}/answer`);
    expect(Object.keys(rows).sort()).toEqual(paths.sort());
  });

  test.each(Object.keys(rows))('%s answers what it says', async (path) => {
    const body = await rows[path]?.();
    const route = routes.find((candidate) => candidate.path === path);
    expect(
      route
        ?.answer()
        .extend({ ok: z.literal(true) })
        .parse(body),
    ).toEqual(body);
    const examples = process.env.STRIKEPLATE_API_EXAMPLES;
    if (examples !== undefined) {
      // Neither where it ran nor whom its keys let in is anybody's to read later.
      const text = JSON.stringify([path, { request: asked.get(path), answer: body }]);
      appendFileSync(
        examples,
        `${text.replaceAll(box.folder, '/etc/strikeplate').replaceAll(/seam_gw1_\w+/g, 'seam_gw1_…')}\n`,
      );
    }
  });
});
