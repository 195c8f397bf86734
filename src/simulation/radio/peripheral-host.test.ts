import { expect, it, onTestFinished } from 'vitest';
import { EchoPeripheral, echoPath } from '../../../test/kit/radio/echo-peripheral.ts';
import { radioFixture } from '../../../test/kit/radio/radio-fixture.ts';
import type { GattSubscriber } from '../../contract/index.ts';

it('a value that comes after its connection has gone is for nobody, and ends nothing', async () => {
  const radio = await radioFixture();
  onTestFinished(() => radio.close());
  const peripheral = new EchoPeripheral(radio.clock);
  const subscribers: GattSubscriber[] = [];
  const [characteristic] = peripheral.services[0]?.characteristics ?? [];
  Object.assign(characteristic ?? {}, {
    subscribed: (subscriber: GattSubscriber | undefined) => subscriber && subscribers.push(subscriber),
  });
  const { address } = await radio.serve(peripheral);
  await radio.up();
  const link = radio.adapter.link({ address, addressType: 'public' }, 'Echo');
  const options = { priority: 'door', signal: new AbortController().signal, services: [echoPath.service] } as const;
  await radio.clock.until(link.session(options, (gatt) => gatt.subscribe(echoPath, () => undefined)));
  await radio.clock.advance(1_000);
  expect(radio.air.openLinks).toEqual([]);
  const [late] = subscribers;
  expect(late).toBeDefined();
  expect(() => late?.push(Buffer.from([1]))).not.toThrow();
});
