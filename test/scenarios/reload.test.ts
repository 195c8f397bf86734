import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SimulatedLock } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { ensureBuilt } from '../../scripts/build.mjs';
import { Links } from '../../src/composition/links.ts';
import { DeviceRegistry } from '../../src/devices/device-registry.ts';
import { PlayedDevices } from '../../src/simulation/played-devices.ts';
import {
  all,
  brokerOf,
  brokers,
  edited,
  entry,
  first,
  type SiteFile,
  untouched,
  writeSite,
} from '../kit/edited-site.ts';
import { collect, stillHeld } from '../kit/garbage.ts';
import { type BoxedGateway, GatewayBox, idOf } from '../kit/gateway/gateway-box.ts';
import { GatewayProcess } from '../kit/gateway/gateway-process.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';
import type { ApiCaller } from '../kit/sdk/api-caller.ts';
import { seededRandom } from '../kit/seeded-random.ts';

/** STRIKEPLATE_RELOADS asks for more of them; STRIKEPLATE_SEED for others. */
const edits = Number(process.env.STRIKEPLATE_RELOADS ?? 12);
const seed = Number(process.env.STRIKEPLATE_SEED ?? 20_260_328);

async function site() {
  const locks = new Map<string, SimulatedLock>();
  const urls: Record<string, string> = {};
  for (const broker of brokers) {
    const building = await ZigbeeBuilding.open();
    onTestFinished(() => building.close());
    urls[broker] = building.url;
    for (const slug of all)
      if (brokerOf(slug) === broker)
        locks.set(slug, building.bridge.addLock({ friendlyName: slug, radioMs: 1, motorMs: 4 }));
    building.bridge.start();
  }
  const box = await GatewayBox.make({ devices: [] });
  onTestFinished(() => box.dispose());
  const write = (file: SiteFile) => writeSite(box, urls, file);
  return { locks, box, urls, write };
}

/** What an application sees of the devices, without what passes. */
async function shownBy(api: ApiCaller) {
  const { body } = await api.post('/devices/list', { limit: 500 });
  const devices = body.devices as unknown as {
    device_id: string;
    display_name: string;
    capabilities_supported: string[];
    properties: { online: boolean; model: object; strikeplate_metadata: object };
  }[];
  return devices.map(({ device_id, display_name, capabilities_supported, properties }) => {
    const { online, model, strikeplate_metadata } = properties;
    const { slug, link, observes, out_of_service } = strikeplate_metadata as Record<string, unknown>;
    // Whether it has a battery is told by the device, some time.
    const capabilities = capabilities_supported.filter((one) => one !== 'battery');
    return { device_id, display_name, capabilities, online, model, slug, link, observes, out_of_service };
  });
}

async function allOnline(api: ApiCaller, { devices }: SiteFile): Promise<void> {
  for (;;) {
    const shown = await shownBy(api);
    if (shown.length === devices.length && shown.every(({ online }) => online)) return;
    await sleep(50);
  }
}

const heap = () => {
  collect();
  return process.memoryUsage().heapUsed / (1 << 20);
};

describe('a changed configuration of fifty doors under load', () => {
  it(`is taken over ${edits} times; doors that it has nothing to do with do not notice`, {
    timeout: 60_000 + edits * 6_000,
  }, async () => {
    const random = seededRandom(seed);
    const { locks, box, write } = await site();
    let file = first;
    write(file);
    let gateway: BoxedGateway = await box.start();
    onTestFinished(() => gateway.close());
    await allOnline(gateway.api, file);
    const sent = new Map<string, number>(all.map((slug) => [slug, locks.get(slug)?.doorCommands.length ?? 0]));
    let commands = 0;
    let warm = 0;

    for (let number = 1; number <= edits; number++) {
      const next = edited(file, random, number);
      const safe = untouched(file, next);
      const bystanders = safe.filter(() => random() < 8 / Math.max(8, safe.length));
      const victims = file.devices.map(({ id }) => id).filter((id) => !safe.includes(id) && random() < 0.5);
      const ask = async (slug: string) => {
        // A bolt that stands as asked proves nothing, and takes longer.
        const way = locks.get(slug)?.bolt === 'locked' ? 'unlock' : 'lock';
        const answer = await gateway.api.post(`/locks/${way}_door`, { device_id: idOf(slug) });
        const attempt = answer.body.action_attempt as unknown as { action_attempt_id: string } | undefined;
        return { slug, id: attempt?.action_attempt_id, status: answer.status };
      };
      // Some are on their way when the file changes, the others come meanwhile.
      const before = await Promise.all([...bystanders.slice(3), ...victims].map(ask));
      write(next);
      const reloading = gateway.reload();
      const during: Awaited<ReturnType<typeof ask>>[] = [];
      for (const slug of bystanders.slice(0, 3)) during.push(await ask(slug));
      const report = await reloading;

      const asked = [...before, ...during];
      commands += asked.length;
      const ids = asked.flatMap(({ id }) => id ?? []);
      const ended = new Map((await gateway.api.ended(ids)).map((life) => [life.attempt.action_attempt_id, life]));
      for (const { slug, id, status } of asked) {
        if (!bystanders.includes(slug)) continue;
        const { attempt } = ended.get(id ?? '') ?? {};
        expect(
          attempt,
          `edit ${number}, ${slug}: HTTP ${status} ${JSON.stringify(ended.get(id ?? ''))} ${JSON.stringify(report)}`,
        ).toMatchObject({ status: 'success' });
      }
      // No attempt moved a bolt twice, touched or not.
      for (const slug of new Set(asked.map((one) => one.slug))) {
        const now = locks.get(slug)?.doorCommands.length ?? 0;
        const moved = now - (sent.get(slug) ?? 0);
        const own = asked.filter((one) => one.slug === slug && one.id !== undefined);
        expect(moved, `edit ${number}, ${slug}`).toBeLessThanOrEqual(own.length);
        if (bystanders.includes(slug)) expect(moved, `edit ${number}, ${slug}`).toBe(own.length);
        sent.set(slug, now);
      }
      const told = new Set([...report.devices.added, ...report.devices.changed, ...report.devices.removed]);
      expect(safe.filter((slug) => told.has(slug))).toEqual([]);
      file = next;
      await allOnline(gateway.api, file);
      if (number % 10 === 0) {
        writeFileSync(box.configFile, `devices: [{ id: d${number} }]\n`);
        await expect(gateway.reload()).rejects.toThrow(/Nothing was changed: the configuration has mistakes/);
        write(file);
      }
      if (number === Math.min(100, edits)) warm = heap();
    }
    const grown = heap() - warm;
    const reloaded = await shownBy(gateway.api);
    await gateway.close();
    gateway = await box.start();
    await allOnline(gateway.api, file);
    expect(reloaded).toEqual(await shownBy(gateway.api));
    expect(commands).toBeGreaterThan(edits * 6);
    if (edits > 200) console.log(`${edits} edits, ${commands} commands, heap grew ${grown.toFixed(1)} MiB`);
    expect(grown).toBeLessThan(24);
  });
});

describe('a configuration that is read anew', () => {
  it('lets go of the devices and links that went, on any medium', async () => {
    const gone = { devices: new Set<WeakRef<object>>(), links: new Set<WeakRef<object>>() };
    // No spies of vitest's: they keep what was returned.
    const { change } = DeviceRegistry.prototype;
    DeviceRegistry.prototype.change = function (wanted) {
      const changed = change.call(this, wanted);
      for (const device of changed.old.values()) gone.devices.add(new WeakRef(device));
      return changed;
    };
    const { linkTo } = Links.prototype;
    Links.prototype.linkTo = function (link, device) {
      const made = linkTo.call(this, link, device);
      gone.links.add(new WeakRef(made));
      return made;
    };
    onTestFinished(() => {
      DeviceRegistry.prototype.change = change;
      Links.prototype.linkTo = linkTo;
    });
    const { box, urls } = await site();
    const roster = (name: string) => ({
      mqtt: { main: { url: urls.main } },
      serial: { bus: { simulated: true, baud_rate: 9600 } },
      ble: { radio: { simulated: true } },
      monitor: { mqtt: 'main', home_assistant: true, commands: true },
      devices: [
        ...['d0', 'd2'].map((slug) => ({ ...entry(slug), name: `${slug} ${name}` })),
        {
          ...{ id: 'cellar', name: `Cellar ${name}`, driver: 'ble/nuki' },
          link: { ble: 'radio', address: '54:D2:72:AB:CD:01' },
        },
        {
          ...{ id: 'hall', name: `Hall ${name}`, driver: 'serial/modbus-noise', link: { serial: 'bus', unit: 2 } },
          settings: { profile: 's300nois' },
        },
      ],
    });
    box.configure(roster('first'));
    const gateway = await box.start();
    onTestFinished(() => gateway.close());
    for (const name of ['second', 'third', 'fourth']) {
      await gateway.api.online(idOf('d0'));
      await gateway.api.ended([(await gateway.api.door('unlock', idOf('d0'))).action_attempt_id]);
      box.configure(roster(name));
      expect(await gateway.reload()).toMatchObject({ devices: { changed: ['d0', 'd2', 'cellar', 'hall'] } });
    }
    // The broker, the line and the radio stay.
    box.configure({ ...roster('fifth'), devices: [] });
    await gateway.reload();
    expect({ devices: gone.devices.size, links: gone.links.size }).toEqual({ devices: 16, links: 16 });
    expect({ devices: await stillHeld(gone.devices), links: await stillHeld(gone.links) }).toEqual({
      devices: 0,
      links: 0,
    });
  });

  it('is taken over at SIGHUP, and a mistake in it is told in the log', async () => {
    await ensureBuilt();
    const { box, write } = await site();
    const file = { ...first, devices: first.devices.slice(0, 1) };
    write(file);
    const gateway = await GatewayProcess.start(box);
    await gateway.api.online(idOf('d0'));
    writeFileSync(box.configFile, 'devices: {}\n');
    gateway.signal('SIGHUP');
    while (!gateway.said.includes('the configuration was not taken over')) await sleep(20);
    write({ ...file, devices: [...file.devices, entry('d1')] });
    gateway.signal('SIGHUP');
    while ((await shownBy(gateway.api)).length < 2) await sleep(20);
    await gateway.api.online(idOf('d1'));
    expect(await gateway.stop()).toMatchObject({ code: 0 });
  });

  it('knows of a door that came or was changed which simulated one it is', async () => {
    const { box, write } = await site();
    const file = { ...first, devices: first.devices.slice(0, 2) };
    write(file);
    const disconnected: unknown[] = [];
    const played = new PlayedDevices();
    played.add([
      ({ settings }) => {
        const { friendly_name } = settings as { friendly_name: string };
        return { events: { disconnect: () => disconnected.push(friendly_name) }, reset: () => undefined };
      },
    ]);
    const gateway = await box.start({ played });
    onTestFinished(() => gateway.close());
    const [kept, changed] = file.devices.map(({ id }) => id) as [string, string];
    const renamed = { ...entry(changed), settings: { friendly_name: 'd9' } };
    write({ ...file, devices: [entry(kept), renamed, entry('d7')] });
    await gateway.reload();
    for (const slug of [kept, changed, 'd7'])
      expect(await gateway.api.post('/devices/simulate/disconnect', { device_id: idOf(slug) })).toMatchObject({
        status: 200,
      });
    expect(disconnected).toEqual([kept, 'd9', 'd7']);
    const { body } = await gateway.api.post('/workspaces/get', {});
    expect(body).toMatchObject({ workspace: { is_sandbox: true } });
  });

  it('brings doors, takes doors away, tells of both, and says what only a restart takes over', async () => {
    const { box, write } = await site();
    const file = { ...first, devices: first.devices.slice(0, 3) };
    write(file);
    const gateway = await box.start();
    onTestFinished(() => gateway.close());
    await allOnline(gateway.api, file);
    expect(await gateway.reload()).toMatchObject({
      devices: { added: [], removed: [], changed: [] },
      links: [],
      needsRestart: [],
    });
    write({ ...file, devices: [...file.devices.slice(1), entry('d7')] });
    expect(await gateway.reload()).toMatchObject({ devices: { added: ['d7'], removed: ['d0'], changed: [] } });
    const gone = await gateway.api.post('/locks/unlock_door', { device_id: idOf('d0') });
    expect(gone.status).toBe(404);
    await gateway.api.online(idOf('d7'));
    const life = await gateway.api.ended([(await gateway.api.door('unlock', idOf('d7'))).action_attempt_id]);
    expect(life).toMatchObject([{ attempt: { status: 'success' } }]);
    const { body } = await gateway.api.post('/events/list', { since: '2020-01-01', limit: 500 });
    const events = body.events as unknown as { event_type: string; device_id: string }[];
    const told = (slug: string) =>
      events.filter(({ device_id }) => device_id === idOf(slug)).map((one) => one.event_type);
    expect(told('d0')).toContain('device.removed');
    expect(told('d7')).toContain('device.added');

    box.configure({ devices: [], http: { hold_ms: 5 } });
    expect(await gateway.reload()).toMatchObject({ links: ['mqtt/main', 'mqtt/side'], needsRestart: ['http'] });
    expect(await shownBy(gateway.api)).toEqual([]);
  });

  it('changes nothing when it has a mistake, or is gone, and says what is wrong and where', async () => {
    const { box, write, locks } = await site();
    const file = { ...first, devices: first.devices.slice(0, 2) };
    write(file);
    const gateway = await box.start();
    onTestFinished(() => gateway.close());
    await allOnline(gateway.api, file);
    const before = await shownBy(gateway.api);
    write({ ...file, devices: [entry('d1'), { ...entry('d1'), name: 'twice' }] });
    await expect(gateway.reload()).rejects.toThrow(/Nothing was changed.*\n.*gateway\.yaml:\d+:\d+ devices/);
    rmSync(box.configFile);
    await expect(gateway.reload()).rejects.toThrow(/there is no such file/);
    expect(await shownBy(gateway.api)).toEqual(before);
    await gateway.api.ended([(await gateway.api.door('unlock', idOf('d0'))).action_attempt_id]);
    expect(locks.get('d0')?.doorCommands).toHaveLength(1);
  });
});
