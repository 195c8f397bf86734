import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SimulatedNuki } from '../../drivers/ble/nuki/simulator.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import { silentLog } from '../../src/driver-testing/command-context.ts';
import { Air } from '../../src/simulation/radio/air.ts';
import { serveAir } from '../../src/simulation/radio/air-server.ts';
import { servePeripheral } from '../../src/simulation/radio/peripheral-host.ts';
import { BleAdapter } from '../../src/transports/ble/adapter.ts';
import { AdapterFinder } from '../../src/transports/ble/adapter-finder.ts';
import { nukiTour } from '../kit/locks/nuki-tour.ts';
import { BTVIRT_SOCKET, startBtvirt } from './kit/btvirt.ts';
import { peerProgram } from './kit/peer-program.ts';
import { ttyTo } from './kit/ttys.ts';

/*
 * The configuration of a UART dongle, and nothing else: noble opens one tty, bleno the other. What plays the
 * controllers behind them is our own emulator, or BlueZ's.
 */

const socat = peerProgram('socat', 'socat');
const btvirt = peerProgram('btvirt', 'bluez-test-tools');
const gcc = peerProgram('gcc', 'gcc');

const baudRate = 1_000_000;
let folder: string;
let closing: (() => void | Promise<void>)[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ble-'));
  closing = [() => rmSync(folder, { recursive: true, force: true })];
});

afterEach(async () => {
  for (const close of closing.reverse()) await close();
});

async function lockBehind(tty: string) {
  const times = { startMs: 20, moveMs: 300 };
  const lock = new SimulatedNuki({ clock: systemClock, randomBytes, times });
  const running = await servePeripheral(lock, { uart: tty, baudRate });
  closing.push(() => {
    lock.stop();
    running.stop();
  });
  return { lock, address: running.address };
}

async function adapterOn(tty: string): Promise<BleAdapter> {
  const nothing = async () => [];
  const surroundings = {
    kernelAdapters: nothing,
    bluezAdapters: nothing,
    pathExists: async (path: string) => existsSync(path),
  };
  const finder = new AdapterFinder({ uart: tty, baudRate }, surroundings);
  const adapter = new BleAdapter({ name: 'radio', finder, clock: systemClock, log: silentLog, random: Math.random });
  closing.push(() => adapter.close());
  adapter.start();
  await untilUp(adapter);
  return adapter;
}

async function untilUp(adapter: BleAdapter): Promise<void> {
  while (adapter.state.status !== 'up') await pause(25);
}

async function twoTtys(socketPath: string): Promise<{ lockTty: string; gatewayTty: string }> {
  const [lockTty, gatewayTty] = [join(folder, 'tty-lock'), join(folder, 'tty-gateway')];
  for (const tty of [lockTty, gatewayTty]) {
    const running = await ttyTo(socat ?? '', tty, socketPath);
    closing.push(() => running.close());
  }
  return { lockTty, gatewayTty };
}

async function tourOver(socketPath: string): Promise<BleAdapter> {
  const { lockTty, gatewayTty } = await twoTtys(socketPath);
  const { lock, address } = await lockBehind(lockTty);
  const adapter = await adapterOn(gatewayTty);
  const link = adapter.link({ address, addressType: 'public' }, 'Front door');
  const until = <T>(promise: Promise<T>) => promise;
  await nukiTour({ clock: systemClock, link, lock, randomBytes, until });
  return adapter;
}

describe.skipIf(socat === undefined)('a Nuki lock over ttys', () => {
  async function emulator() {
    const air = new Air({ clock: systemClock, random: Math.random, pacing: 'events', advertisingIntervalMs: 40 });
    const socketPath = join(folder, 'hci.sock');
    const server = await serveAir(air, socketPath);
    closing.push(() => server.close());
    return { air, socketPath };
  }

  it('with our own emulator behind them', async () => {
    const { socketPath } = await emulator();
    await tourOver(socketPath);
  });

  it('survives its dongle being pulled and put back', async () => {
    const { air, socketPath } = await emulator();
    const adapter = await tourOver(socketPath);
    const own = air.find('c0:b1:e1:00:00:02');
    if (own === undefined) throw new Error('the gateway has no controller');
    const lost = new Promise((resolve) => adapter.onStateChange((state) => state.status === 'down' && resolve(state)));
    // The tty goes with its controller, as /dev/ttyACM0 does.
    air.unplug(own);
    expect(await lost).toMatchObject({ status: 'down' });
    await pause(300);
    const again = await ttyTo(socat ?? '', join(folder, 'tty-gateway'), socketPath);
    closing.push(() => again.close());
    await untilUp(adapter);
  });

  it.skipIf(btvirt === undefined)('with BlueZ’s controllers behind them', async ({ skip }) => {
    const running = await startBtvirt(btvirt ?? '', gcc, folder);
    if (typeof running === 'string') {
      console.log(`${running}; the emulator stood in for it in the test before.`);
      return skip(running);
    }
    closing.push(() => void running.kill());
    await tourOver(BTVIRT_SOCKET);
  });
});
