import { expect, it } from 'vitest';
import { failureOf, isStickTrouble } from './failures.ts';

const of = (code: number, left: boolean) =>
  failureOf(Object.assign(new Error('0x6301 secret words'), { code }), { stick: 'stick', node: 5 }, left);

/** Codes of zwave-js, and what they mean before and after a byte may have left. */
it.each([
  [202, 'device_offline', 'outcome_unknown'],
  [200, 'link_unavailable', 'outcome_unknown'],
  [201, 'device_offline', 'outcome_unknown'],
  [204, 'device_offline', 'outcome_unknown'],
  [215, 'expired', 'outcome_unknown'],
  [102, 'link_unavailable', 'outcome_unknown'],
  [211, 'misconfigured', 'misconfigured'],
  [302, 'misconfigured', 'misconfigured'],
  [1402, 'misconfigured', 'misconfigured'],
  [1405, 'authentication_failed', 'authentication_failed'],
])('%i', (code, before, after) => {
  expect(of(code, false)).toMatchObject({ type: before });
  expect(of(code, true)).toMatchObject({ type: after });
  expect(of(code, false).delivery).not.toBe('maybe_sent');
  if (after === 'outcome_unknown') expect(of(code, true).delivery).toBe('maybe_sent');
  const error = of(code, true);
  expect(error.message).toContain(`zwave-js ${code}`.slice(0, code === 211 ? 0 : undefined));
  expect(`${error.message} ${String(error.cause)}`).not.toContain('secret words');
});

it.each([1400, 1401, 1405])(
  '%i of a node that has the key is no wrong key: it took nothing, and is asked again',
  (code) => {
    const error = failureOf({ code }, { stick: 'stick', node: 5, understood: true }, true);
    expect(error).toMatchObject({ type: 'device_busy', delivery: 'refused' });
  },
);

it('a stick that does not answer is told apart from a node that does not', () => {
  expect([100, 200, 206].every((code) => isStickTrouble({ code, context: 'ACK' }))).toBe(true);
  expect(isStickTrouble({ code: 200, context: 'response' })).toBe(false);
  expect([201, 202, 204, 1405].some((code) => isStickTrouble({ code }))).toBe(false);
  expect(isStickTrouble(new Error('x'))).toBe(false);
});
