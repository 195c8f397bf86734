import { describe, expect, it } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import type { Actor } from '../model/records.ts';
import { actorOf, actorParameter, idColumn, idOf, idParameter } from './columns.ts';

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
