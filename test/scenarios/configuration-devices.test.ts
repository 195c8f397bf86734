import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { drivers } from '../../drivers/index.ts';
import { runProgram } from '../../src/cli/program.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import { changeConfigurationFile } from '../../src/composition/configuration-file.ts';
import { editDevices } from '../../src/config/device-edit.ts';
import { RecordedTerminal } from '../kit/command-line/recorded-terminal.ts';
import { GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';
import { ApiCaller } from '../kit/sdk/api-caller.ts';

const slugs = ['front', 'side', 'yard', 'hall', 'shed', 'gate', 'attic', 'cellar'];

/** A gateway with one door, and a configuration that somebody wrote. */
async function house() {
  const building = await ZigbeeBuilding.open();
  onTestFinished(() => building.close());
  for (const slug of slugs) building.bridge.addLock({ friendlyName: slug, radioMs: 1, motorMs: 2 });
  building.bridge.start();
  const box = await GatewayBox.make({ devices: [] });
  onTestFinished(() => box.dispose());
  const text = (port: number) => `# The house.
state_dir: state
gateway: { id: box, name: Box, time_zone: Europe/Zurich }
http: { port: ${port}, hold_ms: 0 }   # any free one
mqtt:
  main: { url: "${building.url}" }
monitor: { mqtt: main }
devices:
  # The one to the street.
  - id: front      # kept
    name: front
    driver: mqtt/zigbee2mqtt
    link: { mqtt: main }
    settings:
      friendly_name: front

# Nothing below.
`;
  writeFileSync(box.configFile, text(0));
  chmodSync(box.configFile, 0o640);
  const { key } = await box.makeKey({ name: 'admin', scopes: ['read', 'control', 'metrics', 'admin'] });
  const started = await box.start();
  onTestFinished(() => started.close());
  const gateway = { ...started, api: new ApiCaller(started.url, key) };
  const run = async (...words: string[]) => {
    const terminal = new RecordedTerminal(box.folder, {
      STRIKEPLATE_CONFIG: box.configFile,
      STRIKEPLATE_API_KEY: key,
    });
    const stop = () => ({ requested: new Promise<string>(() => undefined) });
    const catalogues = { drivers, simulators: {} };
    const code = await runProgram({ terminal, catalogues, version: '1.2.3', stop }, words);
    return { code, out: terminal.output, err: terminal.errors };
  };
  return { building, box, gateway, run, text: () => readFileSync(box.configFile, 'utf8') };
}

const change = (api: ApiCaller, what: string, body: object) =>
  api.post(`/strikeplate/configuration/devices/${what}`, body);

it('is added, changed and removed over HTTP: in the file, and at the door', async () => {
  const { gateway, text, box } = await house();
  const { api } = gateway;
  const before = text();
  const added = await change(api, 'add', { device: zigbeeEntry('side') });
  expect(added.body).toMatchObject({ ok: true, reload: { devices: { added: ['side'], removed: [], changed: [] } } });
  expect(text()).toBe(
    before.replace(
      '      friendly_name: front\n',
      '      friendly_name: front\n  - id: side\n    name: side\n    driver: mqtt/zigbee2mqtt\n    link: { mqtt: main }\n    settings:\n      friendly_name: side\n',
    ),
  );
  await api.online(idOf('side'));
  const life = await api.ended([(await api.door('unlock', idOf('side'))).action_attempt_id]);
  expect(life).toMatchObject([{ attempt: { status: 'success' } }]);

  expect(statSync(box.configFile).mode & 0o777).toBe(0o640);
  const changed = await change(api, 'change', {
    id: 'front',
    changes: { name: 'Front door', door: { held_open_s: 30 } },
  });
  expect(changed.body).toMatchObject({ reload: { devices: { added: [], removed: [], changed: ['front'] } } });
  expect(text()).toContain('  - id: front      # kept\n    name: Front door\n');
  const listed = await api.get('/strikeplate/configuration/devices/list');
  expect(listed.body).toMatchObject({ devices: [{ id: 'front', door: { held_open_s: 30 } }, { id: 'side' }] });

  await change(api, 'remove', { id: 'side' });
  await change(api, 'change', { id: 'front', changes: { name: 'front', door: null } });
  expect(text()).toBe(before);
  expect((await api.post('/locks/unlock_door', { device_id: idOf('side') })).status).toBe(404);
  const { body } = await api.post('/strikeplate/audit/list', { limit: 100 });
  const kinds = (body.audit_entries as unknown as { kind: string }[]).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === 'configuration_changed')).toHaveLength(4);
});

it('changes nothing where there is a mistake, and says what and what to do', async () => {
  const { gateway, text, box } = await house();
  const before = text();
  for (const [what, body, status, message] of [
    [
      'add',
      { device: { ...zigbeeEntry('side'), link: { mqtt: 'other' } } },
      400,
      /would have mistakes\.\n.*:\d+:\d+ devices\.1\.link\.mqtt/,
    ],
    ['add', { device: { ...zigbeeEntry('side'), driver: 'mqtt/zigbee' } }, 400, /no such driver; known are/],
    ['add', { device: zigbeeEntry('front') }, 400, /there is a device "front" already/],
    ['add', { device: { ...zigbeeEntry('side'), settings: { friendly_name: 'front' } } }, 400, /would have mistakes/],
    ['change', { id: 'front', changes: { settings: null } }, 400, /friendly_name/],
    ['change', { id: 'front', changes: { id: 'back' } }, 400, /another device/],
    ['remove', { id: 'back' }, 404, /no device "back". It has: front\./],
  ] as const) {
    const answer = await change(gateway.api, what, body);
    expect([answer.status, answer.text]).toEqual([status, expect.stringMatching(/Nothing was changed/)]);
    expect((answer.body.error as unknown as { message: string }).message).toMatch(message);
  }
  expect(text()).toBe(before);
  expect(existsSync(`${box.configFile}.new`)).toBe(false);
});

it('goes back to what ran where the new configuration is in order and cannot be started', async () => {
  const { gateway, text, box } = await house();
  const { api } = gateway;
  await api.online(idOf('front'));
  const taken = createServer();
  await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as { port: number };
  const good = text();
  const bad = good
    .replace('mqtt:\n', `mqtt:\n  trial: { embedded: { port: ${port} } }\n`)
    .replace('monitor: { mqtt: main }', 'monitor: { mqtt: trial }')
    .replace('name: front\n', 'name: Nowhere\n');
  writeFileSync(box.configFile, bad);
  await expect(gateway.reload()).rejects.toThrow(
    /Nothing was changed: .*cannot be started, and what ran before goes on/,
  );
  // By hand: the file is whose it is. By the gateway: it is as it was.
  expect(text()).toBe(bad);
  const refused = await change(api, 'add', { device: zigbeeEntry('side') });
  expect(refused.status).toBe(400);
  expect(text()).toBe(bad);
  const shown = await api.post('/devices/list');
  expect(shown.body).toMatchObject({ devices: [{ display_name: 'front' }] });
  await api.online(idOf('front'));
  const life = await api.ended([(await api.door('unlock', idOf('front'))).action_attempt_id]);
  expect(life).toMatchObject([{ attempt: { status: 'success' } }]);
  const metrics = await api.get('/metrics');
  expect(metrics.text).toMatch(/strikeplate_link_up\{link="mqtt\/main"\} 1/);
  expect(metrics.text).toMatch(/strikeplate_monitor_messages_total\{fate="published"\} [1-9]/);
  // What is mended is taken over whole, also where it failed before.
  await new Promise<void>((done) => taken.close(() => done()));
  expect(await gateway.reload()).toMatchObject({ devices: { changed: ['front'] }, links: ['mqtt/trial'] });
  writeFileSync(box.configFile, good);
  expect(await gateway.reload()).toMatchObject({ devices: { changed: ['front'] }, links: ['mqtt/trial'] });
  await api.online(idOf('front'));
});

it('loses no change, however many are made at once, over HTTP, by commands and by hand', async () => {
  const { gateway, text, box } = await house();
  const byCommand = (slug: string) =>
    changeConfigurationFile(box.configFile, systemClock, async (now) => {
      await sleep(5);
      return editDevices(box.configFile, now, { kind: 'add', entry: zigbeeEntry(slug) });
    });
  let hand = 0;
  // Somebody with an editor saves while a change is judged.
  const byHand = changeConfigurationFile(box.configFile, systemClock, async (now) => {
    if (hand++ === 0) writeFileSync(box.configFile, `${now}# by hand\n`);
    return editDevices(box.configFile, now, { kind: 'add', entry: zigbeeEntry('attic') });
  });
  const answers = await Promise.all([
    ...['side', 'yard', 'hall'].map((slug) => change(gateway.api, 'add', { device: zigbeeEntry(slug) })),
    ...['shed', 'gate'].map(byCommand),
    byHand,
  ]);
  expect(answers).toHaveLength(6);
  await gateway.reload();
  const shown = await gateway.api.post('/devices/list', { limit: 100 });
  const names = (shown.body.devices as unknown as { display_name: string }[]).map((one) => one.display_name);
  expect(names.sort()).toEqual(['attic', 'front', 'gate', 'hall', 'shed', 'side', 'yard']);
  expect(text()).toContain('# by hand\n');
  expect(hand).toBe(2);
});

it('is done by commands on the box, with and without a gateway that runs', async () => {
  const { gateway, text, run, box } = await house();
  const before = text();
  const url = ['--url', gateway.url];
  expect(await run('devices', 'change', 'front', '--name', 'Street', ...url)).toMatchObject({
    code: 0,
    out: 'Taken over. changed: front.',
  });
  // The file names no port: the command writes, and nobody answers where it looks.
  writeFileSync(box.configFile, text().replace('port: 0', 'port: 1'));
  const settings = ['--set', 'friendly_name=side', '--set', 'pin_slots.first=1', '--set', 'pin_slots.count=20'];
  const side = ['--name', 'Side door', '--driver', 'mqtt/zigbee2mqtt', '--link', 'mqtt=main', ...settings];
  expect(await run('devices', 'add', 'side', ...side)).toMatchObject({
    code: 0,
    err: expect.stringMatching(/gateway\.yaml was changed\. No gateway answers.*the next start does\.$/),
  });
  expect(text()).toContain(
    '  - id: side\n    name: Side door\n    driver: mqtt/zigbee2mqtt\n    link: { mqtt: main }\n    settings:\n      friendly_name: side\n      pin_slots: { first: 1, count: 20 }\n',
  );
  const found = `${box.folder}/found.yaml`;
  writeFileSync(
    found,
    'devices:\n  - { id: x, name: Yard, driver: mqtt/zigbee2mqtt, link: { mqtt: main }, settings: { friendly_name: yard } }\n',
  );
  expect(await run('devices', 'add', 'yard', '--from', found)).toMatchObject({ code: 0 });
  expect(await run('devices', 'change', 'yard', '--unset', 'friendly_name')).toMatchObject({
    code: 3,
    err: expect.stringMatching(/^Nothing was changed: the configuration would have mistakes\.\n.*settings/),
  });
  expect(await run('devices', 'change', 'yard')).toMatchObject({ code: 2 });
  expect(await run('devices', 'remove', 'nobody')).toMatchObject({ code: 6 });
  expect(await run('devices', 'add', 'yard', '--from', found)).toMatchObject({ code: 1 });
  for (const id of ['yard', 'side']) expect(await run('devices', 'remove', id)).toMatchObject({ code: 0 });
  expect(await run('devices', 'change', 'front', '--name', 'front')).toMatchObject({ code: 0 });
  expect(text().replace('port: 1', 'port: 0')).toBe(before);
});
