import { z } from 'zod';
import { SimulatedLine, type SimulatedUnit } from '../../drivers/serial/modbus/simulated-line.ts';
import { SimulatedNoiseTransmitter } from '../../drivers/serial/modbus-noise/simulator.ts';
import { SimulatedRelayBoard } from '../../drivers/serial/modbus-relay/simulator.ts';
import type { Clock } from '../contract/index.ts';
import { sleep } from '../contract/index.ts';
import type { SimulatedEvent } from '../model/sandbox.ts';
import { type SimulatedWire, ttyCarrier, wireMs } from '../transports/serial/index.ts';
import type { Player } from './played-devices.ts';
import { Room } from './rooms.ts';
import type { SerialPlace, SimulationContext } from './simulator.ts';
import { defineSimulator } from './simulator.ts';

const unit = z.int().min(1).max(247).describe('Address on the line.');

const door = z.strictObject({
  relay: z.int().min(1).max(64),
  input: z.int().min(1).max(64).optional().describe('Input of its contact, which reads on while the door is closed.'),
  visitor_s: z
    .number()
    .min(0)
    .max(60)
    .default(0)
    .describe('How long somebody who comes with each release holds the door open, in seconds; 0: nobody comes.'),
});

const relayBoard = z.strictObject({
  kind: z.literal('relay_board'),
  unit,
  dialect: z.enum(['waveshare', 'lc', 'registers']).default('waveshare').describe('How its pulses are ordered.'),
  channels: z.int().min(1).max(64).default(8).describe('How many relays it has.'),
  inputs: z.int().min(0).max(64).optional().describe('How many inputs it has: 8, and none with registers.'),
  doors: z.array(door).default([]).describe('What its relays work; a strike that opens with the relay on.'),
});

const noise = z.strictObject({
  kind: z.literal('noise'),
  unit,
  level_db: z.number().min(20).max(120).default(42).describe('About how loud it is.'),
  function_code: z.literal([3, 4]).default(3),
  register: z.int().min(0).max(0xffff).default(0),
});

const settings = z.strictObject({
  echo: z.boolean().default(false).describe('The adapter hears itself.'),
  units: z.array(z.discriminatedUnion('kind', [relayBoard, noise])).min(1),
});

/** How often a simulated room changes its mind, in milliseconds. */
const ROOM_MS = 1000;

/** An RS-485 line with relay boards and noise transmitters, at the speed of its wire. */
export const modbusLineSimulator = defineSimulator({
  link: 'serial',
  settings,
  async start(place, { echo, units }, ctx) {
    const line = new SimulatedLine({ clock: ctx.clock, baudRate: place.line.baudRate, echo });
    const rooms: Room[] = [];
    const players: Player[] = [];
    for (const chosen of units) {
      if (chosen.kind === 'relay_board') {
        const { dialect, channels, inputs } = chosen;
        const board = new SimulatedRelayBoard({
          clock: ctx.clock,
          unit: chosen.unit,
          dialect,
          channels,
          ...(inputs !== undefined && { inputs }),
        });
        for (const entry of chosen.doors) hang(entry, board, ctx.clock);
        line.add(board);
        players.push(player(place.name, 'serial/modbus-relay', line, board));
      } else {
        const { level_db: level, function_code: functionCode, register } = chosen;
        const transmitter = new SimulatedNoiseTransmitter({ unit: chosen.unit, level, functionCode, register });
        line.add(transmitter);
        const wanders = { by: 3, everyMs: ROOM_MS };
        const room = new Room(level, wanders, ctx, (heard) => transmitter.hear(heard));
        room.wander();
        rooms.push(room);
        players.push(player(place.name, 'serial/modbus-noise', line, transmitter, room));
      }
    }
    const stop = await playOnSerial(place, line, ctx);
    return {
      players,
      async close() {
        for (const room of rooms) room.close();
        await stop();
      },
    };
  },
});

/** Hangs a door behind a relay: closed, and opened by those who come when it is released. */
function hang(entry: z.output<typeof door>, board: SimulatedRelayBoard, clock: Clock): void {
  const { relay, input, visitor_s: visitor } = entry;
  if (input === undefined) return;
  board.setInput(input, true);
  if (visitor === 0) return;
  board.onChange((change) => {
    if (change.relay !== relay || !change.on) return;
    clock.setTimer(() => board.setInput(input, false), 500);
    clock.setTimer(() => board.setInput(input, true), 500 + visitor * 1000);
  });
}

/** A unit can be without power, which nobody hears of on the line. */
function player(line: string, driver: string, bus: SimulatedLine, unit: SimulatedUnit, room?: Room): Player {
  let isThere = true;
  const events = {
    connect: () => {
      if (!isThere) bus.add(unit);
      isThere = true;
    },
    disconnect: () => {
      bus.remove(unit.unit);
      isThere = false;
    },
  } satisfies Partial<Record<SimulatedEvent, () => void>>;
  const played = {
    events,
    ...(room && { makeNoise: (level: number, ms: number) => room.makeNoise(level, ms) }),
    reset: () => {
      events.connect();
      room?.reset();
    },
  };
  return ({ driver: { id }, link }) =>
    id === driver && link.kind === 'serial' && link.name === line && link.unit === unit.unit ? played : undefined;
}

/**
 * Puts a simulated line where the gateway finds it. Resolves with how to take it away again.
 * @throws Error in words for whoever runs it, when its port cannot be opened
 */
async function playOnSerial(
  place: SerialPlace,
  wire: SimulatedWire,
  ctx: SimulationContext,
): Promise<() => Promise<void>> {
  if (place.at === 'nowhere')
    throw new Error(
      `The simulation cannot play on the serial line ${place.name} itself: it needs the port at its far end. ` +
        `Run: strikeplate simulate --serial ${place.name}=PORT`,
    );
  if ('lines' in place.at) {
    const takeUp = place.at.lines.lay(place.name, wire);
    return async () => takeUp();
  }
  const { farEnd: path } = place.at;
  // Pseudo terminals are infinitely fast: bytes reach the units when a wire would have carried them.
  const port = await ttyCarrier(path, place.line).open({
    bytes: (bytes) => void sleep(ctx.clock, wireMs(bytes.length, place.line)).then(() => wire.receive(bytes)),
    lost: (error) => ctx.log.warn({ path }, `the simulated units are cut off: ${error.message}`),
  });
  const stop = wire.onBytes((bytes) => void port.write(bytes).catch(() => undefined));
  return async () => {
    stop();
    await port.close();
  };
}
