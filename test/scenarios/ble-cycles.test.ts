import { EventEmitter } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, onTestFinished } from 'vitest';
import { nukiBuilding } from '../kit/locks/nuki-building.ts';
import { EchoPeripheral, echoPath, readablePath } from '../kit/radio/echo-peripheral.ts';
import { radioFixture } from '../kit/radio/radio-fixture.ts';

/*
 * Every door command is a connection of its own. Over 300 of them nothing may pile up: no handle, no timer, no listener
 * on what outlives a connection, no memory. docs/performance.md has the figures.
 */

const WARM_UP = 40;
const CYCLES = 300;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapKiB(): number {
  // What was freed only by finalizers goes with the second.
  collect();
  collect();
  return process.memoryUsage().heapUsed / 1024;
}

/** Every emitter that somebody listened to since, noble's and bleno's among them. */
function watchEmitters(): ReadonlySet<EventEmitter> {
  const seen = new Set<EventEmitter>();
  const { prototype } = EventEmitter;
  const { on, once, addListener } = prototype;
  const watched = (add: typeof on): typeof on =>
    function (this: EventEmitter, ...args) {
      seen.add(this);
      return add.apply(this, args);
    };
  Object.assign(prototype, { on: watched(on), once: watched(once), addListener: watched(addListener) });
  onTestFinished(() => void Object.assign(prototype, { on, once, addListener }));
  return seen;
}

const listenersOf = (emitters: ReadonlySet<EventEmitter>): number[] =>
  [...emitters].map((emitter) =>
    emitter.eventNames().reduce((sum: number, name) => sum + emitter.listenerCount(name), 0),
  );

it('300 door commands leave no listener, handle, timer or link behind', async () => {
  const seen = watchEmitters();
  const building = await nukiBuilding({ lock: { times: { startMs: 0, moveMs: 0 } } });
  onTestFinished(() => building.close());
  const { clock, air } = building;
  const command = async (count: number) => {
    for (let at = 0; at < count; at++)
      expect(await building.run(at % 2 === 0 ? 'unlock' : 'lock')).toMatchObject({
        status: 'success',
        confirmed: true,
      });
    // The last disconnection, and what follows from it.
    await clock.advance(2_000);
  };
  await command(WARM_UP);
  // Services and characteristics are made anew for each connection; these are what stays.
  const lasting = new Set(seen);
  const state = () => ({
    listeners: listenersOf(lasting),
    handles: process.getActiveResourcesInfo().filter((name) => name !== 'Immediate' && name !== 'Timeout'),
    timers: clock.armedTimers,
    links: air.openLinks.length,
  });
  const [before, linksBefore] = [state(), air.linksMade];
  await command(CYCLES);
  expect(state()).toEqual(before);
  expect(before.links).toBe(0);
  expect(lasting.size).toBeGreaterThan(10);
  const made = air.linksMade - linksBefore;
  expect(made).toBeGreaterThanOrEqual(CYCLES);
  console.log(
    `${made} connections: ${before.listeners.reduce((sum, count) => sum + count)} listeners on ${lasting.size} emitters, ` +
      `${before.handles.length} handles and ${before.timers} timers, before and after`,
  );
});

it('300 connections leave no memory behind', async () => {
  const radio = await radioFixture();
  onTestFinished(() => radio.close());
  const peripheral = new EchoPeripheral(radio.clock);
  const { address } = await radio.serve(peripheral);
  await radio.up();
  const link = radio.adapter.link({ address, addressType: 'public' }, 'Echo');
  const services = [echoPath.service, readablePath.service];
  const { signal } = new AbortController();
  const connect = async (count: number) => {
    for (let at = 0; at < count; at++) {
      const session = link.session({ priority: 'door', signal, services }, async (gatt) => {
        const heard = new Promise((resolve) => void gatt.subscribe(echoPath, resolve));
        await gatt.query(echoPath, Buffer.alloc(100, 1));
        await heard;
        return gatt.read(readablePath);
      });
      expect(await radio.clock.until(session)).toEqual(Buffer.from([87]));
    }
    peripheral.written.length = 0;
  };
  await connect(2 * WARM_UP);
  const before = heapKiB();
  await connect(CYCLES);
  const each = (heapKiB() - before) / CYCLES;
  console.log(
    `${CYCLES} connections: heap ${(before / 1024).toFixed(1)} MiB, and ${each.toFixed(2)} KiB more for each`,
  );
  // A listener, a buffer or a session that stayed would be several times that.
  expect(each).toBeLessThan(1);
});
