import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { RecordedTerminal } from '../../test/kit/command-line/recorded-terminal.ts';
import { readZwaveKeys } from '../config/zwave-keys.ts';
import { createZwaveKeys } from './keys.ts';

it('makes keys that can be used, shows none, and writes over no others', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'strikeplate-keys-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'state', 'zwave.keys');
  const terminal = new RecordedTerminal(folder);
  createZwaveKeys(terminal, 'state/zwave.keys');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const before = readFileSync(file, 'utf8');
  expect(terminal.output).not.toContain((await readZwaveKeys(file)).S0_Legacy.toString('hex'));
  expect(() => createZwaveKeys(terminal, file)).toThrow(/exists already, and the locks of its network need/);
  expect(readFileSync(file, 'utf8')).toBe(before);
});
