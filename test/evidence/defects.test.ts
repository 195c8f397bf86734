import { readFileSync } from 'node:fs';
import { transformSync } from '@swc/core';
import { describe, expect, it } from 'vitest';
import { fc } from '../kit/seeded-properties.ts';
import { behindMiddlemen, type Engine, historiesOf, lieIn, play, spokenTo } from './histories.ts';

/** In the order of their imports. */
const files = ['state', 'weighing', 'judge'] as const;
type File = (typeof files)[number];

/** What somebody could get wrong in the engine: a few words of its source, and what stands there instead. */
const defects: readonly (readonly [string, File, string, string])[] = [
  [
    'chatter is taken for answers',
    'state',
    'return Math.min(shortestUnaskedMs, ',
    'return 1e9 + Math.min(shortestUnaskedMs, ',
  ],
  ['one word that could be an answer is one', 'judge', 'const needed = 2 + state.stale +', 'const needed = 1 +'],
  ['answers to earlier questions are forgotten', 'judge', 'const needed = 2 + state.stale +', 'const needed = 2 +'],
  ['a report that was under way before the send counts', 'judge', 'claim.at - traits.oldByMs;', 'claim.at;'],
  ['a retained state is a word of the device', 'judge', 'claim.kept || claim.carried', 'claim.carried'],
  ['a cached state that rides along is a word of the device', 'judge', 'claim.kept || claim.carried', 'claim.kept'],
  [
    'a gap joins what lies before and after it',
    'state',
    'return { since: now, hadGap: known.size > 0, known, asked: memory.asked };',
    'return memory;',
  ],
  [
    'the first word after a gap is believed',
    'state',
    "const isSure = how === 'answer' ||",
    "const isSure = true || how === 'answer' ||",
  ],
  ['a named cause needs no age', 'judge', 'if (since < sentAt)', 'if (since < sentAt && claim.cause === undefined)'],
  ['a late answer is that of the next question', 'judge', 'Math.min(open.began, ...late)', 'open.began'],
  ['what a bridge says of its own command is believed', 'judge', '(isChange && !traits.echoes)', 'isChange'],
  [
    'already there is called confirmed',
    'weighing',
    'before !== undefined && before !== value &&',
    'before !== undefined &&',
  ],
  [
    'elsewhere is called a refusal',
    'weighing',
    "return { end: 'not_reached', value: elsewhere.value };\n  const reason",
    "return { end: 'refused', reason: undefined };\n  const reason",
  ],
  [
    'a broker’s acknowledgement is the device’s',
    'judge',
    "traits.acknowledgedBy === 'device' &&",
    "traits.acknowledgedBy !== 'nobody' &&",
  ],
  [
    'a jam that is told ends the command, whenever it was',
    'judge',
    'const next = { ...state, before, stuckTold };',
    "if (value === 'stuck') return { ...state, verdict: { end: 'stuck' } };\n  const next = { ...state, before, stuckTold };",
  ],
];

const source = (file: File): string => readFileSync(`src/driver-kit/evidence/${file}.ts`, 'utf8');

/** @returns the address of a module that exists nowhere else */
function moduleOf(text: string): string {
  const { code } = transformSync(text, {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'es6' },
  });
  return `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`;
}

async function engineWith(changed: File, right: string, wrong: string): Promise<Engine> {
  expect(source(changed).split(right), 'the words to be changed stand once in the source').toHaveLength(2);
  const addresses = new Map<File, string>();
  for (const file of files) {
    let text = file === changed ? source(file).replace(right, () => wrong) : source(file);
    for (const [other, address] of addresses) text = text.replace(`'./${other}.ts'`, `'${address}'`);
    addresses.set(file, moduleOf(text));
  }
  const load = (file: File) => import(/* @vite-ignore */ addresses.get(file) ?? '');
  const { judge } = await load('judge');
  const memory = await load('state');
  return { judge, begin: memory.begin, memory };
}

describe('a defect in the engine', () => {
  it('is none as long as nothing was changed', async () => {
    const engine = await engineWith('judge', 'const STRAGGLE_MS = 500;', 'const STRAGGLE_MS = 500; ');
    for (const history of fc.sample(historiesOf([...behindMiddlemen, ...spokenTo]), 500))
      expect(lieIn(history, play(history, engine))).toBeUndefined();
  });

  it.each(defects)('is caught: %s', async (_, file, right, wrong) => {
    const engine = await engineWith(file, right, wrong);
    const { failed } = fc.check(
      fc.property(historiesOf([...behindMiddlemen, ...spokenTo]), (history) => {
        const lie = lieIn(history, play(history, engine));
        if (lie !== undefined) throw new Error(lie);
      }),
      { numRuns: 30_000, endOnFailure: true },
    );
    expect(failed).toBe(true);
  });
});
