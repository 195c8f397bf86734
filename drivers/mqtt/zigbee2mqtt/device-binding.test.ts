import { describe, expect, it } from 'vitest';
import { type DeviceReport, GatewayError, type Health } from '../../../src/contract/index.ts';
import { silentLog } from '../../../src/driver-testing/command-context.ts';
import { MemoryMqtt } from '../../../src/driver-testing/memory-mqtt.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import { type ZigbeeLockFixture, zigbeeLock } from '../../../test/kit/locks/zigbee2mqtt-fixture.ts';
import { zigbee2mqtt } from './driver.ts';
import { Zigbee2MqttSimulator } from './simulator.ts';

const ours = '0x00158d0001020304';
const theirs = '0x00158d00090a0b0c';
const lock = { ieeeAddress: ours };

const health = (f: Pick<ZigbeeLockFixture, 'reports'>): Health | undefined =>
  f.reports.flatMap((report) => (report.kind === 'health' ? [report.health] : [])).at(-1);
const misconfigured = (hint: string): object => ({
  status: 'misconfigured',
  reason: 'wrong_settings',
  hint: expect.stringContaining(hint),
});
const refused = (part: string): object => ({
  error: expect.objectContaining({
    type: 'misconfigured',
    delivery: 'not_sent',
    message: expect.stringContaining(part),
  }),
  permits: [],
});
const commanded = (f: ZigbeeLockFixture) => f.link.sent.filter(({ kind }) => kind === 'command').length;

describe('a device by its IEEE address', () => {
  it.each([ours, ours.toUpperCase().replace('0X', '0x')])('%s is found, and heard under its name', async (name) => {
    const f = await zigbeeLock({ lock, settings: { friendly_name: name } });
    expect(health(f)).toEqual({ status: 'online' });
    expect(await f.door('unlock')).toMatchObject({ confirmed: true, tookMs: 864 });
    expect(f.lock.movements.map(({ to }) => to)).toEqual(['unlocked']);
  });

  it('is told from one of the same name by the address in its settings, after a restart, too', async () => {
    const f = await zigbeeLock({ lock, settings: { ieee_address: theirs } });
    expect(health(f)).toMatchObject(misconfigured(ours));
    expect(await f.door('unlock')).toMatchObject(refused('another device'));
    expect(f.lock.doorCommands).toEqual([]);
  });
});

describe('while the gateway runs', () => {
  it('a device that is renamed is followed', async () => {
    const f = await zigbeeLock({ lock });
    f.simulator.bridge.rename('Front Door', 'Haustür/neu');
    await f.clock.advance(2_000);
    expect(health(f)).toEqual({ status: 'online' });
    expect(await f.door('unlock')).toMatchObject({ confirmed: true });
    expect(f.link.sent.at(-1)?.topic).toBe('zigbee2mqtt/Haustür/neu/set');
    f.lock.turnByHand('locked');
    await f.clock.advance(50);
    expect(f.reports.at(-1)).toMatchObject({ kind: 'lock_operated', operation: 'locked', method: 'manual' });
  });

  it('a device that is removed is misconfigured at once, and not commanded', async () => {
    const f = await zigbeeLock({ lock });
    f.simulator.bridge.remove('Front Door');
    await f.clock.advance(10);
    expect(health(f)).toMatchObject(misconfigured('no longer has'));
    expect(await f.door('unlock')).toMatchObject(refused('no longer has'));
    expect(commanded(f)).toBe(0);
  });

  it('so is one that leaves the network', async () => {
    const f = await zigbeeLock({ lock });
    f.simulator.bridge.leave(ours);
    await f.clock.advance(10);
    expect(health(f)).toMatchObject(misconfigured('has left'));
  });

  it('another device under the name is refused and shown, and nothing of it is taken for the lock’s', async () => {
    const f = await zigbeeLock({ lock });
    f.simulator.bridge.rename('Front Door', 'Old');
    f.simulator.bridge.remove('Old');
    const other = f.simulator.addLock({ friendlyName: 'Front Door', ieeeAddress: theirs, bolt: 'unlocked' });
    other.keypad.codes.set(3, '1234');
    await f.clock.advance(2_000);
    expect(health(f)).toMatchObject(misconfigured(theirs));
    const before = f.reports.length;
    other.typePin('1234');
    other.reportBattery(3);
    await f.clock.advance(100);
    expect(f.reports.slice(before)).toEqual([]);
    expect(await f.door('lock')).toMatchObject(refused(theirs));
    const command = f.command();
    await expect(f.device.accessCodes?.read?.(command.ctx, 3)).rejects.toMatchObject({ type: 'misconfigured' });
    command.end();
    expect(other.doorCommands).toEqual([]);
  });

  it('two devices that swap their names stay what they are', async () => {
    const f = await zigbeeLock({ lock });
    const other = f.simulator.addLock({ friendlyName: 'Back Door', ieeeAddress: theirs });
    f.simulator.bridge.rename('Front Door', 'x');
    f.simulator.bridge.rename('Back Door', 'Front Door');
    f.simulator.bridge.rename('x', 'Back Door');
    await f.clock.advance(2_000);
    expect(await f.door('unlock')).toMatchObject({ confirmed: true });
    expect([f.lock.bolt, other.bolt]).toEqual(['unlocked', 'locked']);
  });

  it('a lock that is paired again is worked with again', async () => {
    const f = await zigbeeLock({ lock });
    f.simulator.bridge.remove('Front Door');
    await f.clock.advance(1_000);
    const again = f.simulator.addLock({ friendlyName: 'Front Door', ieeeAddress: ours });
    await f.clock.advance(2_000);
    expect(health(f)).toEqual({ status: 'online' });
    expect(await f.door('unlock')).toMatchObject({ confirmed: true });
    expect(again.bolt).toBe('unlocked');
  });

  it('a name that changes as the command is about to leave sends nothing', async () => {
    const f = await zigbeeLock({ lock });
    const waiting = f.door('unlock', { commitMs: 50 });
    f.simulator.bridge.remove('Front Door');
    expect(await waiting).toMatchObject({ error: { type: 'misconfigured', delivery: 'not_sent' } });
    expect(commanded(f)).toBe(0);
  });
});

describe('a retained command', () => {
  it.each([
    'Front Door/set',
    'Front Door/set/state',
    `${ours}/set`,
    'Front Door/l1/set',
    'Front Door/11/set/state',
    `${ours}/1/set`,
    'All Doors/set',
    '7/set',
  ])('on %s is cleared', async (topic) => {
    const f = await zigbeeLock({ lock });
    f.simulator.bridge.addGroup(7, 'All Doors', [ours]);
    f.simulator.bridge.publishRaw(topic, topic.endsWith('state') ? 'LOCK' : '{"state":"LOCK"}', true);
    await f.clock.advance(10);
    f.link.cut();
    f.link.restore();
    await f.clock.advance(10);
    expect(f.link.cleared).toContain(`zigbee2mqtt/${topic}`);
  });

  it.each(['Back Door/set', 'Front Door/Garden/set', 'Front Doors/set', 'Some Lamps/set', `${theirs}/set`])(
    'of somebody else on %s is left alone',
    async (topic) => {
      const f = await zigbeeLock({ lock });
      f.simulator.bridge.addGroup(8, 'Some Lamps', [theirs]);
      f.simulator.bridge.publishRaw(topic, '{"state":"LOCK"}', true);
      await f.clock.advance(10);
      f.link.cut();
      f.link.restore();
      await f.clock.advance(10);
      expect(f.link.cleared).toEqual([]);
    },
  );

  it('on the name that a device had before is no longer ours to clear', async () => {
    const f = await zigbeeLock({ lock });
    f.simulator.bridge.rename('Front Door', 'Side Door');
    await f.clock.advance(10);
    f.simulator.bridge.publishRaw('Front Door/set', '{"state":"LOCK"}', true);
    f.simulator.bridge.publishRaw('Side Door/set', '{"state":"LOCK"}', true);
    await f.clock.advance(10);
    f.link.cut();
    f.link.restore();
    await f.clock.advance(10);
    expect(f.link.cleared).toEqual(['zigbee2mqtt/Side Door/set']);
  });
});

describe('a bridge that tells no list', () => {
  const blind = { lock, bridge: { tellsDevices: false } };

  it('is worked with all the same, and what could not be checked is said once', async () => {
    const f = await zigbeeLock(blind);
    expect(health(f)).toEqual({ status: 'online' });
    expect(await f.door('unlock')).toMatchObject({ confirmed: true });
    const said = f.logged.filter((line) => line.includes('bridge/devices'));
    expect(said).toHaveLength(1);
  });

  it('says itself that it knows no such device, and is believed', async () => {
    const f = await zigbeeLock({ ...blind, settings: { friendly_name: 'Back Door' } });
    expect(health(f)).toMatchObject(misconfigured('knows no device'));
    expect(await f.door('unlock')).toMatchObject({ error: { type: 'misconfigured', delivery: 'not_sent' } });
  });

  it('is asked again when it clears what it retained: the name may be gone', async () => {
    const f = await zigbeeLock(blind);
    f.simulator.bridge.leave('Front Door');
    f.simulator.bridge.publishRaw('Front Door', '', true);
    await f.clock.advance(2_000);
    expect(health(f)).toMatchObject({ status: 'misconfigured' });
  });

  it('is followed by what it answers to a rename', async () => {
    const f = await zigbeeLock(blind);
    f.simulator.bridge.rename('Front Door', 'Side Door');
    await f.clock.advance(2_000);
    expect(await f.door('unlock')).toMatchObject({ confirmed: true });
  });
});

describe('a bridge that publishes no JSON', () => {
  it('is misconfigured, and the option is named', async () => {
    const f = await zigbeeLock({ lock, bridge: { output: 'attribute' } });
    expect(health(f)).toMatchObject(misconfigured('advanced.output'));
    expect(await f.door('unlock')).toMatchObject(refused('advanced.output'));
  });

  it('publishes both and is fine', async () => {
    const f = await zigbeeLock({ lock, bridge: { output: 'attribute_and_json' } });
    expect(await f.door('unlock')).toMatchObject({ confirmed: true });
  });
});

it.each([true, false])('a sensor whose name does not exist is misconfigured (listed: %s)', async (tellsDevices) => {
  const clock = new SimulatedClock();
  const broker = new MemoryMqtt({ clock });
  const simulator = new Zigbee2MqttSimulator({ mqtt: broker.peer(), clock, tellsDevices });
  simulator.addNoiseSensor({ friendlyName: 'Hall' });
  simulator.start();
  const reports: DeviceReport[] = [];
  const closing = new AbortController();
  const device = await zigbee2mqtt.open(
    broker.link(),
    zigbee2mqtt.settings.parse({ kind: 'noise', friendly_name: 'Hal' }),
    {
      deviceId: 'hall',
      name: 'Hall',
      clock,
      closing: closing.signal,
      random: () => 0,
      randomBytes: (length) => new Uint8Array(length),
      log: silentLog,
      report: (report) => reports.push(report),
    },
  );
  await clock.advance(3_000);
  expect(health({ reports })).toMatchObject(misconfigured('knows no device "Hal"'));
  closing.abort(new GatewayError('device_not_ready', 'closed'));
  await device.close();
});
