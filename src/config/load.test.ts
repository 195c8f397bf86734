import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bell, configFolder, good } from '../../test/kit/command-line/config-folder.ts';
import { readTarget } from './load.ts';

describe('a configuration that is in order', () => {
  it('keeps events as long as attempts unless told, and never shorter than webhooks are tried', async () => {
    const { load } = configFolder();
    const days = async (text: string) => (await load(`${good}store: { ${text} }\n`)).store.eventRetentionDays;
    expect(await days('retention_days: 30')).toBe(30);
    expect(await days('retention_days: 1')).toBe(3);
    expect(await days('retention_days: 30, event_retention_days: 7')).toBe(7);
    expect(await days('event_retention_days: 400')).toBe(400);
  });

  it('comes back with defaults filled in and the driver found', async () => {
    const { folder, load } = configFolder();
    const config = await load(good);
    expect(config.gateway).toEqual({
      id: 'lobby',
      name: 'Lobby',
      timeZone: 'Europe/Zurich',
      workspaceId: '789e5faf-6f82-533a-9616-0f6dfef4791a',
    });
    expect(config.http).toEqual({
      host: '127.0.0.1',
      port: 8080,
      apiKeysFile: join(folder, 'api-keys'),
      demoKeyFile: undefined,
      holdMs: 1_000,
      publicUrl: undefined,
      maxConnections: undefined,
      tls: undefined,
      allowPlaintext: false,
    });
    expect(config.store).toEqual({
      path: join(folder, 'strikeplate.db'),
      keyFile: join(folder, 'store.key'),
      retentionDays: 90,
      eventRetentionDays: 90,
      maxEvents: 100_000,
      auditDays: 400,
      peopleDays: undefined,
      noiseDays: 8,
    });
    expect(config.mqtt).toMatchObject([{ kind: 'external', name: 'main', url: 'mqtt://127.0.0.1:1883' }]);
    expect(config.webhooks).toEqual({ privateTargets: [], includeCodes: false, maxQueued: 10_000 });
    expect(config.monitor).toBeUndefined();
    expect(config.logLevel).toBe('info');
    expect(config.devices).toEqual([
      {
        slug: 'front',
        deviceId: '4677e030-97d6-5467-a9ac-d7e6b15b710c',
        name: 'Front door',
        driver: bell,
        link: { kind: 'mqtt', name: 'main' },
        settings: { topic: 'bell/front', unit: 1 },
        limits: bell.limits,
        timeZone: 'Europe/Zurich',
        noiseRules: { averageMs: 10_000, sustainedMs: 60_000 },
        doorRules: { heldOpenMs: 120_000 },
        outOfService: false,
      },
    ]);
    expect(config.warnings).toEqual([]);
  });

  it('gives a door the rules of all doors, but for its own', async () => {
    const { load } = configFolder();
    const rules = async (more: string) => (await load(`${good}${more}`)).devices[0]?.doorRules;
    expect(await rules('doors: { held_open_s: 30, report_forced: true }\n')).toEqual({
      heldOpenMs: 30_000,
      reportForced: true,
    });
    expect(await rules('    door: { report_forced: false }\ndoors: { report_forced: true }\n')).toEqual({
      heldOpenMs: 120_000,
      reportForced: false,
    });
    expect(await rules('    door: { held_open_s: 0 }\n')).toEqual({ heldOpenMs: 0 });
  });

  it('takes a device id, limits, a zone and a state from the file', async () => {
    const { load } = configFolder();
    const config = await load(
      `${good}    device_id: 0197F2A0-0000-7000-8000-00000000000A
    limits: { door: { send_by_ms: 8000 }, code: { deadline_ms: 90000 } }
    time_zone: America/Argentina/Buenos_Aires
    out_of_service: true
`.replace('send_by_ms: 8000', 'send_by_ms: 8000, deadline_ms: 30000'),
    );
    expect(config.devices[0]).toMatchObject({
      deviceId: '0197f2a0-0000-7000-8000-00000000000a',
      limits: { door: { sendByMs: 8_000, deadlineMs: 30_000 }, code: { sendByMs: 45_000, deadlineMs: 90_000 } },
      timeZone: 'America/Argentina/Buenos_Aires',
      outOfService: true,
    });
  });

  it('publishes below strikeplate/<gateway.id> unless told otherwise', async () => {
    const { load } = configFolder();
    const config = await load(`${good}monitor: { mqtt: main }\n`);
    expect(config.monitor).toEqual({
      mqtt: 'main',
      baseTopic: 'strikeplate/lobby',
      homeAssistant: false,
      commands: false,
      intervalMs: 30_000,
      consoleUrl: undefined,
    });
  });

  it('keeps state where the environment says, and reads secrets beside the file', async () => {
    const { folder, load } = configFolder();
    writeFileSync(join(folder, 'mqtt.pw'), 'secret\n', { mode: 0o600 });
    const text = `state_dir: var\n${good}`.replace(
      '"mqtt://127.0.0.1:1883"',
      '"mqtt://127.0.0.1:1883", username: gw, password_file: mqtt.pw',
    );
    const own = await load(text);
    expect(own.store.path).toBe(join(folder, 'var/strikeplate.db'));
    expect(own.mqtt[0]).toMatchObject({ username: 'gw', passwordFile: join(folder, 'mqtt.pw') });

    const moved = await load(text, {
      env: { STRIKEPLATE_STATE_DIR: '/var/lib/strikeplate', STRIKEPLATE_HTTP_PORT: '9000' },
    });
    expect(moved.stateDir).toBe('/var/lib/strikeplate');
    expect(moved.store.path).toBe('/var/lib/strikeplate/strikeplate.db');
    expect(moved.http).toMatchObject({ apiKeysFile: '/var/lib/strikeplate/api-keys', port: 9_000 });
    expect(moved.mqtt[0]).toMatchObject({ passwordFile: join(folder, 'mqtt.pw') });
  });

  it('gives a device the same id on every machine, and another in every gateway', async () => {
    const { load } = configFolder();
    const [here] = (await load(good)).devices;
    const [there] = (await load(good.replace('id: lobby', 'id: annex'))).devices;
    expect((await load(`# moved\n${good}`)).devices[0]?.deviceId).toBe(here?.deviceId);
    expect(there?.deviceId).not.toBe(here?.deviceId);
  });

  it('takes a section that is all comments for one that was left out', async () => {
    const { load } = configFolder();
    expect(await load(`${good}http:\n  # port: 9000\nlog:\nsimulation:\n`)).toMatchObject({ http: { port: 8_080 } });
  });

  it('warns of what works but should be looked at', async () => {
    const { folder, load } = configFolder();
    writeFileSync(join(folder, 'mqtt.pw'), 'secret\n');
    chmodSync(join(folder, 'mqtt.pw'), 0o644);
    const config = await load(
      good.replace('"mqtt://127.0.0.1:1883"', '"mqtt://10.0.0.2", username: gw, password_file: mqtt.pw'),
    );
    expect(config.warnings.map(({ line: at, path }) => `${at} ${path}`)).toEqual([
      '3 mqtt.main.url',
      '3 mqtt.main.password_file',
    ]);
  });
});

describe('where the API is', () => {
  it('is read from a file whose other sections are wrong', async () => {
    const { folder, file } = configFolder();
    writeFileSync(file, 'state_dir: var\nhttp: { port: 9000 }\nmqtt: 5\n');
    expect(await readTarget(file, { env: {} })).toMatchObject({
      stateDir: join(folder, 'var'),
      http: { host: '127.0.0.1', port: 9_000, apiKeysFile: join(folder, 'var/api-keys') },
    });
  });

  it('is not guessed when its own section is wrong', async () => {
    const { file } = configFolder();
    writeFileSync(file, 'http: { prot: 9000 }\n');
    await expect(readTarget(file, { env: {} })).rejects.toThrow(`${file}:1:9 http.prot: unknown key`);
  });
});
