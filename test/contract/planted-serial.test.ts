import { describe, expect, it } from 'vitest';
import { describeDriver, describeSerialDriver } from '../../src/driver-testing/index.ts';
import { relaySuite } from '../kit/locks/relay-suite.ts';
import { type Defect, failuresOf, plantingIn } from './planted-driver.ts';

/* Defects put into serial/modbus-relay, and the check of the suites that has to find each. */

const defects: readonly Defect[] = [
  {
    name: 'the answer of another unit is taken',
    file: 'modbus/scan.ts',
    plant: ['if (rest.readUInt8(0) !== unit) continue;', 'if (rest.readUInt8(0) === 0) continue;'],
    caughtBy: 'an answer that is another_unit',
  },
  {
    name: 'a damaged answer is taken',
    file: 'modbus/scan.ts',
    plant: ['if (crcMatches(frame)) {\n', 'if (frame.length > 0) {\n'],
    caughtBy: 'an answer that is damaged',
  },
  {
    name: 'the beginning of an answer is taken for all of it',
    file: 'modbus/scan.ts',
    plant: [
      '  if (received.length === 0)',
      '  const guess = received.length === 4 ? expected.read(Buffer.concat([received, Buffer.alloc(9)]).subarray(0, expected.length)) : undefined;\n  if (guess !== undefined) return { found: true, value: { ok: true, value: guess } };\n  if (received.length === 0)',
    ],
    caughtBy: 'an answer that is torn',
  },
  {
    name: 'the echo of the request is taken for the answer',
    file: 'modbus/scan.ts',
    plant: [
      '  if (received.length === 0)',
      '  if (received.length > 0 && received.subarray(0, request.length).equals(request)) return { found: true, value: { ok: false, exception: 4 } };\n  if (received.length === 0)',
    ],
    caughtBy: 'an adapter that hears itself',
  },
  {
    name: 'an answer in pieces is given up',
    file: 'modbus/scan.ts',
    plant: [
      '  if (received.length === 0)',
      '  if (received.length > 0 && received.length < expected.length) return { found: true, value: { ok: false, exception: 2 } };\n  if (received.length === 0)',
    ],
    caughtBy: 'an answer in two pieces',
  },
  {
    name: 'each question claims to have answers of its own',
    file: 'modbus/requests.ts',
    plant: [
      '// An exception names its function and nothing else.\n    replyKind:',
      'replyKind: String(Math.random()) ||',
    ],
    caughtBy: 'the late answer to an earlier',
  },
  {
    name: 'the acknowledgement is called confirmed',
    file: 'modbus-relay/driver.ts',
    plant: [
      "    tell({ word: 'done' });",
      "    tell({ word: 'done' });\n    books.evidence.told({ about: 'relay', value: target, at: door.clock.now(), cause: 'this_command' });",
    ],
    caughtBy: 'an acknowledgement is no observation',
  },
  {
    name: 'a missing acknowledgement is sent again',
    file: 'modbus-relay/driver.ts',
    plant: [
      'request, signal).catch((error) => {',
      'request, signal).catch(async (error) => {\n      if (!signal.aborted) return link.command(await ctx.pointOfNoReturn(), request, signal);',
    ],
    caughtBy: 'is no reason to send again',
  },
  {
    name: 'a missing acknowledgement is called a refusal',
    file: 'modbus-relay/driver.ts',
    plant: [
      "throw verdict.why === 'closed'",
      "throw verdict.why === 'silent' || verdict.why === 'too_late' ? Object.assign(notReached(door, target, said), { delivery: 'refused' }) : verdict.why === 'closed'",
    ],
    caughtBy: 'say nothing of what a command did',
  },
  {
    name: 'a pulse that is over is called not reached',
    file: 'modbus-relay/driver.ts',
    plant: ['opened], lastsMs };', 'opened] };'],
    caughtBy: 'a release that is over',
  },
  {
    name: 'a refusal is called unknown',
    file: 'modbus-relay/driver.ts',
    plant: ['throw verdict.reason ?? notReached(door, target, said);', 'throw readTooLate(door, target, said, line);'],
    caughtBy: 'hardware that disappoints > says no',
  },
  {
    name: 'a release by somebody else is claimed',
    file: 'modbus-relay/driver.ts',
    plant: ["this.#isOurs ? 'remote' : 'unknown'", "'remote'"],
    caughtBy: 'a release by somebody else',
  },
  {
    name: 'it goes on looking after the end',
    file: 'modbus-relay/driver.ts',
    plant: ['      poller.close();\n', ''],
    caughtBy: 'nothing is said on the line after the end',
  },
];

const planted = plantingIn('serial', 'modbus-relay/driver.ts', 'modbusRelay');

describe('a defect that is put into a driver on a serial line', () => {
  it.each(defects.map((defect) => [defect.name, defect] as const))('%s', async (_, defect) => {
    const suite = relaySuite(await planted(defect));
    const failed = await failuresOf((runner) => {
      describeDriver(suite, runner);
      describeSerialDriver(suite, runner);
    }, defect.caughtBy);
    expect(failed).not.toEqual([]);
  });
});
