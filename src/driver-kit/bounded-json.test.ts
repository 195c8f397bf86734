import { describe, expect, test } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import { boundedJson } from './bounded-json.ts';

describe('JSON of a device', () => {
  test('is what JSON.parse makes of it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        expect(boundedJson(Buffer.from(JSON.stringify(value)))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test.each([
    ['brackets', '['.repeat(33) + ']'.repeat(33)],
    ['braces', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`],
    ['without an end', '['.repeat(60_000)],
    ['behind a text with brackets', `{"t":"\\"[[[","a":${'['.repeat(33)}${']'.repeat(33)}}`],
  ])('is none when it is nested too deep: %s', (_name, text) => {
    expect(boundedJson(Buffer.from(text))).toBeUndefined();
  });

  test('may hold brackets in its texts, and be nested as deep as bridges nest', () => {
    const text = JSON.stringify({ a: '['.repeat(1_000), b: '\\"{{'.repeat(100) });
    expect(boundedJson(Buffer.from(text))).toEqual(JSON.parse(text));
    expect(boundedJson(Buffer.from('['.repeat(32) + ']'.repeat(32)))).toBeInstanceOf(Array);
    expect(boundedJson(Buffer.from('{'))).toBeUndefined();
  });
});
