import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { namedPorts } from './machine-ports.ts';

it('finds adapters by what the kernel calls them, and by the name that stays where there is one', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'strikeplate-dev-')));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const name of ['ttyUSB0', 'ttyACM1', 'ttyS0', 'tty1', 'null']) writeFileSync(join(folder, name), '');
  const byId = join(folder, 'serial/by-id');
  mkdirSync(byId, { recursive: true });
  symlinkSync('../../ttyUSB0', join(byId, 'usb-FTDI_FT232R-if00-port0'));
  expect(namedPorts(folder).map(({ path, device }) => [path, device])).toEqual([
    [join(folder, 'ttyACM1'), join(folder, 'ttyACM1')],
    [join(byId, 'usb-FTDI_FT232R-if00-port0'), join(folder, 'ttyUSB0')],
  ]);
  expect(namedPorts(join(folder, 'nowhere'))).toEqual([]);
});
