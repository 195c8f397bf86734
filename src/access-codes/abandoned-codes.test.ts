import { expect, it } from 'vitest';
import { coreFixture, scriptedCore } from '../../test/kit/gateway/core-fixture.ts';
import { ScriptedKeypad } from '../../test/kit/locks/scripted-keypad.ts';
import { aCode } from '../../test/kit/store/store-records.ts';
import { recordLog } from '../driver-testing/recorded-log.ts';
import { Serializers } from '../wire/serializers.ts';
import { warnOfAbandoned } from './code-reconciler.ts';

it('are counted in the log at the start, for each lock that is configured no more', () => {
  const log = recordLog();
  const codes = [
    aCode(1, { deviceId: 'gone' }),
    aCode(2, { deviceId: 'gone' }),
    aCode(3, { deviceId: 'gone', placements: [] }),
    aCode(4, { deviceId: 'bare', placements: [] }),
    aCode(5, { deviceId: 'front' }),
  ];
  const registry = { get: (deviceId: string) => (deviceId === 'front' ? ({} as never) : undefined) };
  warnOfAbandoned({ repository: { list: () => codes }, registry, log: log.logger });
  expect(log.lines).toMatchObject([{ deviceId: 'gone', codes: 2 }]);
});

it('say so themselves, and what to do before they can be deleted', async () => {
  const first = await scriptedCore({ keypad: new ScriptedKeypad() });
  const { attempt, code } = await first.core.accessCodes.create({ deviceId: 'front' }, first.origin());
  await first.clock.until(first.end(attempt));
  const second = coreFixture({ clock: first.clock, store: first.store.crash(), devices: [] });
  await second.core.start();
  const { accessCodes } = second.core;
  const kept = accessCodes.list()[0] ?? code;
  expect(new Serializers(second.core).accessCode(kept, { may: () => false })).toMatchObject({
    status: 'set',
    errors: [{ error_code: 'device_removed', message: expect.stringContaining('no longer in the configuration') }],
  });
  const refusal = { type: 'device_not_found', message: expect.stringContaining('Put the lock back') };
  await expect(accessCodes.delete(code.accessCodeId, second.origin())).rejects.toMatchObject(refusal);
  await expect(accessCodes.update(code.accessCodeId, { name: 'x' }, second.origin())).rejects.toMatchObject(refusal);
});
