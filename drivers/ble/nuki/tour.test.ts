import { expect, it } from 'vitest';
import { nukiTour } from '../../../test/kit/locks/nuki-tour.ts';
import { radioFixture } from '../../../test/kit/radio/radio-fixture.ts';
import { SimulatedNuki } from './simulator.ts';

it('everything a lock is for, over the emulated radio', async () => {
  const radio = await radioFixture({ air: { pacing: 'events' } });
  const { clock, random } = radio;
  const randomBytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(random() * 256));
  const lock = new SimulatedNuki({ clock, randomBytes });
  const { address } = await radio.serve(lock);
  await radio.up();
  const link = radio.adapter.link({ address, addressType: 'public' }, 'Front door');
  await nukiTour({ clock, lock, link, randomBytes, until: (promise) => clock.until(promise) });
  expect(radio.air.openLinks).toEqual([]);
  await radio.close();
});
