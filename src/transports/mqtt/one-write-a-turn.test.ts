import type { Socket } from 'node:net';
import { expect, it, vi } from 'vitest';
import { becomes } from '../../../test/kit/broker/link-becomes.ts';
import { failure, never, TOPIC, useMqtt } from '../../../test/kit/broker/mqtt-fixture.ts';
import type { Clock } from '../../contract/index.ts';

const mqtt = useMqtt();

/** Counts what sockets hand to the kernel: `_write` and `_writev` are what a stream calls for one write. */
async function writesDuring(of: (socket: Socket) => boolean, work: () => Promise<unknown>): Promise<number> {
  const { Socket: Sockets } = await import('node:net');
  const counted = vi.spyOn(Sockets.prototype, '_write');
  await work();
  return counted.mock.contexts.filter((socket) => of(socket as Socket)).length;
}

it('what leaves in one turn of the event loop leaves in one write', async () => {
  const main = await mqtt.connected();
  const links = Array.from({ length: 8 }, (_, index) => main.link(`Door ${index}`));
  const isOurs = ({ remotePort }: Socket) => remotePort === mqtt.proxy.port;
  const writes = await writesDuring(isOurs, () =>
    Promise.all(links.map((link) => link.command(mqtt.permit(), TOPIC, 'UNLOCK', never()))),
  );
  await mqtt.lock.settled();
  expect(mqtt.lock.payloads).toHaveLength(8);
  expect(writes).toBe(1);
});

/** A clock that a long turn of the event loop moves on: no timer fires meanwhile. */
function heldUpClock() {
  let heldUpMs = 0;
  const clock: Clock = {
    now: () => mqtt.clock.now() + heldUpMs,
    wallTime: () => mqtt.clock.wallTime(),
    setTimer: (callback, ms) => mqtt.clock.setTimer(callback, ms),
  };
  const holdUp = (ms: number) => {
    heldUpMs += ms;
  };
  return { clock, holdUp };
}

it('a turn that lasts until after send_by hands nothing over', async () => {
  const { clock, holdUp } = heldUpClock();
  const main = await mqtt.connected({ clock });
  const late = mqtt.permit();
  const sending = failure(main.link('Front Door').command(late, TOPIC, 'UNLOCK', never()));
  expect(late.spend).toHaveBeenCalledOnce();
  holdUp(5_000);
  expect(await sending).toMatchObject({ type: 'outcome_unknown', delivery: 'maybe_sent' });
  await mqtt.clock.advance(5_000);
  await becomes(main, 'up');
  await mqtt.lock.settled();
  expect(mqtt.lock.payloads).toEqual([]);
});

it('a command without time to spare does not wait for the end of the turn', async () => {
  const { clock, holdUp } = heldUpClock();
  const main = await mqtt.connected({ clock });
  const sending = main.link('Front Door').command(mqtt.permit(mqtt.clock.now() + 150), TOPIC, 'UNLOCK', never());
  holdUp(200);
  await sending;
  await mqtt.lock.settled();
  expect(mqtt.lock.payloads).toEqual(['UNLOCK']);
});
