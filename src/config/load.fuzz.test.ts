import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { configFolder, good } from '../../test/kit/command-line/config-folder.ts';
import { fc } from '../../test/kit/seeded-properties.ts';
import { ConfigError } from './problems.ts';

/** Words that a configuration, or YAML itself, gives a meaning to. */
const word = fc.constantFrom(
  ...['gateway', 'id', 'http', 'mqtt', 'main', 'url', 'devices', 'driver', 'mqtt/bell', 'link', 'settings', 'limits'],
  ...['simulation', '__proto__', 'constructor', 'toString', '<<', '*a', '&a', '!!map', '? ', '- ', ': ', '{', '}', '['],
  ...[
    ']',
    '|',
    '>',
    '"',
    "'",
    '#',
    '---',
    '...',
    '%YAML 1.1',
    '\t',
    '\n',
    '\n  ',
    '~',
    '.nan',
    '.inf',
    '1e999',
    '\u0000',
  ],
  ...['\u2028', '\ufeff', '\ud800'],
);

/** `good` with pieces cut out and words put in. */
const edited = fc
  .array(fc.tuple(fc.nat(good.length), fc.nat(12), fc.oneof(word, fc.string({ maxLength: 8 }))), { maxLength: 6 })
  .map((edits) => edits.reduce((text, [at, cut, put]) => `${text.slice(0, at)}${put}${text.slice(at + cut)}`, good));

const value = fc.letrec((tie) => ({
  node: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, 0, -1, 1.5, 'main', 'mqtt/bell', 'front', ''),
    fc.array(tie('node'), { maxLength: 3 }),
    fc.dictionary(word, tie('node'), { maxKeys: 5 }),
  ),
})).node;

describe('whatever stands in the file', () => {
  const endsInOneOfThem = async (load: (text: string) => Promise<unknown>, text: string) => {
    try {
      await load(text);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      expect(error.problems.length).toBeGreaterThan(0);
      for (const problem of error.message.split('\n'))
        expect(problem).toMatch(/gateway\.yaml:[1-9]\d*:[1-9]\d* \S.*: .+[.!?]$/);
    }
  };

  it('loading it ends in a configuration or in a ConfigError', async () => {
    const { load } = configFolder();
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.array(word, { maxLength: 40 }).map((words) => words.join('')),
          edited,
          value.map((tree) => stringify(tree)),
        ),
        (text) => endsInOneOfThem(load, text),
      ),
      { numRuns: 300 },
    );
  });
});
