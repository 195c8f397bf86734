import { expect, test } from 'vitest';
import { connectionLimits } from './connections.ts';

test('connections stay below the limit of open files, with descriptors kept back for everything that is not HTTP', () => {
  for (const descriptors of [64, 128, 512, 1_024, 4_096, 524_288]) {
    for (const wanted of [undefined, 16, 1_000, 100_000]) {
      const { total, strangers } = connectionLimits(wanted, descriptors);
      const keptBack = descriptors - total;
      expect(keptBack).toBeGreaterThanOrEqual(Math.min(256, descriptors / 2));
      if (wanted !== undefined) expect(total).toBeLessThanOrEqual(wanted);
      // Room for keys that are valid.
      expect(strangers).toBeLessThan(total);
    }
  }
  expect(connectionLimits(undefined, 4_096)).toEqual({ total: 2_048, strangers: 1_536 });
});

test('a machine with few descriptors has connections all the same', () => {
  const { total, strangers } = connectionLimits(undefined, 20);
  expect([total, strangers]).toEqual([16, 12]);
});
