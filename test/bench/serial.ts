import { loadavg } from 'node:os';
import { pino } from 'pino';
import { SimulatedLine } from '../../drivers/serial/modbus/simulated-line.ts';
import { modbusNoise } from '../../drivers/serial/modbus-noise/driver.ts';
import { SimulatedNoiseTransmitter } from '../../drivers/serial/modbus-noise/simulator.ts';
import { modbusRelay } from '../../drivers/serial/modbus-relay/driver.ts';
import { SimulatedRelayBoard } from '../../drivers/serial/modbus-relay/simulator.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import { type Device, type OpenContext, openDevice, type SerialLink } from '../../src/contract/index.ts';
import { testCommand } from '../../src/driver-testing/command-context.ts';
import { inProcessCarrier } from '../../src/transports/serial/in-process-carrier.ts';
import { type LineSettings, silenceMs, wireMs } from '../../src/transports/serial/line-timing.ts';
import { SerialBus } from '../../src/transports/serial/serial-bus.ts';
import { askedFor } from './options.ts';
import { percentile } from './statistics.ts';
import { figure, table } from './table.ts';

const usage = `npm run bench:serial -- [options]
  --times N     how often each is measured (50)
  --baud N      the line's speed (9600)`;

/** How long the simulated units think before they answer, in milliseconds. */
const TURNAROUND_MS = 8;

const values = askedFor(usage, {
  times: { type: 'string', default: '50' },
  baud: { type: 'string', default: '9600' },
});
const times = Number(values.times);
const settings: LineSettings = { baudRate: Number(values.baud), parity: 'none', stopBits: 1 };
const clock = systemClock;
const log = pino({ level: 'silent' });

const line = new SimulatedLine({ clock, baudRate: settings.baudRate, turnaroundMs: TURNAROUND_MS });
const bus = new SerialBus({
  name: 'bench',
  carrier: inProcessCarrier('/dev/simulated', line, settings, clock),
  line: settings,
  clock,
  random: Math.random,
  log,
});
/** Bytes and exchanges since, as they went over the line. */
const traffic = { bytes: 0, exchanges: 0 };
const receive = line.receive.bind(line);
line.receive = (bytes) => {
  traffic.bytes += bytes.length;
  traffic.exchanges += 1;
  receive(bytes);
};
line.onBytes((bytes) => {
  traffic.bytes += bytes.length;
});
const board = new SimulatedRelayBoard({ clock, unit: 1 });
board.setInput(1, true);
line.add(board);
line.add(new SimulatedNoiseTransmitter({ unit: 2 }));
bus.start();

let measured = () => {};
const context = (name: string): Omit<OpenContext, 'closing'> => ({
  deviceId: name,
  name,
  clock,
  random: Math.random,
  randomBytes: (length) => new Uint8Array(length),
  log,
  report: ({ kind }) => {
    if (kind === 'noise') measured();
  },
});

interface Row {
  readonly what: string;
  readonly times: readonly number[];
  readonly bytes: number;
  readonly exchanges: number;
}

async function measure(what: string, once: () => Promise<unknown>, between?: () => Promise<unknown>): Promise<Row> {
  const took: number[] = [];
  let bytes = 0;
  let exchanges = 0;
  for (let run = 0; run <= times; run++) {
    Object.assign(traffic, { bytes: 0, exchanges: 0 });
    const startedAt = clock.now();
    await once();
    // The first one warms up.
    if (run > 0) took.push(clock.now() - startedAt);
    ({ bytes, exchanges } = traffic);
    await between?.();
  }
  return { what, times: took.sort((a, b) => a - b), bytes, exchanges };
}

const pause = (ms: number) => new Promise<void>((resolve) => void clock.setTimer(resolve, ms));

/** The poll that comes at once after a device was opened is timed by when its level is told. */
async function noisePolls(link: SerialLink): Promise<Row> {
  let device: Device | undefined;
  return measure(
    'serial/modbus-noise: one level',
    async () => {
      const told = new Promise<void>((resolve) => {
        measured = resolve;
      });
      device = await openDevice(modbusNoise, link, modbusNoise.settings.parse({ profile: 's300nois', poll_s: 60 }), {
        ...context('noise'),
        random: () => 0,
      });
      await told;
    },
    async () => device?.close(),
  );
}

const rows: Row[] = [await noisePolls(bus.link(2))];

// Polls are kept away from what is measured: how they share the line is the bus's own tests' matter.
const door = await openDevice(
  modbusRelay,
  bus.link(1),
  modbusRelay.settings.parse({
    profile: 'waveshare-8ch-io',
    channel: 1,
    lock_type: 'fail_secure',
    relay_contact: 'normally_open',
    door_contact: { input: 1, closed_when: 'on' },
    poll_s: 60,
  }),
  context('door'),
);
await pause(500);
const { lock } = door;
if (lock === undefined) throw new Error('the relay door has no lock');
const command = (action: 'lock' | 'unlock') => async () => {
  const test = testCommand({ clock, log });
  await lock[action](test.ctx);
  test.end();
};
rows.push(
  await measure('serial/modbus-relay: UNLOCK, seen on', command('unlock'), async () => {
    await command('lock')();
    await pause(20);
  }),
);
rows.push(await measure('serial/modbus-relay: LOCK, door seen closed', command('lock'), () => pause(20)));

console.log(
  `${settings.baudRate} baud 8N1, Node ${process.versions.node}, load average ${figure(loadavg()[0])}, ${times} times each\n`,
);
console.log(
  table(
    ['what', 'exchanges', 'bytes', 'wire ms', 'with turnaround ms', 'p50 ms', 'p99 ms', 'ours ms'],
    rows.map(({ what, times: took, bytes, exchanges }) => {
      // A frame may begin when the line was silent: the silence before each request is part of the wire's limit.
      const wire = wireMs(bytes, settings) + exchanges * silenceMs(settings);
      const limit = wire + exchanges * TURNAROUND_MS;
      const p50 = percentile(took, 0.5);
      return [
        what,
        String(exchanges),
        String(bytes),
        figure(wire),
        figure(limit),
        figure(p50),
        figure(percentile(took, 0.99)),
        figure(p50 - limit),
      ];
    }),
  ),
);
await door.close();
await bus.close();
process.exit(0);
