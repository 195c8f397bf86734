import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** What the kit has once, and what it looks like when a driver makes its own. */
const kept = [
  ['a permit wrapper: observedPermit', /\bspend\s*(?::|\()(?!\s*\)?\s*;)|\bwithdraw\s*:/],
  ['a queue of what was heard: Inbox', /class \w*(?:Inbox|Mailbox)\b/],
  ['either of two signals: underSignals', /AbortSignal\.any\(/],
] as const;

const files = readdirSync('drivers', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const isProduct = (file: string): boolean => !/\.test\.ts$|simulat/.test(file);
const findings = (text: string): string[] => kept.flatMap(([what, looks]) => (looks.test(text) ? [what] : []));

describe('what the driver kit has once', () => {
  it.each(files.filter(isProduct))('%s does not make its own', (file) => {
    expect(findings(readFileSync(`drivers/${file}`, 'utf8'))).toEqual([]);
  });

  it.each([
    'const mine = { sendBy, spend: () => permit.spend(), withdraw: () => permit.withdraw() };',
    'class MyInbox<Event> {}',
    'const signal = AbortSignal.any([ctx.signal, closing]);',
  ])('a driver that does is found: %s', (text) => {
    expect(findings(text)).not.toEqual([]);
  });
});
