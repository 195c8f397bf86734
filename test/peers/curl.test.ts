import { execFileSync } from 'node:child_process';
import { beforeAll, expect, it } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';
import { demonstration, printedCommands } from '../kit/gateway/demonstration.ts';
import { peerProgram } from './kit/peer-program.ts';

const curl = peerProgram('curl', 'curl');

beforeAll(() => ensureBuilt());

it.skipIf(curl === undefined)('the printed commands work as printed, in a shell and with curl', async () => {
  const gateway = await (await demonstration()).start();
  const [list, unlock, see] = printedCommands(gateway).map((line) =>
    JSON.parse(execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8' })),
  );
  expect(list.devices).toHaveLength(6);
  expect(unlock.action_attempt).toMatchObject({ action_type: 'UNLOCK_DOOR' });
  expect(see.action_attempts).toMatchObject([{ action_attempt_id: unlock.action_attempt.action_attempt_id }]);
});
