import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { serviceManager } from './service-manager.ts';

/** A folder to find a systemd-notify in that writes down what it is told. test/peers has the real one. */
function folderWithScribe() {
  const folder = mkdtempSync(join(tmpdir(), 'strikeplate-notify-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const heard = join(folder, 'heard');
  writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> ${heard}\n`);
  chmodSync(join(folder, 'systemd-notify'), 0o755);
  const lines = () => (existsSync(heard) ? readFileSync(heard, 'utf8').trimEnd().split('\n') : []);
  return { env: { NOTIFY_SOCKET: '/run/n', PATH: `${folder}:/usr/bin:/bin` }, lines };
}

it('tells systemd that the service is up, alive and going', async () => {
  const { env, lines } = folderWithScribe();
  const manager = serviceManager({ ...env, WATCHDOG_USEC: '3000', WATCHDOG_PID: String(process.pid) });
  manager.ready('listening on\nhttp://127.0.0.1:8080');
  while (!lines().includes('/run/n WATCHDOG=1')) await setImmediate();
  await manager.stopping();
  const [status, ready, ...rest] = lines();
  expect([status, ready]).toEqual(['/run/n STATUS=listening on http://127.0.0.1:8080', '/run/n READY=1']);
  expect(rest.at(-1)).toBe('/run/n STOPPING=1');
  expect(new Set(rest.slice(0, -1))).toEqual(new Set(['/run/n WATCHDOG=1']));
});

it('feeds no watchdog that is not there, or is for another process', async () => {
  for (const watchdog of [{}, { WATCHDOG_USEC: '3000', WATCHDOG_PID: '1' }, { WATCHDOG_USEC: 'soon' }]) {
    const { env, lines } = folderWithScribe();
    const manager = serviceManager({ ...env, ...watchdog });
    manager.ready('up');
    await manager.stopping();
    expect(lines()).toEqual(['/run/n STATUS=up', '/run/n READY=1', '/run/n STOPPING=1']);
  }
});

it('says nothing where no service manager listens', async () => {
  const manager = serviceManager({});
  manager.ready('up');
  await manager.stopping();
});

it('goes on when the messenger is gone', async () => {
  const manager = serviceManager({ NOTIFY_SOCKET: '/run/n', PATH: '/nowhere' });
  manager.ready('up');
  await manager.stopping();
});
