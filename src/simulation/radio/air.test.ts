import type { Noble, Peripheral } from '@stoprocent/noble';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  attResult,
  type GattPeripheral,
  type GattSubscriber,
  type PeripheralRadio,
  sleep,
} from '../../contract/index.ts';
import { SimulatedClock } from '../../driver-testing/simulated-clock.ts';
import { IN_PROCESS_DRIVER, installInProcessDriver } from '../../transports/ble/in-process-hci.ts';
import { Air, type AirOptions } from './air.ts';
import { AdapterBay, type RunningPeripheral, servePeripheral } from './peripheral-host.ts';

const SERVICE = 'a92ee200550111e4916c0800200c9a66';
const ECHO = 'a92ee202550111e4916c0800200c9a66';
/** 15 ms in units of 1.25 ms; 2 s in units of 10 ms. */
const LINK = { minInterval: 12, maxInterval: 12, timeout: 200 };

/** Says back what it is told: 0xEE draws an ATT error, 0x09 is answered before the write's response. */
class Echo implements GattPeripheral {
  subscriber: GattSubscriber | undefined;
  radio: PeripheralRadio | undefined;
  connections = 0;
  readonly written: string[] = [];
  readonly services = [
    {
      uuid: SERVICE,
      characteristics: [
        {
          uuid: ECHO,
          properties: ['write', 'indicate'] as const,
          write: async (value: Buffer) => {
            this.written.push(value.toString('hex'));
            if (value[0] === 0xee) return attResult.unlikelyError;
            const reply = () => this.subscriber?.push(value);
            if (value[0] === 0x09) {
              reply();
              await sleep(clock, 5);
            } else queueMicrotask(reply);
            return attResult.success;
          },
          subscribed: (subscriber: GattSubscriber | undefined) => {
            this.subscriber = subscriber;
          },
        },
      ],
    },
  ];

  advertising() {
    return { data: Buffer.from([2, 1, 6]), scanResponse: Buffer.from([5, 9, ...Buffer.from('ECHO')]) };
  }

  powered(radio: PeripheralRadio): void {
    this.radio = radio;
  }

  connected(): void {
    this.connections += 1;
  }

  disconnected(): void {}
}

let clock: SimulatedClock;
let closing: (() => void)[];
let echo: Echo;
let served: RunningPeripheral;

beforeEach(() => {
  clock = new SimulatedClock();
  closing = [];
  echo = new Echo();
});

afterEach(() => {
  for (const close of closing.reverse()) close();
});

async function build(options: Partial<AirOptions> = {}): Promise<{ air: Air; noble: Noble; bay: AdapterBay }> {
  const air = new Air({ clock, random: () => 0.5, ...options });
  served = await servePeripheral(echo, { controller: air.plug() });
  closing.push(() => served.stop());
  const bay = new AdapterBay(air);
  const { index } = bay.plugIn();
  installInProcessDriver('@stoprocent/noble');
  const { withBindings } = await import('@stoprocent/noble');
  const open = (host: Parameters<AdapterBay['open']>[1]) => bay.open(index, host);
  const noble = withBindings('hci', { hciDriver: IN_PROCESS_DRIVER, bindParams: { open } });
  await noble.waitForPoweredOnAsync(240_000);
  closing.push(() => noble.stop());
  return { air, noble, bay };
}

async function find(noble: Noble): Promise<Peripheral> {
  const found = new Promise<Peripheral>((resolve) => noble.once('discover', resolve));
  await noble.startScanningAsync([], false);
  const peripheral = await clock.until(found);
  await noble.stopScanningAsync();
  return peripheral;
}

const connect = (peripheral: Peripheral) =>
  clock.until((peripheral as unknown as { connectAsync(o: object): Promise<void> }).connectAsync(LINK));

async function ready(peripheral: Peripheral) {
  const { characteristics } = await clock.until(
    peripheral.discoverSomeServicesAndCharacteristicsAsync([SERVICE], [ECHO]),
  );
  const [characteristic] = characteristics;
  if (characteristic === undefined) throw new Error('no characteristic');
  await clock.until(characteristic.subscribeAsync());
  return characteristic;
}

it('carries noble and bleno as published: scan, connect, discover, write, indicate', async () => {
  const { noble } = await build();
  const peripheral = await find(noble);
  expect(peripheral.advertisement.localName).toBe('ECHO');
  expect(peripheral.address).toBe('c0:b1:e1:00:00:01');
  await connect(peripheral);
  const characteristic = await ready(peripheral);
  const heard: string[] = [];
  characteristic.on('data', (data) => heard.push(data.toString('hex')));
  await clock.until(characteristic.writeAsync(Buffer.from('0102', 'hex'), false));
  const long = Buffer.alloc(200, 7);
  await clock.until(characteristic.writeAsync(long, false));
  await clock.settle();
  expect(heard).toEqual(['0102', long.toString('hex')]);
  await clock.until(peripheral.disconnectAsync());
  expect(echo.connections).toBe(1);
});

it('delivers an indication before the response of the write that caused it', async () => {
  const { noble } = await build();
  const peripheral = await find(noble);
  await connect(peripheral);
  const characteristic = await ready(peripheral);
  const order: string[] = [];
  characteristic.on('data', () => order.push('indication'));
  await clock.until(characteristic.writeAsync(Buffer.from([9]), false).then(() => order.push('response')));
  expect(order).toEqual(['indication', 'response']);
});

it('spends two connection events on a request and its response', async () => {
  const { noble } = await build({ pacing: 'events' });
  const peripheral = await find(noble);
  await connect(peripheral);
  const characteristic = await ready(peripheral);
  await clock.until(characteristic.writeAsync(Buffer.from([1]), false));
  const before = clock.now();
  await clock.until(characteristic.writeAsync(Buffer.from([2]), false));
  expect(clock.now() - before).toBe(30);
});

it('ends a faded link after its supervision timeout, with reason 0x08', async () => {
  const { air, noble } = await build();
  const peripheral = await find(noble);
  await connect(peripheral);
  const lost = new Promise((resolve) => peripheral.once('disconnect', resolve));
  const before = clock.now();
  air.fade(served.address);
  expect(await clock.until(lost)).toBe(0x08);
  expect(clock.now() - before).toBe(2000);
});

it('delivers what waited when a faded link comes back in time', async () => {
  const { air, noble } = await build();
  const peripheral = await find(noble);
  await connect(peripheral);
  const characteristic = await ready(peripheral);
  air.fade(served.address);
  const written = characteristic.writeAsync(Buffer.from([1]), false);
  await clock.advance(1500);
  expect(echo.written).toEqual([]);
  air.comeBack(served.address);
  await clock.until(written);
  expect(echo.written).toEqual(['01']);
  await clock.advance(5000);
  expect(peripheral.state).toBe('connected');
});

it('reports a link that failed to be established as made and then lost with 0x3E', async () => {
  const { air, noble } = await build();
  const peripheral = await find(noble);
  air.failEstablishing(1);
  const lost = new Promise((resolve) => peripheral.once('disconnect', resolve));
  await connect(peripheral);
  expect(await clock.until(lost)).toBe(0x3e);
  await connect(peripheral);
  await ready(peripheral);
});

it('never settles a write that was answered with an ATT error, and keeps the link', async () => {
  const { noble } = await build();
  const peripheral = await find(noble);
  await connect(peripheral);
  const characteristic = await ready(peripheral);
  let settled = false;
  void characteristic.writeAsync(Buffer.from([0xee]), false).finally(() => {
    settled = true;
  });
  await clock.advance(10_000);
  expect(settled).toBe(false);
  expect(peripheral.state).toBe('connected');
});

it('keeps the link of a host that hangs, and lets the host catch up', async () => {
  const { air, noble } = await build();
  const peripheral = await find(noble);
  await connect(peripheral);
  const characteristic = await ready(peripheral);
  air.find(served.address)?.freezeHost(true);
  const written = characteristic.writeAsync(Buffer.from([1]), false);
  await clock.advance(60_000);
  expect(peripheral.state).toBe('connected');
  expect(echo.written).toEqual([]);
  air.find(served.address)?.freezeHost(false);
  await clock.until(written);
  expect(echo.written).toEqual(['01']);
});

it('shows a pulled adapter as powered off and gives it another index when it is back', async () => {
  const { noble, bay } = await build();
  const off = new Promise((resolve) => noble.on('stateChange', resolve));
  const [adapter] = bay.list();
  bay.pullOut(adapter?.index ?? -1);
  expect(await off).toBe('poweredOff');
  expect(bay.plugIn(adapter?.address)).toEqual({ index: 1, address: adapter?.address });
});
