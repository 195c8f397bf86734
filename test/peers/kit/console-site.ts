import { randomBytes } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { Zigbee2MqttSimulator } from '../../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { ensureBuilt } from '../../../scripts/build.mjs';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { places, type ViewOfOne } from '../../../src/console/places.ts';
import { createApiKey } from '../../../src/http/api-key-changes.ts';
import { permissionScopes } from '../../../src/model/permission.ts';
import { connectMqttPeer, type MqttPeer } from '../../../src/simulation/zigbee2mqtt.ts';
import { freePort } from '../../kit/free-port.ts';
import { type BoxedGateway, GatewayBox, zigbeeEntry } from '../../kit/gateway/gateway-box.ts';
import { signIn, startBrowser, type Visit, visit } from './browser.ts';
import { Mosquitto } from './mosquitto.ts';

/** All views of the navigation, with their parts: from the console's own list, so that none is left out. */
export const everyView = Object.entries(places).flatMap(([view, parts]) => [
  view,
  ...parts.map((part) => `${view}/${part}`),
]);

/** All views of one thing. */
export const viewsOf = (ids: Readonly<Record<ViewOfOne, string>>): string[] =>
  Object.entries(ids).map(([view, id]) => `${view}/${id}`);

export const card = (page: Page, name: string | RegExp) => page.locator('article').filter({ hasText: name });

export const grantIn = (answer: string): string => /"access_grant_id":"([^"]+)"/.exec(answer)?.[1] ?? '';

type Scopes = readonly (typeof permissionScopes)[number][];

async function makeKey(box: GatewayBox, name: string, scopes?: Scopes): Promise<string> {
  const wanted = { name, ...(scopes && { scopes }) };
  return (await createApiKey(`${box.stateDir}/api-keys`, wanted, randomBytes, Date.now)).key;
}

/** Two doors and a sensor behind a real broker, a gateway, and somebody who looks at it: anew for each test. */
export class ConsoleSite {
  readonly browser: Browser;
  readonly broker: Mosquitto;
  readonly front: ReturnType<Zigbee2MqttSimulator['addLock']>;
  readonly sensor: ReturnType<Zigbee2MqttSimulator['addNoiseSensor']>;
  readonly box: GatewayBox;
  gateway: BoxedGateway;
  /** An API key with every scope. */
  readonly key: string;
  readonly #peer: MqttPeer;
  readonly #bridge: Zigbee2MqttSimulator;

  private constructor(
    browser: Browser,
    broker: Mosquitto,
    peer: MqttPeer,
    bridge: Zigbee2MqttSimulator,
    [front, sensor]: [ConsoleSite['front'], ConsoleSite['sensor']],
    [box, gateway, key]: [GatewayBox, BoxedGateway, string],
  ) {
    this.key = key;
    this.browser = browser;
    this.broker = broker;
    this.#peer = peer;
    this.#bridge = bridge;
    this.front = front;
    this.sensor = sensor;
    this.box = box;
    this.gateway = gateway;
  }

  static async open(browser: Browser): Promise<ConsoleSite> {
    const broker = await Mosquitto.start();
    const peer = await connectMqttPeer(broker.url);
    const bridge = new Zigbee2MqttSimulator({ mqtt: peer, clock: systemClock });
    const front = bridge.addLock({ friendlyName: 'front', motorMs: 100, slots: 10 });
    bridge.addLock({ friendlyName: 'back', motorMs: 100, slots: 10 });
    const sensor = bridge.addNoiseSensor({ friendlyName: 'hall', level: 40 });
    bridge.start();
    peer.onReconnect(() => {
      bridge.bridge.stop();
      bridge.bridge.start();
    });
    const keypad = { settings: { pin_slots: { first: 1, count: 8 } } };
    const box = await GatewayBox.make({
      http: { port: await freePort() },
      mqtt: { main: { url: broker.url } },
      webhooks: { private_targets: ['127.0.0.0/8'] },
      devices: [
        { ...zigbeeEntry('front', keypad), name: '<b onclick="alert(1)">Front</b>' },
        zigbeeEntry('back', keypad),
        { ...zigbeeEntry('hall', { settings: { kind: 'noise', interval_s: 5 } }), noise: { average_s: 2 } },
      ],
    });
    const key = await makeKey(box, 'everything', permissionScopes);
    const gateway = await box.start();
    sensor.measure(41);
    return new ConsoleSite(browser, broker, peer, bridge, [front, sensor], [box, gateway, key]);
  }

  /** An API key of its own: one that may read and command doors unless told. */
  keyFor(name: string, scopes?: Scopes): Promise<string> {
    return makeKey(this.box, name, scopes);
  }

  /** Where the console is. */
  url(): string {
    return `${this.gateway.url}/`;
  }

  /** Signs in with a key that may do everything, and waits for the doors. */
  async look(options: Visit = {}): ReturnType<typeof visit> {
    const visited = await visit(this.browser, this.url(), options);
    await signIn(visited.page, this.key);
    await visited.page.getByRole('heading', { name: 'Doors' }).waitFor();
    await visited.page.getByText('Live', { exact: true }).waitFor();
    return visited;
  }

  async close(): Promise<void> {
    await this.gateway.close();
    this.box.dispose();
    this.#bridge.stop();
    await this.#peer.close();
    await this.broker.close();
  }
}

/** Call it in a `describe`: a browser for its tests, and a site for each. */
export function consoleSite(): () => ConsoleSite {
  let browser: Browser | undefined;
  let site: ConsoleSite | undefined;
  beforeAll(async () => {
    await ensureBuilt();
    browser = await startBrowser();
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    site = browser && (await ConsoleSite.open(browser));
  });
  afterEach(async () => {
    await site?.close();
    site = undefined;
  });
  return () => {
    if (site === undefined) throw new Error('there is no site outside a test');
    return site;
  };
}
