import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SimulatedClock } from '../../driver-testing/simulated-clock.ts';
import { Air } from './air.ts';
import { serveAir } from './air-server.ts';

const answer = (socket: Socket) =>
  new Promise<string>((resolve) => socket.once('data', (b) => resolve(b.toString('hex'))));

it('gives each client of its socket a controller, cuts its stream into packets and takes it off with the client', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'air-'));
  const path = join(folder, 'hci.sock');
  const air = new Air({ clock: new SimulatedClock(), random: () => 0 });
  const server = await serveAir(air, path);
  try {
    const first = createConnection(path);
    await new Promise((resolve) => first.once('connect', resolve));
    // A stray byte, then Read BD_ADDR in two pieces.
    first.write(Buffer.from('ff0109', 'hex'));
    first.write(Buffer.from('1000', 'hex'));
    expect(await answer(first)).toBe('040e0a01091000010000e1b1c0');
    expect(air.find('c0:b1:e1:00:00:01')).toBeDefined();
    const second = createConnection(path);
    await new Promise((resolve) => second.once('connect', resolve));
    second.write(Buffer.from('01030c00', 'hex'));
    expect(await answer(second)).toBe('040e0401030c00');
    const gone = new Promise((resolve) => second.once('close', resolve));
    const controller = air.find('c0:b1:e1:00:00:02');
    if (controller !== undefined) air.unplug(controller);
    await gone;
    expect(air.find('c0:b1:e1:00:00:02')).toBeUndefined();
    first.destroy();
  } finally {
    await server.close();
    await rm(folder, { recursive: true });
  }
});
