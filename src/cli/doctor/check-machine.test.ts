import { expect, it } from 'vitest';
import { checkMemory } from './check-machine.ts';
import { thisBox } from './surroundings.ts';

it.each([
  [4_500, 512, 'ok'],
  [4_501, 512, 'warning'],
  [10_000, 1_024, 'ok'],
  [10_000, undefined, 'ok'],
])('%i devices in a service that may take %s MiB: %s', (devices, mib, verdict) => {
  const limitBytes = mib === undefined ? undefined : mib << 20;
  const [finding] = checkMemory(devices, { ...thisBox, memory: () => ({ limitBytes, availableBytes: 1 << 30 }) });
  expect(finding?.verdict).toBe(verdict);
  if (verdict === 'warning') expect(finding?.run).toContain('many-doors.conf');
});
