import { pino } from 'pino';
import { zigbee2mqtt } from '../../../drivers/mqtt/zigbee2mqtt/driver.ts';
import {
  type CodeCommandContext,
  type Device,
  type DeviceReport,
  type GatewayError,
  Secret,
} from '../../../src/contract/index.ts';
import { testCommand } from '../../../src/driver-testing/command-context.ts';
import { MemoryMqtt } from '../../../src/driver-testing/memory-mqtt.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';

/**
 * The driver of a Zigbee lock `L`, before a bridge that is nothing but a peer on the broker: it says what it is told to say,
 * message by message.
 */
export async function scriptedBridge(settings: object = {}) {
  const clock = new SimulatedClock();
  const broker = new MemoryMqtt({ clock, latencyMs: 1 });
  const peer = broker.peer();
  const sent: { readonly topic: string; readonly payload: string }[] = [];
  /** What it does for a `set` and answers to a `get`. */
  const bridge = { obey: (_topic: string, _payload: string): void => undefined };
  peer.subscribe('zigbee2mqtt/#', ({ topic, payload }) => {
    if (!/\/(set|get)$/.test(topic)) return;
    sent.push({ topic, payload: payload.toString() });
    bridge.obey(topic, payload.toString());
  });
  const say = (message: object | string, topic = 'L', retain = false) =>
    peer.publish(`zigbee2mqtt/${topic}`, typeof message === 'string' ? message : JSON.stringify(message), { retain });
  say({ state: 'online' }, 'bridge/state', true);
  const link = broker.link();
  const reports: DeviceReport[] = [];
  const device: Device = await zigbee2mqtt.open(
    link,
    zigbee2mqtt.settings.parse({ friendly_name: 'L', pin_slots: { first: 1, count: 5 }, ...settings }),
    {
      deviceId: 'l',
      name: 'The lock',
      clock,
      closing: new AbortController().signal,
      random: () => 0,
      randomBytes: (length) => new Uint8Array(length),
      log: pino({ level: 'silent' }),
      report: (report) => reports.push(report),
    },
  );
  await clock.advance(2_000);

  const of = <K extends DeviceReport['kind']>(kind: K) =>
    reports.filter((report): report is Extract<DeviceReport, { kind: K }> => report.kind === kind);

  async function door(action: 'lock' | 'unlock') {
    const command = testCommand({ clock });
    const startedAt = clock.now();
    const outcome = await clock.until(
      (device.lock?.[action](command.ctx) ?? Promise.reject(new Error('no lock'))).then(
        ({ wasConfirmedByDevice }) => ({ confirmed: wasConfirmedByDevice, error: undefined }),
        (error: unknown) => ({ confirmed: undefined, error: error as GatewayError }),
      ),
    );
    command.end();
    return { ...outcome, tookMs: clock.now() - startedAt };
  }

  async function codes<T>(
    work: (codes: NonNullable<Device['accessCodes']>, ctx: CodeCommandContext) => Promise<T> | undefined,
  ) {
    const command = testCommand({ clock, sendByMs: 45_000, deadlineMs: 60_000 });
    const { accessCodes } = device;
    if (accessCodes === undefined) throw new Error('no codes');
    const outcome = await clock.until(
      (work(accessCodes, command.ctx) ?? Promise.reject(new Error('cannot'))).then(
        (value) => ({ value, error: undefined }),
        (error: unknown) => ({ value: undefined, error: error as GatewayError }),
      ),
    );
    command.end();
    return outcome;
  }
  const create = (slot: number, pin: string) =>
    codes((keypad, ctx) => keypad.set(ctx, { slot, label: 'x', code: new Secret(pin) }));
  const clear = (slot: number) => codes((keypad, ctx) => keypad.clear(ctx, slot));
  return { clock, link, device, reports, sent, bridge, say, of, door, codes, create, clear };
}

export type ScriptedBridge = Awaited<ReturnType<typeof scriptedBridge>>;
