import { describe, expect, it } from 'vitest';
import { describeBleDriver, describeDriver } from '../../src/driver-testing/index.ts';
import type { NukiFixture } from '../kit/locks/nuki-fixture.ts';
import { nukiSuite } from '../kit/locks/nuki-suite.ts';
import { type Defect, failuresOf, plantingIn } from './planted-driver.ts';

/* Defects put into ble/nuki, and the check of the suites that has to find each. */

const defects: readonly Defect[] = [
  {
    name: 'what was said before the command is a proof',
    file: 'nuki/lock-command.ts',
    plant: [
      '    if (!this.#hasLeft) {\n',
      "    if (!this.#hasLeft) {\n      if (arrival.kind === 'message' && arrival.message.command === commands.keyturnerStates) this.#completed ||= stateOf(readKeyturnerStates(arrival.message.payload)) === this.#target;\n",
    ],
    and: [
      [
        '  async run(before: {',
        '  get heardEarly(): boolean {\n    return this.#completed;\n  }\n\n  async run(before: {',
      ],
      [
        "  if (verdict.end === 'not_reached') {",
        "  if (door.heardEarly) return { wasConfirmedByDevice: true };\n  if (verdict.end === 'not_reached') {",
      ],
    ],
    caughtBy: 'what it says before it is told to act',
  },
  {
    name: 'a confirmed write is an observation',
    file: 'nuki/lock-command.ts',
    plant: [
      "said({ said: 'acknowledged', at: clock.now() });",
      "said({ said: 'acknowledged', at: clock.now() });\n      book.told({ about: 'bolt', value: this.#target, at: clock.now(), cause: 'this_command' });",
    ],
    caughtBy: 'a confirmed write is no observation',
  },
  {
    name: 'a connection that is lost before the write is tried with the permit in hand',
    file: 'nuki/lock-command.ts',
    plant: [
      '      const challenge = await connection.challenge();\n      const permit',
      '      (await ctx.pointOfNoReturn()).spend();\n      const challenge = await connection.challenge();\n      const permit',
    ],
    caughtBy: 'a connection that is lost before the write',
  },
  {
    name: 'a command is sent again over a new connection',
    file: 'nuki/driver.ts',
    plant: [
      'return operate(access, target, command, { again: sentFor === command.attemptId, onSent });',
      'return operate(access, target, command, { again: false, onSent }).catch(() => operate(access, target, command, { again: false, onSent }));',
    ],
    caughtBy: 'and none after it: unknown',
  },
  {
    name: 'a lost connection is called a refusal',
    file: 'nuki/lock-command.ts',
    plant: [
      "  if (verdict.end === 'unknown' && door.lastError)",
      "  if (verdict.end === 'unknown') throw new GatewayError('device_rejected', 'It refused.');\n  if (verdict.end === 'unknown' && door.lastError)",
    ],
    caughtBy: 'and none after it: unknown',
  },
  {
    name: 'a lost connection is called a success',
    file: 'nuki/lock-command.ts',
    plant: [
      "  if (verdict.end === 'unknown' && door.lastError)",
      "  if (verdict.end === 'unknown') return { wasConfirmedByDevice: false };\n  if (verdict.end === 'unknown' && door.lastError)",
    ],
    caughtBy: 'and none after it: unknown',
  },
  {
    name: 'a write that was answered with an error is called done',
    file: 'nuki/lock-command.ts',
    plant: [
      "  if (verdict.end === 'not_reached') {",
      "  if (verdict.end === 'not_reached' || verdict.end === 'refused') return { wasConfirmedByDevice: false };\n  if (verdict.end === 'not_reached') {",
    ],
    caughtBy: 'a write that is answered with an error',
  },
  {
    name: 'the connection of the command is kept',
    file: 'nuki/lock-command.ts',
    plant: [
      '      this.#over.abort();\n      await leaving;',
      '      this.#access.clock.setTimer(() => this.#over.abort(), 60_000);',
    ],
    caughtBy: 'no connection stays behind',
  },
  {
    name: 'another lock at the address is commanded',
    file: 'nuki/identity.ts',
    plant: [
      '    if (this.#other === undefined || this.#ours === undefined) return;\n',
      '    if (this.#other !== undefined || this.#ours !== undefined || this.#other === undefined) return;\n',
    ],
    caughtBy: 'another device at the address',
  },
  {
    name: 'the driver goes on reading after the end',
    file: 'nuki/watch.ts',
    plant: ['    this.#closed = true;\n    this.#poll?.cancel();\n', ''],
    caughtBy: 'the end > may come twice',
  },
];

const planted = plantingIn('ble', 'nuki/driver.ts', 'nuki');

describe('a defect that is put into a driver on the air', () => {
  it.each(defects.map((defect) => [defect.name, defect] as const))('%s', async (_, defect) => {
    const made: NukiFixture[] = [];
    const suite = nukiSuite((fixture) => made.push(fixture), await planted(defect));
    const failed = await failuresOf((runner) => {
      describeDriver(suite, runner);
      describeBleDriver(suite, runner);
    }, defect.caughtBy);
    for (const fixture of made) await fixture.close();
    expect(failed).not.toEqual([]);
  });
});
