import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { silentLog } from '../../src/driver-testing/command-context.ts';
import { driverOptions } from '../../src/transports/zwave/driver-options.ts';
import { loadZwaveDatabases, loadZwaveLibrary } from '../../src/transports/zwave/index.ts';
import { zwaveLog } from '../../src/transports/zwave/log-bridge.ts';
import { socatProgram } from './kit/tty-pair.ts';
import {
  libraryTime,
  type newKeys,
  type SiteOptions,
  until,
  ZwaveNetwork,
  type ZwaveSite,
  zwaveSite,
} from './kit/zwave-site.ts';

/*
 * What becomes of a stick and of what is known of its network. In the library's time, as zwave-faults: nothing asserts
 * how long something took, but the stick does stay away as long as a test says.
 */

const done = { status: 'success', confirmed: true };
const failed = (error: string) => ({ status: 'error', error });

describe.skipIf(socatProgram === undefined)('a Z-Wave stick', () => {
  const open: { close(): Promise<void> }[] = [];
  const networks: ZwaveNetwork[] = [];
  let time: ReturnType<typeof libraryTime>;
  beforeEach(() => {
    time = libraryTime(() => networks);
  });
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
    networks.length = 0;
    await time.end();
  });
  const networkOf = async (nodes: readonly object[], homeId?: string, keys?: ReturnType<typeof newKeys>) => {
    const network = await ZwaveNetwork.open(nodes, homeId, keys);
    open.push(network);
    networks.push(network);
    return network;
  };
  const siteOn = async (network: ZwaveNetwork, options: SiteOptions): Promise<ZwaveSite> => {
    const site = await zwaveSite(network, options);
    open.push(site);
    // It depends on how busy the machine was: whoever reads the failure has nothing else to go by.
    onTestFailed(() => console.error(site.log.text, site.stories));
    return site;
  };
  const V1 = { kind: 'lock', node: 3, codes: 'user_code_1', secure: false, listens: 'always' };
  const V2 = { kind: 'lock', node: 2, listens: 'always' };

  describe('that is pulled', () => {
    it.each([3, 30])('for %i s: told at once, obeys afterwards, and nothing is sent late', async (seconds) => {
      const network = await networkOf([V1]);
      // Back in its port, the stick takes its five seconds, or what a busy machine makes of them.
      const outlasts = seconds === 3 && { door: { sendByMs: 120_000, deadlineMs: 180_000 } };
      const site = await siteOn(network, { keypads: [3], ...outlasts });
      const lock = network.simulated.lock(3);
      await site.online([3]);
      await network.ttys.unplug();
      await until(() => site.stick.state.status === 'down');
      expect(site.at(3)?.health).toMatchObject({ status: 'offline', reason: 'link_down' });
      const away = time.passes(seconds * 1_000);
      const story = site.door(3, 'unlock');
      if (seconds > 8) expect(await story).toMatchObject(failed('link_unavailable'));
      await away;
      expect(lock.commands).toEqual([]);
      await network.ttys.plug();
      // Within its send_by the command waits for the stick; afterwards it ended long ago.
      if (seconds < 8) expect(await story).toMatchObject(done);
      await site.online([3]);
      expect(lock.commands).toHaveLength(seconds < 8 ? 1 : 0);
      // Nothing tells a LOCK on a bolt that is locked already, by a lock that has no word for it, from none.
      const confirmed = lock.bolt !== 'locked';
      expect(await site.door(3, 'lock')).toMatchObject({ status: 'success', confirmed });
      expect(await site.door(3, 'unlock')).toMatchObject(done);
      expect(lock.movements).toBe(seconds < 8 ? 3 : 1);
    });

    it.each([0, 1, 2])('while file %i of its network is being opened: obeys when it is back', async (file) => {
      const network = await networkOf([V1]);
      const files = await loadZwaveDatabases();
      let opened = 0;
      let isHeld = false;
      const databases: typeof files = {
        createInstance: (filename, options) => {
          const database = files.createInstance(filename, options);
          const begin = database.open.bind(database);
          database.open = async () => {
            opened += 1;
            if (opened !== file + 1) return begin();
            await network.ttys.unplug();
            // Longer than anybody waits for the library to let go.
            await time.passes(8_000);
            await begin();
            isHeld = true;
          };
          return database as never;
        },
      };
      const site = await siteOn(network, { keypads: [3], databases });
      await until(() => isHeld);
      await network.ttys.plug();
      await site.online([3]);
      expect(await site.door(3, 'unlock')).toMatchObject(done);
    });

    // What the library keeps of a network it holds under locks, and it does not give back what looks old by the clock.
    it('long after it was opened: obeys when it is back', async () => {
      const network = await networkOf([V1]);
      const site = await siteOn(network, { locks: [3] });
      await site.online([3]);
      await time.passes(12_000);
      await network.ttys.unplug();
      await until(() => site.stick.state.status === 'down');
      await network.ttys.plug();
      await until(() => site.stick.reconnects === 1);
      await site.online([3]);
      expect(await site.door(3, 'unlock')).toMatchObject(done);
    });

    it('just after a command left: looked at again when it is back, and not sent again', async () => {
      const network = await networkOf([V1]);
      const site = await siteOn(network, { keypads: [3] });
      const lock = network.simulated.lock(3);
      await site.online([3]);
      lock.faults = { movesLate: { ms: 200, tells: false } };
      const story = site.door(3, 'unlock');
      await until(() => lock.commands.length > 0);
      await network.ttys.unplug();
      await time.passes(1_000);
      await network.ttys.plug();
      expect(await story).toMatchObject(done);
      await site.online([3]);
      expect([lock.commands.length, lock.movements]).toEqual([1, 1]);
    });
  });

  describe('whose state directory was lost', () => {
    it.each([
      ['User Code 1', V1],
      ['User Code 2 on S2', V2],
    ])('%s: the codes on the lock are there afterwards', async (_, node) => {
      const network = await networkOf([node]);
      const lock = network.simulated.lock(node.node);
      lock.hold(9, '999321');
      const before = await siteOn(network, { keypads: [node.node] });
      await before.online([node.node]);
      expect(await before.addCode(node.node, '123321')).toMatchObject({ status: 'success' });
      await before.stop();
      rmSync(before.cacheDir, { recursive: true });
      const after = await siteOn(network, { keypads: [node.node] });
      await after.online([node.node]);
      expect([lock.held(1), lock.held(9)]).toEqual(['123321', '999321']);
    });

    it.each([
      ['User Code 1', V1],
      ['User Code 2 on S2', V2],
    ])('%s: would have none without the one option, so these tests can fail', async (_, node) => {
      const network = await networkOf([node]);
      const lock = network.simulated.lock(node.node);
      lock.hold(9, '999321');
      const cacheDir = mkdtempSync(join(tmpdir(), 'zwave-cache-'));
      const { Driver } = await loadZwaveLibrary();
      const databases = await loadZwaveDatabases();
      const options = driverOptions({ keys: network.keys, cacheDir, log: zwaveLog(silentLog), databases });
      const driver = new Driver(network.ttys.near, { ...options, interview: { queryAllUserCodes: false } });
      open.push({
        async close() {
          await driver.destroy();
          rmSync(cacheDir, { recursive: true, force: true });
        },
      });
      driver.on('error', () => undefined);
      await driver.start();
      await until(() => lock.held(9) === undefined);
    });

    it('keeps that directory to itself', async () => {
      const network = await networkOf([V1]);
      const cacheDir = join(mkdtempSync(join(tmpdir(), 'zwave-state-')), 'zwave');
      const site = await siteOn(network, { keypads: [3], cacheDir });
      await site.online([3]);
      expect(statSync(cacheDir).mode & 0o777).toBe(0o700);
      expect(readdirSync(cacheDir).length).toBeGreaterThan(0);
    });
  });

  it('is told when to lock itself, keeps the rest of its configuration, and does', async () => {
    const kept = { kind: 'lock', node: 2, listens: 'always', codes: 'none', auto_relock: 0 };
    const network = await networkOf([kept, { ...V1, codes: 'none' }]);
    const site = await siteOn(network, { locks: [2, 3] });
    const lock = network.simulated.lock(2);
    await site.online([2, 3]);
    await until(() => site.at(2)?.autoLock !== undefined);
    expect(site.at(2)).toMatchObject({ capabilities: { autoLock: { min: 1 } }, autoLock: { enabled: false } });
    expect(site.at(3)?.capabilities.autoLock).toBeUndefined();
    expect(await site.autoLock(2, { enabled: true, delaySeconds: 1 })).toMatchObject({ status: 'success' });
    expect(lock.autoRelockS).toBe(1);
    expect(site.at(2)?.autoLock).toEqual({ enabled: true, delaySeconds: 1 });
    expect(await site.door(2, 'unlock')).toMatchObject(done);
    await until(() => lock.bolt === 'locked' && site.at(2)?.lockState === 'locked');
    expect(await site.autoLock(2, { enabled: false, delaySeconds: undefined })).toMatchObject({ status: 'success' });
    expect(lock.autoRelockS).toBe(0);
  });

  it('is opened while a lock is away: it is offline, and obeys when it is back', async () => {
    const network = await networkOf([V1]);
    const lock = network.simulated.lock(3);
    const before = await siteOn(network, { locks: [3] });
    await before.online([3]);
    await before.stop();
    lock.faults = { deaf: true };
    const after = await siteOn(network, { locks: [3], cacheDir: before.cacheDir });
    await until(() => after.at(3)?.health.status === 'offline' && after.stick.state.status === 'up');
    expect(await after.door(3, 'unlock')).toMatchObject(failed('device_offline'));
    lock.faults = {};
    expect(lock.commands).toEqual([]);
    expect(await after.door(3, 'unlock')).toMatchObject(done);
    expect(lock.movements).toBe(1);
  });

  it('with another key than the lock was included with: refused, and the bolt stays', async () => {
    const network = await networkOf([V2]);
    const lock = network.simulated.lock(2);
    const right = await siteOn(network, { locks: [2] });
    await right.online([2]);
    await right.stop();
    const keys = { ...network.keys, S2_AccessControl: Uint8Array.from(randomBytes(16)) };
    const wrong = await siteOn(network, { locks: [2], keys, cacheDir: right.cacheDir });
    await wrong.online([2]);
    expect(await wrong.door(2, 'unlock')).toMatchObject(failed('authentication_failed'));
    expect([lock.commands.length, lock.movements]).toEqual([0, 0]);
  });

  it('that holds another network than before is refused, and asks no node anything', async () => {
    const network = await networkOf([V1], 'c0ffee02');
    const site = await siteOn(network, { locks: [3], homeId: 'c0ffee01' });
    await until(() => site.stick.state.status === 'down' && site.stick.state.reason === 'wrong_network');
    expect(site.stick.state).toMatchObject({ hint: expect.stringMatching(/c0ffee02, but c0ffee01 is expected/) });
    expect(site.remembered).toEqual([]);
    expect(await site.door(3, 'unlock')).toMatchObject(failed('link_unavailable'));
  });
});
