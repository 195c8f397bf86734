import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BleLink, GatewayError, SendPermit } from '../../src/contract/index.ts';
import type { BleAdapter } from '../../src/transports/ble/index.ts';
import { EchoPeripheral, echo, echoPath, readablePath } from '../kit/radio/echo-peripheral.ts';
import { ask, exchangeOver, value } from '../kit/radio/echo-radio.ts';
import { clock, gatewayAdapter, isDown, isUp, tourOver } from './adapters.ts';
import { BluezMachine, eventually, run } from './bluez-machine.ts';

/*
 * Adapters with `dbus`: Debian's bluetoothd and kernel between the gateway and the radio, of which the controllers alone
 * are emulated (btvirt). The device is served by bleno on a controller that the kernel knows nothing of.
 */

const machine = new BluezMachine();
const absent = '00:aa:01:77:00:42';
let adapter: BleAdapter;
let device: EchoPeripheral;
let address: string;
let link: BleLink;

const failure = (attempt: Promise<unknown>): Promise<GatewayError> =>
  attempt.then(
    () => Promise.reject(new Error('it should have failed')),
    (error: GatewayError) => error,
  );

const permit: SendPermit = { sendBy: Number.POSITIVE_INFINITY, spend: () => undefined, withdraw: () => undefined };

async function serveEcho(): Promise<void> {
  device = new EchoPeripheral(clock);
  address = await machine.serve(device);
  link = adapter.link({ address, addressType: 'public' }, 'Front door');
}

beforeAll(async () => {
  await machine.startBus();
  await machine.plugIn();
  await machine.startBluetoothd();
});

afterAll(() => machine.close());

beforeEach(async () => {
  adapter = gatewayAdapter({ dbus: await machine.first() });
});

afterEach(() => adapter.close());

it('a Nuki lock is paired, unlocked, locked and given a code', async () => {
  await isUp(adapter);
  console.log(`the tour over BlueZ took ${(await tourOver(machine, adapter)).toFixed(1)} s`);
});

describe('a session over BlueZ', () => {
  beforeEach(async () => {
    await isUp(adapter);
    await serveEcho();
  });

  it('writes and hears, again and again, and leaves no connection behind', async () => {
    const began = performance.now();
    for (let round = 10; round < 20; round++) expect(await exchangeOver(link, `01${round}`)).toBe(`01${round}`);
    console.log(`ten sessions took ${((performance.now() - began) / 1_000).toFixed(1)} s`);
    await eventually(
      'no connection',
      async () => !(await run('bluetoothctl', 'info', address)).includes('Connected: yes'),
    );
    expect(device.connections).toBe(10);
  });

  it('carries values longer than the MTU, and hears what comes before a response', async () => {
    const long = Buffer.alloc(300, 7).toString('hex');
    await link.session(ask(), (gatt) => gatt.query(echoPath, value(`0a${long}`)));
    expect(device.written).toEqual([`0a${long}`]);
    expect(await exchangeOver(link, '0977')).toBe('0977');
  });

  it('reads', async () => {
    const services = [readablePath.service];
    expect([...(await link.session(ask({ services }), (gatt) => gatt.read(readablePath)))]).toEqual([87]);
  });

  it('is told at once of a refusal, and the connection goes on', async () => {
    await link.session(ask(), async (gatt) => {
      const refused = await failure(gatt.query(echoPath, value(echo.attError.toString(16))));
      expect(refused).toMatchObject({ type: 'device_offline', message: expect.stringContaining('refused') });
      await gatt.query(echoPath, value('0a01'));
      expect(await failure(gatt.command(permit, echoPath, value(echo.attError.toString(16))))).toMatchObject({
        type: 'outcome_unknown',
        delivery: 'maybe_sent',
      });
    });
  });

  it('ends with the connection that the device ends', async () => {
    expect(await failure(exchangeOver(link, echo.drop.toString(16)))).toMatchObject({ type: 'device_offline' });
    expect(await exchangeOver(link, '01')).toBe('01');
  });

  it('ends when the device does not answer', async () => {
    expect(await failure(exchangeOver(link, echo.hang.toString(16)))).toMatchObject({ type: 'device_offline' });
    expect(await exchangeOver(link, '01')).toBe('01');
  });

  it('with a device that is away is called off, and the next one works', async () => {
    const by = clock.now() + 4_000;
    const away = adapter.link({ address: absent, addressType: 'public' }, 'Back door');
    expect(await failure(exchangeOver(away, '01', { by }))).toMatchObject({
      type: 'device_offline',
      delivery: 'not_sent',
    });
    expect(clock.now()).toBeLessThan(by + 4_000);
    expect(adapter.state).toEqual({ status: 'up' });
    expect(await exchangeOver(link, '01')).toBe('01');
  });

  it('takes over a connection that was left behind', async () => {
    expect(await exchangeOver(link, '01')).toBe('01');
    await eventually(
      'it is free',
      async () => !(await run('bluetoothctl', 'info', address)).includes('Connected: yes'),
    );
    // Whoever it is, bluetoothd keeps the connection when he goes.
    const path = `/org/bluez/${await machine.first()}/dev_${address.toUpperCase().replaceAll(':', '_')}`;
    await run('dbus-send', '--system', '--print-reply', '--dest=org.bluez', path, 'org.bluez.Device1.Connect');
    expect(await exchangeOver(link, '02')).toBe('02');
    expect(device.connections).toBe(3);
  });
});

describe('an adapter of BlueZ’s', () => {
  beforeEach(async () => {
    await isUp(adapter);
    await serveEcho();
  });

  it('that is switched off ends its sessions and is used again when it is on', async () => {
    expect(await exchangeOver(link, '01')).toBe('01');
    const going = link.session(ask(), async (gatt) => {
      await machine.power(await machine.first(), false);
      await eventually('the session ends', () => gatt.signal.aborted);
      throw gatt.signal.reason;
    });
    expect((await failure(going)).type).toMatch(/link_unavailable|device_offline/);
    expect(await isDown(adapter, 'adapter_off')).toMatchObject({
      hint: expect.stringContaining('bluetoothctl power on'),
    });
    await machine.power(await machine.first(), true);
    await isUp(adapter);
    expect(await exchangeOver(link, '02')).toBe('02');
  });

  it('outlives bluetoothd', async () => {
    const going = link.session(ask(), async (gatt) => {
      await machine.kill('bluetoothd');
      await eventually('the session ends', () => gatt.signal.aborted);
      throw gatt.signal.reason;
    });
    expect((await failure(going)).type).toMatch(/link_unavailable|device_offline/);
    expect(await isDown(adapter, 'no_bluez')).toMatchObject({ hint: expect.stringContaining('systemctl enable') });
    await machine.startBluetoothd();
    await isUp(adapter);
    expect(await exchangeOver(link, '02')).toBe('02');
  });

  it('gives a bluetoothd that is stuck nothing to send later', async () => {
    await link.session(ask(), async (gatt) => {
      machine.signal('bluetoothd', 'SIGSTOP');
      const error = await failure(gatt.command(permit, echoPath, value('0a0b')));
      expect(error).toMatchObject({ delivery: 'maybe_sent' });
    });
    expect(await isDown(adapter, 'no_bluez')).toMatchObject({ hint: expect.stringContaining('does not answer') });
    machine.signal('bluetoothd', 'SIGCONT');
    await isUp(adapter);
    expect(await exchangeOver(link, '02')).toBe('02');
    expect(device.written).toEqual(['02']);
  });

  it('outlives D-Bus', async () => {
    await machine.kill('dbus');
    expect(await isDown(adapter, 'no_bluez')).toMatchObject({ hint: expect.stringContaining('systemctl status dbus') });
    await machine.kill('bluetoothd');
    await machine.startBus();
    await machine.startBluetoothd();
    await isUp(adapter);
    expect(await exchangeOver(link, '04')).toBe('04');
  });

  it('that is pulled and put back is found under its new name', async () => {
    const own = await machine.addressOf(await machine.first());
    await machine.unplug();
    expect(await isDown(adapter, 'no_adapter')).toMatchObject({ hint: expect.stringContaining(own) });
    await machine.plugIn();
    await isUp(adapter);
    await serveEcho();
    expect(await exchangeOver(link, '03')).toBe('03');
  });

  it('calls off a device that BlueZ knows and that went away', async () => {
    expect(await exchangeOver(link, '01')).toBe('01');
    const known = link;
    const wasAt = address;
    await machine.unplug();
    await machine.plugIn();
    await isUp(adapter);
    // Its controller has another address now.
    await serveEcho();
    expect(address).not.toBe(wasAt);
    expect(await failure(exchangeOver(known, '01', { by: clock.now() + 6_000 }))).toMatchObject({
      type: 'device_offline',
      delivery: 'not_sent',
    });
    expect(await exchangeOver(link, '02')).toBe('02');
  });
});
