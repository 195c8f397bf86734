import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { simulatedLock } from '../../drivers/zwave/node/simulator-settings.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import { Secret } from '../../src/contract/index.ts';
import {
  exclude,
  type InclusionTalk,
  include,
  rebuildRoutes,
  removeFailed,
  replace,
  smartStart,
} from '../../src/transports/zwave/index.ts';
import { socatProgram } from './kit/tty-pair.ts';
import { libraryTime, type SiteOptions, until, ZwaveNetwork, type ZwaveSite, zwaveSite } from './kit/zwave-site.ts';

/*
 * Devices that join, leave and are replaced, through the real library, against the simulated stick. In the
 * library's time: nothing asserts how long something took.
 */

const V1 = { kind: 'lock', node: 3, codes: 'user_code_1', secure: false, listens: 'always' };
const nothing = { pin: undefined, dsk: undefined };

describe.skipIf(socatProgram === undefined)('a Z-Wave network', () => {
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

  async function siteWith(nodes: readonly object[], options: SiteOptions = {}) {
    const network = await ZwaveNetwork.open(nodes);
    open.push(network);
    networks.push(network);
    const site = await zwaveSite(network, options);
    open.push(site);
    await until(() => site.stick.state.status === 'up');
    return { network, site };
  }

  /** A lock fresh from its box. It listens all the time, and has few places for codes: its interview is short. */
  const unpack = (network: ZwaveNetwork, node: number, more: object = {}) =>
    network.simulated.unpack(
      simulatedLock.parse({ kind: 'lock', node, listens: 'always', codes: 'none', ...more }),
      systemClock,
    );

  /** Somebody who stands at the device, and writes down what is said. */
  function person(answer: () => string = () => '') {
    const said: string[] = [];
    const asked: string[] = [];
    const stop = new AbortController();
    const talk: InclusionTalk = {
      signal: stop.signal,
      say: (step, message) => said.push(`${step}: ${message}`),
      ask: async ({ name, text }, check) => {
        asked.push(`${name}: ${text}`);
        const given = new Secret(answer());
        const wrong = check(given);
        if (wrong !== undefined) throw new Error(wrong);
        return given;
      },
      withdraw: () => undefined,
    };
    return { said, asked, stop, talk };
  }

  const nodesOf = (site: ZwaveSite) => [...site.stick.open.driver.controller.nodes.keys()].sort((a, b) => a - b);

  it('takes a lock in with S2 and its PIN, while a door moves, and keeps the PIN to itself', async () => {
    const { network, site } = await siteWith([V1], { locks: [3] });
    await site.online([3]);
    const { device, dsk, pin } = await unpack(network, 9);
    const { talk, said, asked } = person(() => pin);
    const joined = include(site.stick.open, nothing, talk);
    await until(() => said.length > 0);
    expect(await site.door(3, 'unlock')).toMatchObject({ status: 'success', confirmed: true });
    network.simulated.management.pressToJoin(device);
    expect(await site.door(3, 'lock')).toMatchObject({ status: 'success', confirmed: true });
    const node = await joined;
    expect(node).toMatchObject({ node: 9, security: 'S2_AccessControl', isInterviewed: true, kind: 'lock' });
    expect(network.simulated.lock(3).movements).toBe(2);
    // What the device does not tell over the air is asked for; what it tells is shown to compare.
    expect(asked).toEqual([expect.stringContaining(dsk.slice(5))]);
    for (const text of [said.join(), site.log.text]) {
      expect(text).not.toContain(dsk.slice(0, 11));
      expect(text).not.toContain(dsk.slice(-11));
    }
  });

  it('says so when the PIN was another one: the lock is in, and of no use', async () => {
    const { network, site } = await siteWith([V1]);
    const { device, pin } = await unpack(network, 9);
    const { talk, said } = person();
    const wrong = String((Number(pin) + 1) % 65_536).padStart(5, '0');
    const joined = include(site.stick.open, { pin: new Secret(wrong), dsk: undefined }, talk);
    await until(() => said.length > 0);
    network.simulated.management.pressToJoin(device);
    await expect(joined).rejects.toMatchObject({
      type: 'authentication_failed',
      message: expect.stringMatching(/^Node 9 has joined without its keys: .*Exclude it/),
    });
  });

  it('takes nobody in after it was cancelled', async () => {
    const { network, site } = await siteWith([V1]);
    const { talk, said, stop } = person();
    const joined = include(site.stick.open, nothing, talk);
    await until(() => said.length > 0);
    stop.abort(new Error('cancelled'));
    await expect(joined).rejects.toThrow('cancelled');
    network.simulated.management.pressToJoin((await unpack(network, 9)).device);
    expect(nodesOf(site)).toEqual([1, 3]);
    // And the next one may begin.
    const next = person();
    const again = exclude(site.stick.open, next.talk);
    await until(() => next.said.length > 0);
    network.simulated.management.press(3);
    expect(await again).toBe(3);
    expect(nodesOf(site)).toEqual([1]);
  });

  it('takes a lock in by SmartStart, which needs nobody at the lock', async () => {
    const { network, site } = await siteWith([V1], { locks: [3] });
    await site.online([3]);
    const { device, dsk } = await unpack(network, 9);
    const { talk, said, asked } = person();
    const joined = smartStart(site.stick.open, new Secret(dsk.replaceAll('-', ' ')), talk);
    await until(() => said.length > 0);
    network.simulated.management.powerUp(device);
    expect(await joined).toMatchObject({ node: 9, security: 'S2_AccessControl', kind: 'lock' });
    expect(asked).toEqual([]);
    expect(site.log.text).not.toContain(dsk.slice(0, 11));
  });

  it('lets nobody in by SmartStart once it was called off', async () => {
    const { network, site } = await siteWith([V1]);
    const { device, dsk } = await unpack(network, 9);
    const { talk, said, stop } = person();
    const joined = smartStart(site.stick.open, new Secret(dsk), talk);
    await until(() => said.length > 0);
    stop.abort(new Error('too late'));
    await expect(joined).rejects.toThrow('too late');
    network.simulated.management.powerUp(device);
    expect(site.stick.open.driver.controller.getProvisioningEntries()).toEqual([]);
    expect(nodesOf(site)).toEqual([1, 3]);
  });

  it('excludes a device of another network, which has no number here', async () => {
    const { network, site } = await siteWith([V1]);
    const { talk, said } = person();
    const gone = exclude(site.stick.open, talk);
    await until(() => said.length > 0);
    network.simulated.management.press('stranger');
    expect(await gone).toBeUndefined();
    expect(nodesOf(site)).toEqual([1, 3]);
  });

  it('replaces a lock that is dead, and refuses for one that answers', async () => {
    const { network, site } = await siteWith([V1, { ...V1, node: 4 }], { locks: [3, 4] });
    await site.online([3, 4]);
    await expect(replace(site.stick.open, 4, nothing, person().talk)).rejects.toMatchObject({
      type: 'device_rejected',
    });
    network.simulated.lock(4).faults = { deaf: true };
    const { device, dsk } = await unpack(network, 4);
    network.simulated.management.replacement = device;
    const joined = replace(site.stick.open, 4, { pin: undefined, dsk: new Secret(dsk) }, person().talk);
    expect(await joined).toMatchObject({ node: 4, security: 'S2_AccessControl' });
    await site.online([4]);
    expect(await site.door(4, 'unlock')).toMatchObject({ status: 'success' });
  });

  it('forgets a node that is dead, and none that answers', async () => {
    const { network, site } = await siteWith([V1, { ...V1, node: 4 }], { locks: [3, 4] });
    await site.online([3, 4]);
    network.simulated.lock(4).faults = { deaf: true };
    await removeFailed(site.stick.open, 4, person().talk);
    expect(nodesOf(site)).toEqual([1, 3]);
    await expect(removeFailed(site.stick.open, 3, person().talk)).rejects.toMatchObject({
      message: expect.stringContaining('Node 3 was not removed'),
    });
    expect(nodesOf(site)).toEqual([1, 3]);
  });

  it('finds new routes for one node, and for all, while a door moves', async () => {
    const { network, site } = await siteWith([V1, { ...V1, node: 4 }], { locks: [3, 4] });
    await site.online([3, 4]);
    expect(await rebuildRoutes(site.stick.open, 4, person().talk)).toEqual({ done: 1, of: 1 });
    const [all, story] = await Promise.all([
      rebuildRoutes(site.stick.open, undefined, person().talk),
      site.door(3, 'unlock'),
    ]);
    expect(all).toEqual({ done: 2, of: 2 });
    expect(story).toMatchObject({ status: 'success', confirmed: true });
    expect(new Set(network.simulated.management.looked)).toEqual(new Set([3, 4]));
  });
});
