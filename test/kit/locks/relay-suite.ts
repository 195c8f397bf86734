import type { LineFault } from '../../../drivers/serial/modbus/simulated-line.ts';
import { modbusRelay } from '../../../drivers/serial/modbus-relay/driver.ts';
import type { DriverDefinition } from '../../../src/contract/index.ts';
import {
  type LineTrouble,
  type SerialHarness,
  type SerialSuite,
  testCommand,
} from '../../../src/driver-testing/index.ts';
import { limitsOf } from '../../../src/model/time-limits.ts';
import { relayDoor } from './relay-fixture.ts';
import { serialLine } from './serial-line-fixture.ts';

const READS = [1, 2];
const WRITES = [5];

function faultOf(kind: LineTrouble): LineFault {
  if (typeof kind === 'object') return { kind: 'late', ms: kind.lateByMs };
  switch (kind) {
    case 'another_unit':
      return { kind: 'wrong_unit', unit: 9 };
    case 'damaged':
      return { kind: 'wrong_checksum' };
    case 'torn':
      return { kind: 'truncated', bytes: 4 };
    case 'in_pieces':
      return { kind: 'split', afterBytes: 3, pauseMs: 15 };
    default:
      return { kind };
  }
}

/** The driver of relay boards, or one like it, for the suites. */
export const relaySuite = (driver: DriverDefinition = modbusRelay): SerialSuite => ({
  title: 'serial/modbus-relay',
  door: limitsOf(modbusRelay).door,
  lateMs: 1_500,
  async make(when): Promise<SerialHarness> {
    const fixture = await serialLine();
    const { clock, line, bus } = fixture;
    const { board, device, reports, log, stateListeners } = await relayDoor({
      driver,
      line: fixture,
      settle: when !== 'opened',
    });
    const { door } = limitsOf(modbusRelay);
    let underWay: Buffer | undefined;
    const waiting: (() => void)[] = [];
    fixture.onWrite((bytes) => {
      if (!WRITES.includes(bytes.readUInt8(1))) return;
      underWay = bytes;
      for (const resolve of waiting.splice(0)) resolve();
    });
    const silent = () => line.misbehave({ kind: 'request_lost' }, { functionCodes: READS });
    return {
      clock,
      device,
      reports,
      logged: () => log.text,
      command: (options = {}) =>
        testCommand({
          clock,
          log: log.logger,
          sendByMs: door.sendByMs,
          deadlineMs: door.deadlineMs,
          ...options,
        }),
      truth: {
        bolt: () => (board.isOn(1) ? 'unlocked' : 'locked'),
        // A pulse is one movement, its end included.
        movements: () => board.changes.filter(({ by }) => by !== 'pulse_end').length,
        commands: () => line.heard.filter(({ functionCode }) => WRITES.includes(functionCode)).map(({ at }) => at),
      },
      way: {
        cut(onTheWay) {
          if (onTheWay === 'arrives' && underWay) line.receive(underWay);
          line.unplug();
        },
        restore: () => line.plug(),
        async commandLeaves() {
          const left = new Promise<void>((resolve) => waiting.push(resolve));
          await clock.until(left);
        },
      },
      disappoint: {
        refuse: () => line.misbehave({ kind: 'exception', code: 3 }, { functionCodes: WRITES }),
        sayNo: () => line.misbehave({ kind: 'exception', code: 3 }, { functionCodes: WRITES }),
        tellLate(ms) {
          line.misbehave({ kind: 'reply_lost' }, { functionCodes: WRITES });
          board.onChange(() => {
            silent();
            clock.setTimer(() => line.behave(), ms);
          });
        },
        // A board that is silent before is found out, and nothing is sent. This one falls silent as it acts.
        fallSilent() {
          line.misbehave({ kind: 'reply_lost' }, { functionCodes: WRITES });
          board.onChange(({ by }) => {
            if (by === 'pulse') silent();
          });
        },
      },
      trouble: (kind, of, times) =>
        line.misbehave(faultOf(kind), { functionCodes: of === 'reads' ? READS : WRITES, ...(times && { times }) }),
      stick: () => board.misbehave({ stuck: true }),
      calm: () => line.behave(),
      echo: () => {
        line.echo = true;
      },
      turn: (to) => board.switchByHand(1, to === 'unlocked'),
      pulseMs: 5_000,
      async stopHardware() {
        await bus.close();
        await clock.advance(60_000);
      },
      leftovers: () => clock.armedTimers + stateListeners(),
    };
  },
});
