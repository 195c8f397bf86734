import { describe, expect, it } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import { inFull, shortActor, shortDetails, shortEntry, shortHistory } from './short-texts.mjs';

const entry = {
  ...{ n: 7, at: 1_796_092_542_131, kind: 'attempt' },
  by: { kind: 'api_key', api_key_id: 'key_MeADX2OPFIFs', address: '127.0.0.1' },
  action_attempt_id: '01a22f75-3ca4-72cb-af2f-0002d67b6ba6',
  action_type: 'LOCK_DOOR',
  device_id: '5018767d-9292-53a8-b8ab-4778e04a9ff7',
  asked_at: 1_796_092_542_116,
  outcome: 'success',
};

/** Every row that was ever written is read by these: a character that meant something means it for ever. */
const written = [
  [
    shortEntry,
    JSON.stringify(entry),
    '{"n":7,"at":1796092542131\u0001key_MeADX2OPFIFs\u0002127.0.0.1\u000301a22f75-3ca4-72cb-af2f-0002d67b6ba6\u0004' +
      '5018767d-9292-53a8-b8ab-4778e04a9ff7\u00081796092542116\u000b',
  ],
  [
    shortEntry,
    JSON.stringify({ ...entry, action_type: 'UNLOCK_DOOR', outcome: 'device_offline' }),
    '{"n":7,"at":1796092542131\u0001key_MeADX2OPFIFs\u0002127.0.0.1\u000301a22f75-3ca4-72cb-af2f-0002d67b6ba6\u0005' +
      '5018767d-9292-53a8-b8ab-4778e04a9ff7\u00081796092542116,"outcome":"device_offline"}',
  ],
  [shortActor, '["api_key","key_a","bench","::1"]', '\u000ckey_a","bench","::1"]'],
  [shortDetails, '{"was_confirmed_by_device":true}', '\u000e'],
  [shortDetails, '{"was_confirmed_by_device":false}', '\u000f'],
  [shortDetails, '{"action_type":"LOCK_DOOR","status":"success"}', '\u0010'],
  [shortDetails, '{"action_type":"UNLOCK_DOOR","status":"success"}', '\u0011'],
  [shortDetails, '{"method":"remote"}', '\u0012'],
  [
    shortHistory,
    '[[0,1796092542116,10],[2,14,12],[3,14,13],[4,14,16,[[15,22,38,null,null,1],[15,19,27,41,44,1],[15,19,36,41,44,1],' +
      '[15,26,40,43,46,1]]],[7,15,17],[8,15,18]]',
    '[[0,1796092542116\u001314\u001414\u001514\u001615\u001715,19\u001815,19\u001a15\u001c15\u001d15\u001e',
  ],
  [shortHistory, '[15,19,27,41,45,1],[15,19,36,41,45,1],[', '[15,19\u001915,19\u001b'],
] as const;

describe('what is written shorter', () => {
  it.each(written)('%o %s', (shorten, json, short) => {
    expect({ short: shorten(json), again: inFull(short) }).toEqual({ short, again: json });
  });

  it('is the same again to the last character, whatever stands in it', () => {
    const words = written.flatMap(([, json, short]) => [json, short]);
    const part = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom(...words));
    const text = fc.array(part, { maxLength: 3 }).map((parts) => parts.join(''));
    const value = fc.oneof(text, fc.dictionary(text, text, { maxKeys: 3 }), fc.array(text), fc.jsonValue());
    const shorten = fc.constantFrom(shortEntry, shortActor, shortDetails, shortHistory);
    fc.assert(
      fc.property(value, shorten, (any, shorter) => {
        const json = JSON.stringify(any);
        expect(inFull(shorter(json))).toBe(json);
      }),
    );
  });

  it('stands on one line, and earlier rows are read as they are', () => {
    for (const [, json, short] of written) {
      expect(short).not.toMatch(/[\0\t\n\r]/);
      expect(inFull(json)).toBe(json);
    }
  });
});
