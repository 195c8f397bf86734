import { describe, expect, it } from 'vitest';
import { describeDriver, describeZwaveDriver } from '../../src/driver-testing/index.ts';
import { zwaveSuite } from '../kit/locks/zwave-suite.ts';
import { type Defect, failuresOf, plantingIn } from './planted-driver.ts';

/* Defects put into zwave/node, its doors and its codes, and the check of the suites that has to find each. */

const OUTCOME = 'return doorOutcome(verdict, { name: node.name, target });';
const SENT = 'const { said: answer, remainingMs } = await link.command(permit, command, signal);';
const LOOKED = "if (before === 'ours') return readingOf(this.#slot, this.#held);";
const TAKEN = "if (before !== 'free' && !isHalfMade) throw slotTaken(name, this.#slot);";
const WRITE = "const verdict = await this.#judge({ proof }, { do: 'set_code', slot: this.#slot, code });";
const setsCode = "await this.#write({ do: 'set_code', slot: this.#slot, code });";
const clears = "await this.#write({ do: 'clear_code', slot: this.#slot });";

const doors: readonly Defect[] = [
  {
    name: 'a report told again is a proof',
    file: 'node/claims.ts',
    plant: ['oldByMs: REPEATS_WITHIN_MS,', 'oldByMs: 0,'],
    caughtBy: 'a report of before',
  },
  {
    name: 'an operation over the radio is taken for this command',
    file: 'node/claims.ts',
    plant: ["cause: report.by === 'radio' ? 'remote' : 'other'", "cause: 'this_command'"],
    caughtBy: 'a report of before (operated)',
  },
  {
    name: 'an answer that may be a report of before is believed',
    file: 'node/zwave-node.ts',
    plant: ['const bolt = mayBeOld ? await ask() : first;', 'const bolt = mayBeOld ? first : first;'],
    caughtBy: 'a report of before in the place of an answer',
  },
  {
    name: 'the word "done" is an observation',
    file: 'node/lock-command.ts',
    plant: [
      SENT,
      `${SENT}\nif (answer === 'done') node.evidence.told({ about: 'bolt', value: target, at: clock.now(), cause: 'this_command' });`,
    ],
    caughtBy: '"done" is no observation',
  },
  {
    name: 'the acknowledgement on the air is an observation',
    file: 'node/lock-command.ts',
    plant: [OUTCOME, `if (verdict.end === 'not_reached') return { wasConfirmedByDevice: false };\n${OUTCOME}`],
    caughtBy: '"unsupervised" is no observation',
  },
  {
    name: '"working" is taken for a no',
    file: 'node/lock-command.ts',
    plant: ["working: 'working',", "working: 'refused',"],
    caughtBy: 'a node that says how long it takes',
  },
  {
    name: 'a refusal is called unknown',
    file: 'node/lock-command.ts',
    plant: [
      OUTCOME,
      `if (verdict.end === 'refused') throw new GatewayError('outcome_unknown', 'Nobody knows.');\n${OUTCOME}`,
    ],
    caughtBy: 'a node that says "no"',
  },
  {
    name: 'an end that is unknown is called a refusal',
    file: 'node/lock-command.ts',
    plant: [
      '    // Why nobody could be asked',
      "    if (verdict.end === 'unknown') throw new GatewayError('device_rejected', 'It refused.');\n    // Why nobody could be asked",
    ],
    caughtBy: 'says nothing at all',
  },
  {
    name: 'a node that is away is waited for, and told then',
    file: 'node/lock-command.ts',
    plant: [
      "      await link.reach({ priority: 'door', signal });",
      "      while (link.nodeStatus !== 'ready') await new Promise<void>((go) => void clock.setTimer(go, 100));",
    ],
    caughtBy: 'is told nothing, now or later',
  },
  {
    name: 'a bolt that opens from inside alone is called unlocked',
    file: 'node/claims.ts',
    plant: ["inside_only: 'not_known',", "inside_only: 'unlocked',"],
    caughtBy: 'a bolt that is inside_only',
  },
  {
    name: 'a bolt that is not known is read as locked',
    file: 'node/lock-command.ts',
    plant: ["bolt === 'secured' ? 'locked'", "bolt === 'secured' || bolt === 'unknown' ? 'locked'"],
    caughtBy: 'a bolt that is unknown',
  },
  {
    name: 'a reading is remembered',
    file: 'node/zwave-node.ts',
    plant: [
      "(await this.link.query('bolt', {}, options)).bolt;",
      "(await (Object.assign(this.link, { kept: (this.link as any).kept ?? this.link.query('bolt', {}, options) }) as any).kept).bolt;",
    ],
    caughtBy: 'a lock that was moved unheard is read',
  },
  {
    name: 'a jam of before ends the command',
    file: 'node/lock-command.ts',
    plant: [
      '    // One that moves as it should',
      '    if (node.jammedAt !== undefined) throw jammed({ name: node.name, target });\n    // One that moves as it should',
    ],
    caughtBy: 'a jam of before',
  },
  {
    name: 'a report told again is reported again',
    file: 'node/zwave-node.ts',
    plant: ["if (use === 'told') this.#tell(report);", "if (use !== 'ask') this.#tell(report);"],
    caughtBy: 'a report told again is reported once',
  },
  {
    name: 'it listens after the end',
    file: 'node/zwave-node.ts',
    plant: ['for (const stop of this.#stop) stop();', ''],
    caughtBy: 'the end > may come twice',
  },
];

const codes: readonly Defect[] = [
  {
    name: 'a PIN is logged',
    file: 'node/code-command.ts',
    plant: [LOOKED, `this.#node.log.info({ code: code.reveal() }, 'a code is written');\n${LOOKED}`],
    caughtBy: 'appear in no log, report or error',
  },
  {
    name: 'a PIN stands in an error',
    file: 'node/code-command.ts',
    plant: [
      TAKEN,
      "if (before !== 'free' && !isHalfMade) throw new GatewayError('slot_conflict', 'Not written: '.concat(code.reveal(), '.'));",
    ],
    caughtBy: 'appear in no log, report or error',
  },
  {
    name: 'a PIN stands in the cause of an error',
    file: 'node/code-command.ts',
    plant: [
      TAKEN,
      "if (before !== 'free' && !isHalfMade) throw new GatewayError('slot_conflict', 'Not written.', { cause: new Error(code.reveal()) });",
    ],
    caughtBy: 'appear in no log, report or error',
  },
  {
    name: 'a code is written twice',
    file: 'node/code-command.ts',
    plant: [WRITE, `${setsCode}\n${WRITE}`],
    caughtBy: 'are written once',
  },
  {
    name: 'a code that is there is written again',
    file: 'node/code-command.ts',
    plant: [LOOKED, `if (before === 'ours') ${setsCode}\n${LOOKED}`],
    caughtBy: 'are neither written again nor away',
  },
  {
    name: 'an update clears first',
    file: 'node/code-command.ts',
    plant: [LOOKED, `if (before === 'ours') { ${clears} ${setsCode} }\n${LOOKED}`],
    caughtBy: 'are neither written again nor away',
  },
  {
    name: 'a foreign code is overwritten',
    file: 'node/code-command.ts',
    plant: [TAKEN, ''],
    caughtBy: 'that are not ours stay untouched',
  },
  {
    name: 'a foreign code is erased to make room',
    file: 'node/code-command.ts',
    plant: [TAKEN, `if (before !== 'free' && !isHalfMade) ${clears}`],
    caughtBy: 'that are not ours stay untouched',
  },
  {
    name: 'a code is called stored without being read back',
    file: 'node/code-command.ts',
    plant: [WRITE, `if (code.reveal() !== '') { ${setsCode} return { slot: this.#slot, occupied: true }; }\n${WRITE}`],
    caughtBy: 'that the device says it stored, and did not',
  },
  {
    name: 'a slot is remembered, not read',
    file: 'node/code-command.ts',
    plant: [
      '      const held = await askTwice(keypad, slot, signal);\n      if',
      "      const known = node.evidence.known(aboutSlot(slot));\n      if (known !== undefined) return { slot, occupied: known !== 'free' };\n      const held = await askTwice(keypad, slot, signal);\n      if",
    ],
    caughtBy: 'that somebody took away are read',
  },
  {
    name: 'a delete is called done without being sent',
    file: 'node/code-command.ts',
    plant: ["    if (before === 'free') return;", "    if (before !== '') return;"],
    caughtBy: 'are written, read and removed',
  },
  {
    name: 'an end that is unknown is called not stored',
    file: 'node/code-command.ts',
    plant: ["throw codeUnknown(name, this.#slot, 'write');", 'throw notTaken(this.#node, this.#slot);'],
    caughtBy: 'end in time when the way breaks',
  },
  {
    name: 'a refused code is claimed',
    file: 'node/code-command.ts',
    plant: [
      "      case 'refused': {\n",
      "      case 'refused': {\n        if (this.#slot >= 0) return { slot: this.#slot, occupied: true };\n",
    ],
    caughtBy: 'that the device refuses',
  },
];

const planted = plantingIn('zwave', 'node/driver.ts', 'zwave');

describe('a defect that is put into a driver of Z-Wave nodes', () => {
  it.each([...doors, ...codes].map((defect) => [defect.name, defect] as const))('%s', async (_, defect) => {
    const suite = zwaveSuite(await planted(defect));
    const failed = await failuresOf((runner) => {
      describeDriver(suite, runner);
      describeZwaveDriver(suite, runner);
    }, defect.caughtBy);
    expect(failed).not.toEqual([]);
  });
});
