import { describe, expect, it, onTestFinished } from 'vitest';
import { commands, statusCodes } from '../../drivers/ble/nuki/catalogue.ts';
import { SimulatedOmron } from '../../drivers/ble/omron-sound/simulator.ts';
import { SimulatedManagement } from '../../drivers/zwave/node/simulator-management.ts';
import { announcedLock } from '../kit/locks/announced-fixture.ts';
import { nukiFixture } from '../kit/locks/nuki-fixture.ts';
import { relayDoor } from '../kit/locks/relay-fixture.ts';
import { zigbeeLock } from '../kit/locks/zigbee2mqtt-fixture.ts';
import { noiseTransmitter } from '../kit/noise/modbus-noise-fixture.ts';

/*
 * A simulator does one thing for each message, and a test may put another in its place: what no device was seen to do yet needs
 * no new option of the simulator. Everything else stays as the device has it.
 */

const notReached = { error: expect.objectContaining({ type: 'state_not_reached' }) };

describe('one rule of a simulator, and no other, is swapped for', () => {
  it('mqtt/announced: a lock that says what it was told, and stays where it was', async () => {
    const { door, lock } = await announcedLock({});
    lock.behaviours.set('UNLOCK', () => lock.say('LOCKED'));
    expect(await door('unlock')).not.toMatchObject({ confirmed: true });
    expect([lock.bolt, lock.commands.length]).toEqual(['locked', 1]);
  });

  it('mqtt/zigbee2mqtt: a lock that tells of its battery when it is told to open', async () => {
    const { door, lock } = await zigbeeLock();
    lock.behaviours.set('set state', () => lock.reportBattery());
    expect(await door('unlock')).toMatchObject(notReached);
    expect([lock.bolt, lock.stateReads > 0]).toEqual(['locked', true]);
  });

  it('serial/modbus-relay: a board that answers a coil with the coil, and switches none', async () => {
    const { door, board } = await relayDoor();
    board.behaviours.set(5, ({ body }) => ({ body: [...body] }));
    expect(await door('unlock')).toMatchObject(notReached);
    expect(board.changes).toEqual([]);
  });

  it('serial/modbus-noise: a transmitter that is busy', async () => {
    const { clock, transmitter, reports } = await noiseTransmitter({});
    await clock.advance(1_500);
    const heard = reports.filter(({ kind }) => kind === 'noise').length;
    transmitter.behaviours.set(3, () => ({ exception: 6 }));
    await clock.advance(10_000);
    expect(heard).toBeGreaterThan(0);
    expect(reports.filter(({ kind }) => kind === 'noise')).toHaveLength(heard);
  });

  it('ble/nuki: a lock that accepts each action and does none', async () => {
    const f = await nukiFixture({});
    onTestFinished(() => f.close());
    f.lock.behaviours.command.set(commands.lockAction, ({ keyturner, from }) =>
      keyturner.status(from, statusCodes.accepted),
    );
    expect(await f.door('unlock')).toMatchObject({ type: 'state_not_reached' });
    expect(f.lock.turns).toEqual([]);
  });

  it('ble/omron-sound: a sensor whose flags are longer than its manual has them', () => {
    const sensor = new SimulatedOmron({ level: () => 40 });
    sensor.behaviours.readFlags = () => Buffer.alloc(10);
    const reads = sensor.services[0]?.characteristics.map(({ read }) => (read?.() as Buffer | undefined)?.length);
    expect(reads).toEqual([19, 10]);
  });

  it('zwave/node: a stick that calls every node failed', () => {
    const said: number[][] = [];
    const stick = new SimulatedManagement({
      say: (bytes) => said.push([...bytes]),
      isFailed: () => false,
      remove: () => undefined,
    });
    const ask = () => stick.hear(Uint8Array.of(0x01, 0x04, 0x00, 0x62, 7, 0));
    ask();
    stick.behaviours.set(0x62, (node) => said.push([node]));
    ask();
    expect(said.at(-1)).toEqual([7]);
    expect(said.slice(0, -1).map((frame) => frame[4])).toEqual([undefined, 0]);
    expect(stick.hear(Uint8Array.of(0x01, 0x04, 0x00, 0x63, 7, 0))).toBe(true);
  });
});
