import { expect, test } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import { StrangersByAddress } from './connections.ts';

const move = fc.record({
  comes: fc.boolean(),
  address: fc.constantFrom('a', 'b', 'c', 'd'),
  member: fc.integer({ min: 0, max: 15 }),
});

test('whoever is found is the oldest of an address that no other has more of, whoever came and went before', () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 80 }), (moves) => {
      const strangers = new StrangersByAddress<string>();
      const truth = new Map<string, string[]>();
      for (const { comes, address, member } of moves) {
        const name = `${address}${member}`;
        const there = truth.get(address) ?? [];
        if (comes) {
          strangers.add(address, name);
          if (!there.includes(name)) there.push(name);
        } else {
          strangers.delete(address, name);
          if (there.includes(name)) there.splice(there.indexOf(name), 1);
        }
        truth.set(address, there);
        const most = Math.max(...[...truth.values()].map(({ length }) => length));
        expect(strangers.size).toBe([...truth.values()].flat().length);
        expect(strangers.of(address)).toBe(there.length);
        const oldest = [...truth.values()].filter(({ length }) => length === most && most > 0).map(([first]) => first);
        if (most === 0) expect(strangers.oldestOfMost()).toBeUndefined();
        else expect(oldest).toContain(strangers.oldestOfMost());
      }
    }),
  );
});
