import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { SeamWebhook } from '@seamapi/webhook';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SimulatedLock } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { ensureBuilt } from '../../scripts/build.mjs';
import { GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { GatewayProcess } from '../kit/gateway/gateway-process.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';

/** An application that can be away, and that believes the official verifier alone. */
class Application {
  readonly taken: { readonly event_id: string; readonly event_type: string }[] = [];
  /** Tries that found nobody at work. */
  turnedAway = 0;
  isThere = false;
  secret = '';
  #port = 0;
  readonly #server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (this.isThere) {
      const headers = request.headers as Record<string, string>;
      this.taken.push(new SeamWebhook(this.secret).verify(Buffer.concat(chunks).toString(), headers));
    } else this.turnedAway += 1;
    response.writeHead(this.isThere ? 200 : 503).end();
  });

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const until = async (condition: () => boolean | Promise<boolean>) => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
};

describe('webhooks of a gateway that is killed', () => {
  const closing: (() => unknown)[] = [];
  const application = new Application();
  let box: GatewayBox;
  let lock: SimulatedLock;

  beforeAll(async () => {
    await ensureBuilt();
    await application.listen();
    closing.push(() => application.close());
    const building = await ZigbeeBuilding.open();
    closing.push(() => building.close());
    lock = building.bridge.addLock({ friendlyName: 'front', radioMs: 5, motorMs: 10 });
    building.bridge.start();
    box = await GatewayBox.make({
      mqtt: { main: { url: building.url } },
      webhooks: { private_targets: ['127.0.0.0/8'] },
      devices: [zigbeeEntry('front')],
    });
    closing.push(() => box.dispose());
  });

  afterAll(async () => {
    for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
  });

  it('are delivered by the next run, in order, verified, none missing', async () => {
    const first = await GatewayProcess.start(box);
    await first.api.online(idOf('front'));
    const answer = await first.api.post('/webhooks/create', {
      url: application.url,
      event_types: ['lock.locked', 'lock.unlocked'],
    });
    application.secret = (answer.body.webhook as unknown as { secret: string }).secret;
    const moved = async (times: number) => {
      for (let time = 0; time < times; time++) {
        lock.turnByHand(time % 2 === 0 ? 'unlocked' : 'locked');
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
    };
    const listed = async (api: GatewayProcess['api']) => {
      const { body } = await api.post('/events/list', {
        since: '2020-01-01',
        event_types: ['lock.locked', 'lock.unlocked'],
      });
      return (body.events as unknown as { event_id: string }[]).map(({ event_id }) => event_id);
    };
    await moved(4);
    await until(async () => (await listed(first.api)).length === 4);
    await until(() => application.turnedAway > 0);
    await first.stop('SIGKILL');

    application.isThere = true;
    const second = await GatewayProcess.start(box);
    await second.api.online(idOf('front'));
    await moved(2);
    await until(async () => (await listed(second.api)).length >= 6);
    const all = await listed(second.api);
    await until(() => all.every((id) => application.taken.some(({ event_id }) => event_id === id)));
    // Taken once or, for what a crash forgot, again under the same id: in the order in which it happened.
    const firstTimes = [...new Set(application.taken.map(({ event_id }) => event_id))];
    expect(firstTimes).toEqual(all);
    expect(await second.stop()).toMatchObject({ code: 0 });
    const repeated = application.taken.length;

    const third = await GatewayProcess.start(box);
    await third.api.online(idOf('front'));
    expect(await third.stop()).toMatchObject({ code: 0 });
    expect(application.taken).toHaveLength(repeated);
  });
});
