import { describe, expect, it } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import type { Actor } from '../model/records.ts';
import { actorOf, actorParameter, historyOf, historyParameter, idColumn, idOf, idParameter } from './columns.ts';

describe('columns', () => {
  it('gives back every identifier, however it looks', () => {
    const ids = fc.oneof(
      fc.uuid(),
      fc.uuid().map((id) => id.toUpperCase()),
      fc.uuid().map((id) => id.replaceAll('-', '')),
      fc.string(),
    );
    fc.assert(
      fc.property(ids, (id) => {
        expect(idOf(idColumn(id))).toBe(id);
      }),
    );
  });

  it('keeps a UUID in 16 bytes', () => {
    expect(idColumn('019a0000-0000-7000-8000-00000000abcd')).toEqual(
      Buffer.from('019a000000007000800000000000abcd', 'hex'),
    );
    expect(idParameter('019a0000-0000-7000-8000-00000000abcd')).toEqual({ hex: '019a000000007000800000000000abcd' });
    expect(idParameter('front-door')).toBe('front-door');
  });

  it('gives back every history to the last digit', () => {
    const time = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
    const wall = time.map((at) => at + 0);
    const evidence = fc.record({
      at: wall,
      source: fc.constantFrom('told', 'answer', 'judgement'),
      about: fc.option(fc.string(), { nil: undefined }),
      value: fc.option(fc.string(), { nil: undefined }),
      verdict: fc.constantFrom('proves', 'not_counted'),
      times: fc.nat(),
    });
    const entry = fc.record(
      { state: fc.string(), at: wall, reason: fc.string(), evidence: fc.array(evidence) },
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
    expect(historyParameter(history)).toBe('[["accepted",1777629600000,""],["sending",7,""]]');
  });

  it('gives back every actor', () => {
    const actors: Actor[] = [
      { kind: 'api_key', keyId: 'key_1', name: 'Réception "A"', address: '::1' },
      { kind: 'cli', name: 'root' },
      { kind: 'mqtt', name: 'mqtt/main' },
      { kind: 'schedule' },
      { kind: 'reconcile' },
    ];
    for (const actor of actors) expect(actorOf(actorParameter(actor))).toEqual(actor);
  });
});
