import { describe, expect, it } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import { historyOf, historyParameter } from './history-column.ts';
import { inFull } from './short-texts.mjs';

describe('the column of an attempt’s history', () => {
  it('gives back every history to the last digit', () => {
    const time = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
    const wall = time.map((at) => at + 0);
    const evidence = fc.record({
      at: wall,
      source: fc.constantFrom('told', 'answer', 'judgement'),
      about: fc.option(fc.oneof(fc.string(), fc.constantFrom('bolt', 'locked', '3')), { nil: undefined }),
      value: fc.option(fc.oneof(fc.string(), fc.constantFrom('bolt', 'locked', '3')), { nil: undefined }),
      verdict: fc.constantFrom('proves', 'not_counted'),
      times: fc.nat(),
    });
    const text = fc.oneof(fc.string(), fc.constantFrom('accepted', 'its turn', '7', 'done'));
    const entry = fc.record(
      { state: text, at: wall, reason: text, evidence: fc.array(evidence) },
      { requiredKeys: ['state', 'at', 'reason'] },
    );
    fc.assert(
      fc.property(fc.array(entry), (history) => {
        expect(historyOf(historyParameter(history))).toEqual(history);
      }),
    );
  });

  it('keeps a history short', () => {
    const at = 1_777_629_600_000;
    const history = ['accepted', 'sending'].map((state, index) => ({ state, at: at + 7 * index, reason: '' }));
    expect(historyParameter(history)).toBe('[[0,1777629600000,""],[3,7,""]]');
  });

  it('reads what earlier versions wrote', () => {
    const at = 1_777_629_600_000;
    const heard = [
      [3, 'told', 'proves', 'bolt', 'unlocked', 2],
      ['1777629600000.25', 'answer', 'held', null, null, 1],
    ];
    const column = JSON.stringify([
      ['accepted', at, 'the request was received'],
      ['confirming', 2, 'sent', heard],
    ]);
    expect(historyOf(column)).toEqual([
      { state: 'accepted', at, reason: 'the request was received' },
      {
        state: 'confirming',
        at: at + 2,
        reason: 'sent',
        evidence: [
          { at: at + 3, source: 'told', verdict: 'proves', about: 'bolt', value: 'unlocked', times: 2 },
          { at: at + 0.25, source: 'answer', verdict: 'held', about: undefined, value: undefined, times: 1 },
        ],
      },
    ]);
  });

  it('reads what this version wrote, however its words are sorted later', () => {
    const column =
      '[[0,1777629600000,10],[2,1,12],[3,1,13],[4,2,16,[[3,19,27,41,45,1],[4,26,40,43,46,1]]],[7,4,17],[8,4,18]]';
    const heard = {
      at: 1_777_629_600_003,
      source: 'told',
      verdict: 'proves',
      about: 'bolt',
      value: 'unlocked',
      times: 1,
    };
    const judged = {
      at: heard.at + 1,
      source: 'judgement',
      verdict: 'decides',
      about: 'change',
      value: 'confirmed',
      times: 1,
    };
    const entries = historyOf(column);
    expect(entries.map(({ state, reason }) => [state, reason])).toEqual([
      ['accepted', 'the request was received'],
      ['connecting', 'its turn'],
      ['sending', 'about to send'],
      ['confirming', 'the command leaves'],
      ['recording', 'the device answered'],
      ['succeeded', 'done'],
    ]);
    expect(entries[3]?.evidence).toEqual([heard, judged]);
    expect(inFull(historyParameter(entries))).toBe(column);
  });
});
