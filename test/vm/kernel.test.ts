import { afterAll, beforeAll, expect, it } from 'vitest';
import { EchoPeripheral } from '../kit/echo-peripheral.ts';
import { exchangeOver } from '../kit/echo-radio.ts';
import { clock, gatewayAdapter, isDown, isUp, tourOver } from './adapters.ts';
import { BluezMachine, run } from './bluez-machine.ts';

/* Adapters with `adapter`: noble on the kernel's own HCI sockets, without bluetoothd. */

const machine = new BluezMachine();

beforeAll(async () => {
  await machine.plugIn();
});

afterAll(() => machine.close());

it('an adapter of the kernel, shared: the tour, switched off and on, pulled and put back', async () => {
  const name = await machine.first();
  await run('hciconfig', name, 'up');
  const own = await machine.addressOf(name);
  const adapter = gatewayAdapter({ adapter: name });
  try {
    await isUp(adapter);
    console.log(`the tour over a raw HCI socket took ${(await tourOver(machine, adapter)).toFixed(1)} s`);

    await run('hciconfig', name, 'down');
    await isDown(adapter, 'adapter_off');
    await run('hciconfig', name, 'up');
    await isUp(adapter);

    await machine.unplug();
    expect(await isDown(adapter, 'no_adapter')).toMatchObject({ hint: expect.stringContaining(own) });
    await machine.plugIn();
    const again = await machine.first();
    expect(await machine.addressOf(again)).toBe(own);
    await run('hciconfig', again, 'up');
    await isUp(adapter);
    const address = await machine.serve(new EchoPeripheral(clock));
    expect(await exchangeOver(adapter.link({ address, addressType: 'public' }, 'Front door'), '01')).toBe('01');
  } finally {
    await adapter.close();
  }
});

it('an adapter of the kernel, the gateway’s alone: the tour', async () => {
  const name = await machine.first();
  await run('hciconfig', name, 'down');
  const adapter = gatewayAdapter({ adapter: name, userChannel: true });
  try {
    await isUp(adapter);
    console.log(`the tour over a user channel took ${(await tourOver(machine, adapter)).toFixed(1)} s`);
  } finally {
    await adapter.close();
  }
});
