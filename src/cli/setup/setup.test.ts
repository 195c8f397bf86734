import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { drivers } from '../../../drivers/index.ts';
import { RecordedTerminal } from '../../../test/kit/command-line/recorded-terminal.ts';
import { ZigbeeBuilding } from '../../../test/kit/locks/zigbee-building.ts';
import { tryBroker } from '../../transports/mqtt/index.ts';
import { CommandError } from '../exit.ts';
import { checkConfig } from '../gateway-commands.ts';
import { includedLines, passwordLine, withAccess, withPassword } from './broker-steps.ts';
import { type SetupOptions, setup } from './setup.ts';
import type { SetupSurroundings } from './surroundings.ts';

const catalogues = { drivers, simulators: {} };
const port = (path: string, manufacturer?: string) => ({
  ...{ path, device: '/dev/ttyUSB0', manufacturer, usbId: undefined, serialNumber: undefined },
});

/** An empty folder, and a machine as the tests say. */
function site(world: Partial<SetupSurroundings> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'strikeplate-setup-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'gateway.yaml');
  const surroundings: SetupSurroundings = {
    hostname: () => 'Box-7.example.com',
    addresses: () => ['192.0.2.7'],
    timeZone: () => 'Europe/Zurich',
    isOpen: async () => false,
    ports: async () => [],
    adapters: async () => [],
    mosquitto: () => ({}),
    tryBroker,
    ...world,
  };
  const asked: string[] = [];
  /** @param answers what somebody says to each question, by a word in it; Enter to all others */
  const run = async (
    answers: Record<string, string> | undefined,
    options: SetupOptions = {},
    interrupted: (question: string) => boolean = () => false,
  ) => {
    const terminal = new RecordedTerminal(folder);
    if (answers !== undefined)
      terminal.ask = async (prompt, { secret }) => {
        const question = secret ? prompt : (terminal.errLines.findLast((line) => /[?:.]$|\?$/.test(line)) ?? prompt);
        if (interrupted(question)) throw new CommandError('failed', 'interrupted');
        asked.push(question);
        return Object.entries(answers).find(([word]) => question.includes(word))?.[1] ?? '';
      };
    const code = await setup(terminal, catalogues, surroundings, { config, ...options }).catch((error: unknown) => {
      if (!(error instanceof CommandError)) throw error;
      return { code: error.exitCode, why: error.message };
    });
    return { code, out: terminal.output, err: terminal.errors };
  };
  const check = async () => {
    const terminal = new RecordedTerminal(folder);
    await checkConfig(terminal, catalogues, { config });
    return terminal.output;
  };
  return { folder, config, run, check, asked, text: () => readFileSync(config, 'utf8') };
}

const credentials = { username: 'strikeplate', password: 'correct horse' };

async function building() {
  const open = await ZigbeeBuilding.open({ credentials });
  onTestFinished(() => open.close());
  const front = open.bridge.addLock({ friendlyName: 'Front Door', radioMs: 1, motorMs: 2 });
  open.bridge.addLock({ friendlyName: 'Zürich/Side', radioMs: 1, motorMs: 2 });
  open.bridge.start();
  return { front, url: open.url };
}

describe('strikeplate setup', () => {
  it('goes from an empty folder to a door that was unlocked, by answers', async () => {
    const { front, url } = await building();
    const { folder, run, check, text, config } = site();
    writeFileSync(join(folder, 'broker.pw'), `${credentials.password}\n`);
    const answers = join(folder, 'answers.yaml');
    writeFileSync(
      answers,
      `gateway_name: Lobby\nreach: this-machine\nport: 18473\nbroker_url: ${url}\nbroker_login: own\nbroker_password_file: broker.pw\ndevices: [front-door]\ntest_door: front-door\napplication: booking\n`,
    );
    const { code, out } = await run(undefined, { yes: true, answers });
    expect(out).toMatch(/The key of booking, shown this once: seam_gw1_/);
    expect(out).toMatch(/Front Door is unlocked: the bolt was seen to be/);
    expect(code).toBe(0);
    expect(front.bolt).toBe('unlocked');
    expect(await check()).toMatch(/is in order: gateway lobby, 1 device, 1 broker\./);
    expect(text()).toContain('  - id: front-door\n    name: Front Door\n    driver: mqtt/zigbee2mqtt\n');
    expect(text()).not.toContain(credentials.password);
    expect(readdirSync(folder).sort()).toEqual(['answers.yaml', 'broker.pw', 'gateway.yaml', 'mqtt.pw', 'state']);
    for (const secret of ['mqtt.pw', 'gateway.yaml', 'state/cli.key'])
      expect(statSync(join(folder, secret)).mode & 0o007, secret).toBe(0);
    const again = await run({}, {});
    expect(again.code).toMatchObject({ code: 1, why: expect.stringMatching(/exists already.*--replace/) });
    const before = text();
    const replaced = await run(undefined, { yes: true, answers, replace: true });
    expect(replaced).toMatchObject({ code: 0, err: expect.stringMatching(/strikeplate keys rotate booking/) });
    const old = readdirSync(folder).find((name) => name.startsWith('gateway.yaml.before-'));
    expect(readFileSync(join(folder, old ?? ''), 'utf8')).toBe(before);
    expect(existsSync(config)).toBe(true);
  });

  it('goes on where it was interrupted, at whichever question, and asks none twice', async () => {
    const exposes = [{ type: 'lock' }];
    const told = ['Front Door', 'Side'].map((name, at) => ({
      friendly_name: name,
      ieee_address: `0x00158d000000000${at}`,
      definition: { exposes, vendor: 'Yale' },
    }));
    const answers = {
      'Who uses': '2',
      'MQTT broker': 'mqtt://192.0.2.1',
      'log in': 'own',
      'password:': credentials.password,
      'found on the broker': '2',
      'what is it': 'rs485',
      Bluetooth: 'yes',
      'Home Assistant': 'y',
    };
    const machine = {
      ports: async () => [
        port('/dev/serial/by-id/usb-FTDI-port0', 'FTDI'),
        port('/dev/serial/by-id/usb-Sonoff_Zigbee'),
      ],
      adapters: async () => ['hci0'],
      tryBroker: async () => ({
        ...{ failure: undefined, protocolVersion: 5 as const, maximumPacketSize: undefined },
        refused: { read: [], write: [] },
        retained: new Map([['zigbee2mqtt/bridge/devices', Buffer.from(JSON.stringify(told))]]),
      }),
    };
    const whole = site(machine);
    expect(await whole.run(answers)).toMatchObject({ code: 0 });
    expect(await whole.check()).toMatch(/gateway box-7, 1 device, 1 broker/);
    const questions = whole.asked.length;
    expect(questions).toBeGreaterThan(12);
    for (let at = 1; at <= questions; at++) {
      const next = site(machine);
      const cut = await next.run(answers, {}, () => next.asked.length === at - 1);
      expect(cut.code).toMatchObject({ why: 'interrupted' });
      expect(existsSync(next.config)).toBe(false);
      expect(await next.run(answers)).toMatchObject({ code: 0 });
      expect(next.asked).toEqual(whole.asked);
      expect(next.text()).toBe(whole.text());
    }
  });

  it('takes what is usual where there is nothing, and check-config has nothing to say', async () => {
    const { run, check, text } = site({ ports: async () => [port('/dev/serial/by-id/usb-Zooz_800_Z-Wave_Stick')] });
    const answers = { reach: 'this-machine' };
    const { folder } = { folder: mkdtempSync(join(tmpdir(), 'strikeplate-answers-')) };
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'a.yaml'), JSON.stringify(answers));
    expect(await run(undefined, { yes: true, answers: join(folder, 'a.yaml') })).toMatchObject({ code: 0 });
    expect(text()).toContain(
      'zwave:\n  stick: { path: /dev/serial/by-id/usb-Zooz_800_Z-Wave_Stick, keys_file: zwave.keys',
    );
    expect(await check()).toMatch(/in order: gateway box-7, 0 devices, 0 brokers\./);
  });

  it.each([
    ['nobody can be asked', undefined, {}, /Nobody can be asked here \(gateway_name\).*--yes/],
    [
      'an answer is none',
      'reach: everybody\n',
      { yes: true },
      /The answer to reach, "everybody", cannot be: .*network, this-machine/,
    ],
    ['a name is no name', 'names: "a b"\n', { yes: true }, /neither a name nor an address/],
    ['a door to try is not there', 'reach: this-machine\ntest_door: gate\n', { yes: true }, /there is no door "gate"/],
    ['the answers are no answers', '- a\n', { yes: true }, /cannot be read: it must be a list of questions/],
  ])('says what is missing when %s, and writes no configuration', async (_when, file, options, message) => {
    const { folder, run, config } = site();
    if (file !== undefined) writeFileSync(join(folder, 'a.yaml'), file);
    const { code } = await run(undefined, { ...options, ...(file !== undefined && { answers: 'a.yaml' }) });
    expect(code).toMatchObject({ why: expect.stringMatching(message) });
    expect(existsSync(config)).toBe(false);
  });

  it('prints the lines that enrol the gateway where the broker does not know it yet, and goes on afterwards', async () => {
    const { url } = await building();
    const { folder, run } = site();
    const answers = join(folder, 'a.yaml');
    writeFileSync(answers, `reach: this-machine\nbroker_url: ${url}\nbroker_login: enrol\n`);
    const first = await run(undefined, { yes: true, answers });
    expect(first.code).toMatchObject({
      code: 1,
      why: expect.stringMatching(
        /install -m 0640 .*strikeplate\.passwd .*\n.*\n.*\n {2}systemctl restart mosquitto\nThen run the same command again/,
      ),
    });
    const password = readFileSync(join(folder, 'mqtt.pw'), 'utf8');
    await run(undefined, { yes: true, answers });
    expect(readFileSync(join(folder, 'mqtt.pw'), 'utf8')).toBe(password);
    expect(readFileSync(join(folder, 'mosquitto/strikeplate.passwd'), 'utf8')).not.toContain(password.trim());
  });
});

it('adds its rules to those that are there, once, and names no file that mosquitto has already', () => {
  const wishes = { user: 'strikeplate', gatewayId: 'lobby', bases: ['zigbee2mqtt', 'annex'] };
  const theirs = '# ours\nuser admin\ntopic readwrite #\n';
  const after = withAccess(theirs, wishes);
  expect(after.startsWith(theirs)).toBe(true);
  expect(after).toContain('\nuser strikeplate\ntopic readwrite zigbee2mqtt/#\ntopic readwrite annex/#\n');
  expect(withAccess(after, wishes)).toBe(after);
  expect(includedLines({ acl_file: '/x' })).not.toMatch(/anonymous|password/);
});

it('keeps the other users of a password file', () => {
  const before = `monitoring:$7$x\n${passwordLine('strikeplate', 'old')}\n`;
  const after = withPassword(before, 'strikeplate', 'new').split('\n');
  expect(after).toHaveLength(3);
  expect(after[0]).toBe('monitoring:$7$x');
  expect(after[1]).toMatch(/^strikeplate:\$7\$1000\$[\w+/]{16}\$[\w+/]{86}==$/);
});
