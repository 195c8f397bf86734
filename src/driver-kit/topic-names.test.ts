import { describe, expect, test } from 'vitest';
import { topicNameProblem } from './topic-names.ts';

describe('a name in a topic', () => {
  test.each([
    'Front Door',
    'House/Küche',
    'Дверь',
    "Anna's room",
    'Tür (links), 2. Stock',
    '0x00158d0001dc1a53',
    '玄関',
    'a$b',
  ])('may be %s', (name) => expect(topicNameProblem(name)).toBeUndefined());
  test.each([
    ['', 'empty'],
    ['a+b', 'wildcards'],
    ['a/#', 'wildcards'],
    ['$SYS/broker', '\\$SYS'],
    ['/a', 'begin or end with /'],
    ['a//b', 'empty level'],
    [' a', 'blanks'],
    ['a/ b', 'blanks'],
    ['a\tb', 'control characters'],
    ['Fr\u200Bont', 'U\\+200B'],
    ['Front\u00A0Door', 'U\\+00A0'],
    ['Front\u202EDoor', 'U\\+202E'],
    ['Ku\u0308che', 'NFC'],
    ['Fr\u043Ent', 'Latin and Cyrillic'],
    ['D\u03BFor', 'Latin and Greek'],
  ])('may not be %j', (name, words) => expect(topicNameProblem(name)).toMatch(new RegExp(words)));
});
