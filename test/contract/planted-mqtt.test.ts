import { describe, expect, it } from 'vitest';
import { describeDriver, describeMqttDriver } from '../../src/driver-testing/index.ts';
import { announcedSuite } from '../kit/locks/announced-suite.ts';
import { type Defect, failuresOf, plantingIn } from './planted-driver.ts';

/* Defects put into mqtt/announced, and the check of the suites that has to find each. */

const SEND = 'const at = await link.command(permit, meant.commandTopic, meant.payloads[target], ctx.signal);';
const PERMIT = 'const permit = kit.observedPermit(await ctx.pointOfNoReturn(), { ...observer, assertMayGo });';
const OUTCOME = 'return kit.doorOutcome(verdict, { name, target });';
const FREE = '{ sendBy: Infinity, spend: () => observer.spent(), withdraw: () => undefined }';
const HEARD = 'book.told(kit.boltClaim(said, clock.now(), message));';
const REPORTED = "ctx.report({ kind: 'lock_state', state: said, ...(message.retained && { hearsay: true }) });";
const DOWN = "if (link.state.status === 'down') throw fail(";
const instead = (error: string) =>
  `if (verdict.end !== 'confirmed' && verdict.end !== 'unconfirmed') ${error}\n${OUTCOME}`;
const failing = (type: string, delivery: string) =>
  instead(`throw new contract.GatewayError('${type}', 'It went wrong.', { delivery: '${delivery}' });`);

const defects: readonly Omit<Defect, 'file'>[] = [
  {
    name: 'a retained command is not claimed',
    plant: ['[link.claimCommandTopic(commandTopic), ...(state ? [link.subscribe(state.topic, hear)] : [])]', 'states'],
    caughtBy: 'a retained command is cleared',
  },
  {
    name: 'a retained state is a proof',
    plant: [HEARD, 'book.told(kit.boltClaim(said, clock.now()));'],
    caughtBy: 'a retained state proves nothing',
  },
  {
    name: 'a state under way before the send is a proof',
    plant: [
      'traits: { ...kit.unaskedLock.traits,',
      "traits: { ...kit.unaskedLock.traits, oldByMs: 0, acknowledgedBy: 'nobody',",
    ],
    caughtBy: 'a state that was under way before the send proves nothing',
  },
  {
    name: 'a state that comes with the acknowledgement is a proof',
    plant: ['traits: { ...kit.unaskedLock.traits,', 'traits: { ...kit.unaskedLock.traits, oldByMs: 0,'],
    caughtBy: 'a state that comes with the acknowledgement',
  },
  {
    name: '"already there" is called confirmed',
    plant: [OUTCOME, `if (verdict.end === 'unconfirmed') return { wasConfirmedByDevice: true };\n${OUTCOME}`],
    caughtBy: 'a lock that stands there already',
  },
  {
    name: 'the acknowledgement is called confirmed',
    plant: [
      "said({ said: 'acknowledged', at });",
      "said({ said: 'acknowledged', at });\nsaid({ word: 'done' });\nbook.told({ about: 'bolt', value: target, at, cause: 'this_command' });",
    ],
    caughtBy: 'a lock that stands there already',
  },
  {
    name: 'the last known state is the outcome',
    plant: [OUTCOME, `if (book.known('bolt') === target) return { wasConfirmedByDevice: true };\n${OUTCOME}`],
    caughtBy: 'a state repeated every',
  },
  {
    name: 'a gap of the link is not told to the judge',
    plant: ['{ link, clock, book, patienceMs', '{ link, clock, book: { gap() {}, reachable() {} }, patienceMs'],
    caughtBy: 'what a lock says first after the way was broken',
  },
  {
    name: 'the command is sent twice',
    plant: [SEND, `${SEND}\nawait link.command(${FREE}, meant.commandTopic, meant.payloads[target], ctx.signal);`],
    caughtBy: 'commands go to the command topic alone, once',
  },
  {
    name: 'the command is sent again with a permit of its own',
    plant: [
      SEND,
      `${SEND}\nawait link.command(await ctx.pointOfNoReturn(), meant.commandTopic, meant.payloads[target], ctx.signal);`,
    ],
    caughtBy: 'spends one, before anything acts',
  },
  {
    name: 'the permit is not spent',
    plant: [PERMIT, `await ctx.pointOfNoReturn(); const permit = ${FREE};`],
    caughtBy: 'commands go to the command topic alone, once',
  },
  {
    name: 'no permit is asked for',
    plant: [PERMIT, `const permit = ${FREE};`],
    caughtBy: 'nothing acts when the core says no',
  },
  {
    name: 'a refusal of the core is ignored',
    plant: [PERMIT, `await ctx.pointOfNoReturn().catch(() => undefined); const permit = ${FREE};`],
    caughtBy: 'nothing acts when the core says no',
  },
  {
    name: 'the command is sent after send_by',
    plant: [
      PERMIT,
      `await ctx.pointOfNoReturn().catch((error) => { if (error.type !== 'expired') throw error; }); const permit = ${FREE};`,
    ],
    caughtBy: 'nothing acts when the intent is on disk too late',
  },
  {
    name: 'the driver spends the permit, and so does the link',
    plant: [SEND, `permit.spend();\n${SEND}`],
    caughtBy: 'commands go to the command topic alone, once',
  },
  {
    name: 'the command leaves before its permit',
    plant: [PERMIT, `await link.query(meant.commandTopic, meant.payloads[target], ctx.signal);\n${PERMIT}`],
    caughtBy: 'commands go to the command topic alone, once',
  },
  {
    name: 'a command goes out as a query as well',
    plant: [SEND, `${SEND}\nawait link.query(meant.commandTopic, meant.payloads[target], ctx.signal);`],
    caughtBy: 'commands go to the command topic alone, once',
  },
  {
    name: 'another topic is commanded',
    plant: ['permit, meant.commandTopic,', "permit, meant.commandTopic.concat('/set'),"],
    caughtBy: 'commands go to the command topic alone, once',
  },
  {
    name: 'an abort is ignored',
    plant: [
      '...{ ...kit.unaskedLock, ctx },',
      '...{ ...kit.unaskedLock, ctx: { ...ctx, signal: new AbortController().signal } },',
    ],
    caughtBy: 'after the send: at once',
  },
  {
    name: 'a command that was aborted is sent',
    plant: [
      PERMIT,
      `await ctx.pointOfNoReturn().catch(() => undefined); const permit = ${FREE}; ctx = { ...ctx, signal: new AbortController().signal };`,
    ],
    caughtBy: 'before the send: at once',
  },
  {
    name: 'close does not end what is under way',
    plant: ['closing: () => ctx.closing,', 'closing: () => new AbortController().signal,'],
    caughtBy: 'ends what is under way',
  },
  {
    name: 'close leaves the announcement subscribed',
    plant: ['    stop();\n', ''],
    caughtBy: 'may come twice, and leaves nothing behind',
  },
  {
    name: 'close leaves a timer',
    plant: ['    way.close();\n', ''],
    caughtBy: 'may come as soon as the device was opened',
  },
  {
    name: 'close leaves the state subscribed',
    plant: ['    leave();\n    stop();\n', '    stop();\n'],
    caughtBy: 'may come twice, and leaves nothing behind',
  },
  {
    name: 'a report comes after close',
    plant: [
      '    leave();\n    stop();\n',
      '    leave();\n    stop();\n    link.onStateChange(() => ctx.report({ kind: "heard" }));\n',
    ],
    caughtBy: 'nothing is reported after the end',
  },
  {
    name: 'a timer is left after each command',
    plant: [OUTCOME, `clock.setTimer(() => undefined, 1e9);\n${OUTCOME}`],
    caughtBy: 'may come twice, and leaves nothing behind',
  },
  {
    name: 'silence is called not sent',
    plant: [OUTCOME, failing('outcome_unknown', 'not_sent')],
    caughtBy: 'says nothing at all',
  },
  {
    name: 'silence is called refused',
    plant: [OUTCOME, failing('device_rejected', 'refused')],
    caughtBy: 'says nothing at all',
  },
  {
    name: 'silence is called not reached',
    plant: [OUTCOME, failing('state_not_reached', 'maybe_sent')],
    caughtBy: 'says nothing at all',
  },
  {
    name: 'silence is called success',
    plant: [OUTCOME, instead('return { wasConfirmedByDevice: false };')],
    caughtBy: 'says nothing at all',
  },
  {
    name: 'a jam is called unknown',
    plant: [
      OUTCOME,
      `if (verdict.end === 'stuck') throw fail('outcome_unknown', 'Nobody knows.', 'maybe_sent');\n${OUTCOME}`,
    ],
    caughtBy: 'hardware that disappoints > jams',
  },
  {
    name: 'a jam is called success',
    plant: [OUTCOME, `if (verdict.end === 'stuck') return { wasConfirmedByDevice: true };\n${OUTCOME}`],
    caughtBy: 'hardware that disappoints > jams',
  },
  {
    name: 'an error is none of the table',
    plant: [OUTCOME, instead("throw new Error('broken');")],
    caughtBy: 'says nothing at all',
  },
  {
    name: 'an error is no sentence',
    plant: [OUTCOME, instead("throw fail('outcome_unknown', 'unknown', 'maybe_sent');")],
    caughtBy: 'says nothing at all',
  },
  {
    name: 'a broken way is not told before the send',
    plant: [`${DOWN}'link_unavailable'`, `${DOWN}'device_rejected'`],
    caughtBy: 'is broken before',
  },
  {
    name: 'a command waits until the way is there again',
    plant: [
      'const meant = theLock();',
      "while (link.state.status === 'down') await new Promise<void>((go) => void clock.setTimer(go, 50));\nconst meant = theLock();",
    ],
    caughtBy: 'is broken before',
  },
  {
    name: 'LOCK and UNLOCK are exchanged',
    plant: ['meant.payloads[target]', "meant.payloads[target === 'locked' ? 'unlocked' : 'locked']"],
    caughtBy: 'locks and unlocks, and sees it',
  },
  {
    name: 'UNLOCK locks',
    plant: ["unlock: (command) => operate('unlocked', command)", "unlock: (command) => operate('locked', command)"],
    caughtBy: 'locks and unlocks, and sees it',
  },
  {
    name: 'nothing is ever confirmed',
    plant: [OUTCOME, `kit.doorOutcome(verdict, { name, target });\nreturn { wasConfirmedByDevice: false };`],
    caughtBy: 'locks and unlocks, and sees it',
  },
  {
    name: 'what the lock says is not reported',
    plant: [REPORTED, ''],
    caughtBy: 'reports what the device says of itself',
  },
  {
    name: 'what was asked for is reported as what is',
    plant: [
      "said({ said: 'acknowledged', at });",
      "said({ said: 'acknowledged', at });\nctx0.report({ kind: 'lock_state', state: target });",
    ],
    and: [['  const book = new kit.Evid', '  const ctx0 = ctx;\n  const book = new kit.Evid']],
    caughtBy: 'what was asked for is never reported',
  },
  {
    name: 'a broken way does not show in the health',
    plant: ["tellHealth({ status: 'offline', reason: 'link_down', hint: link.state.hint })", 'undefined'],
    caughtBy: 'comes back, and so does the device',
  },
];

const planted = plantingIn('mqtt', 'announced/driver.ts', 'announced');
const found = async (defect: Omit<Defect, 'file'>) => {
  const suite = announcedSuite('planted', { driver: await planted({ ...defect, file: 'announced/driver.ts' }) });
  return failuresOf((runner) => {
    describeDriver(suite, runner);
    describeMqttDriver(suite, runner);
  }, defect.caughtBy);
};

describe('a defect that is put into a driver on a broker', () => {
  it('there are at least thirty, each with a name of its own', () => {
    expect(new Set(defects.map(({ name }) => name)).size).toBeGreaterThanOrEqual(30);
  });

  it('none is found where none is', async () => {
    const same = 'const PATIENCE_MS = 5_000;';
    expect(await found({ name: 'none', plant: [same, same], caughtBy: '' })).toEqual([]);
  });

  it.each(defects.map((defect) => [defect.name, defect] as const))('%s', async (_, defect) => {
    expect(await found(defect)).not.toEqual([]);
  });
});
