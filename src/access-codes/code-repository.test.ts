import { expect, test } from 'vitest';
import { Secret } from '../contract/index.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { MemoryStore } from '../store/memory-store.ts';
import { CodeRepository } from './code-repository.ts';
import { newRecord } from './new-code.ts';
import { usualSettings } from './settings.ts';

test('the codes of a busy door are opened once each, however often others are compared with them', () => {
  let opened = 0;
  const clock = new SimulatedClock();
  const repository = new CodeRepository({
    store: new MemoryStore({ clock }).read,
    vault: {
      seal: (code) => Buffer.from(code.reveal()),
      open: (sealed) => {
        opened += 1;
        return new Secret(Buffer.from(sealed).toString());
      },
      mark: (code) => code.reveal(),
    },
    events: { record: () => ({ kind: 'fact_removed', name: 'nothing' }) },
    settings: usualSettings,
    moment: () => ({ at: clock.wallTime(), sure: true }),
    rulesOf: () => undefined,
  });
  const ongoing = { startsAt: undefined, endsAt: undefined };
  const count = 50;
  for (let number = 0; number < count; number++) {
    const about = { accessCodeId: `code-${number}`, deviceId: 'front', createdAt: clock.wallTime() };
    repository.save(newRecord(repository, about, new Secret(String(1_000 + number)), {}, ongoing));
  }
  opened = 0;
  const find = (digits: string, exceptId?: string) =>
    repository.duplicateOf(new Secret(digits), 'front', ongoing, exceptId)?.accessCodeId;
  for (let round = 0; round < 10; round++) {
    expect([find('1000'), find('1049'), find('1050'), find('1000', 'code-0')]).toEqual([
      'code-0',
      'code-49',
      undefined,
      undefined,
    ]);
  }
  expect(opened).toBe(count);
  // Other digits are another secret, which is opened anew.
  repository.change('code-49', { sealedCode: Buffer.from('1050') });
  expect([find('1049'), find('1050'), opened]).toEqual([undefined, 'code-49', count + 1]);
});
