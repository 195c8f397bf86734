import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** What the kit has once, what it looks like when a driver makes its own, and a driver that does. */
const kept = [
  [
    'a permit wrapper: observedPermit',
    /\bspend\s*(?::|\()(?!\s*\)?\s*;)|\bwithdraw\s*:/,
    'const mine = { sendBy, spend: () => permit.spend(), withdraw: () => permit.withdraw() };',
  ],
  ['a class of its own for what was heard: Mailbox', /class \w*(?:Inbox|Mailbox|Queue)\b/, 'class MyInbox<Event> {}'],
  ['a queue of what was heard: Mailbox', /\.shift\(\)/, 'const next = this.#heard.shift();'],
  [
    'a wait of its own: Mailbox, sleep, unlessAborted',
    /new Promise(?:<[^>]*>)?\(\s*(?:async\s*)?\(\s*\w/,
    'await new Promise<void>((resolve) => { this.#wake = resolve; });',
  ],
  [
    'a wait of its own: Mailbox, sleep, unlessAborted',
    /Promise\.withResolvers\b/,
    'const { promise, resolve } = Promise.withResolvers<void>();',
  ],
  [
    'a listener at a signal: underSignals, unlessAborted',
    /addEventListener\(\s*['"]abort|\.onabort\b/,
    "ctx.signal.addEventListener('abort', done, { once: true });",
  ],
  [
    'either of two waits: underSignals, Mailbox.whileOpen',
    /Promise\.(?:race|any)\(/,
    'await Promise.race([answer, late]);',
  ],
  [
    'either of two signals: underSignals',
    /AbortSignal\.(?:any|timeout)\(/,
    'const signal = AbortSignal.any([ctx.signal, closing]);',
  ],
  [
    'a rule of what is confirmed: EvidenceBook, doorOutcome',
    /\bwasConfirmedByDevice\s*[:,}]/,
    "return { wasConfirmedByDevice: state === 'locked' };",
  ],
  [
    'a verdict: EvidenceBook, foundThere',
    /\bend:\s*'(?:confirmed|unconfirmed|not_reached|unknown|stuck|refused)'/,
    "return { end: 'confirmed', by: 'change' };",
  ],
  [
    'a count of how often the same was heard: Traits, EvidenceBook',
    /\b(?:times|often|count)(?:Seen|Heard|Told|Alike)\b|\b(?:seen|heard|told|alike)(?:Times|Count)\b/,
    'if (++this.#timesHeard >= 2) return done;',
  ],
] as const;

const files = readdirSync('drivers', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const isProduct = (file: string): boolean => !/\.test\.ts$|simulat/.test(file);
const findings = (text: string): string[] => kept.flatMap(([what, looks]) => (looks.test(text) ? [what] : []));

describe('what the driver kit has once', () => {
  it.each(files.filter(isProduct))('%s does not make its own', (file) => {
    expect(findings(readFileSync(`drivers/${file}`, 'utf8'))).toEqual([]);
  });

  it.each(kept)('%s: a driver that makes its own is found', (what, _, planted) => {
    expect(findings(planted)).toContain(what);
  });
});
