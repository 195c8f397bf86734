import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';
import { freePort } from '../kit/free-port.ts';
import { GatewayProcess, runCli } from '../kit/gateway/gateway-process.ts';
import { asOutside } from '../kit/locks/outside-driver.ts';

/*
 * Drivers that are no part of this tree: a file beside the configuration, and an npm package. The driver is the one that
 * the guide prints, under another id.
 */

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });
beforeAll(ensureBuilt);

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A folder as somebody has it who installed the gateway and zod. */
function site(): string {
  const folder = mkdtempSync(join(tmpdir(), 'strikeplate-outside-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/strikeplate'), 'dir');
  for (const name of ['zod', 'mqtt'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'dir');
  return folder;
}

/** The guide's files as JavaScript. */
async function compiled(name: string, id: string): Promise<string> {
  const source = asOutside(readFileSync(join(root, 'drivers/mqtt/announced', `${name}.ts`), 'utf8'))
    .replaceAll('./announcement.ts', './announcement.js')
    .replaceAll("'mqtt/announced'", `'${id}'`);
  return (await transform(source, { loader: 'ts', format: 'esm', target: 'node20' })).code;
}

const simulators = (id: string) => `
import { connect } from 'mqtt';
import { z } from 'zod';
import { SimulatedAnnouncedLock } from './simulator.js';
const start = async (broker, { topic }, { clock }) => {
  const client = connect('mqtt://127.0.0.1:' + broker.port);
  const heard = new Map();
  client.on('message', (name, payload, packet) => heard.get(name)?.({ topic: name, payload, retained: packet.retain }));
  const mqtt = {
    publish: (name, payload, options) => client.publish(name, payload, { qos: 1, ...options }),
    subscribe: (name, listener) => { heard.set(name, listener); client.subscribe(name); return () => heard.delete(name); },
  };
  const lock = new SimulatedAnnouncedLock({ mqtt, clock, discoveryTopic: topic, motorMs: 500 });
  lock.start();
  return { close: async () => { lock.stop(); await client.endAsync(); } };
};
export const simulators = { '${id}': { link: 'mqtt', settings: z.strictObject({ topic: z.string() }), start } };
`;

async function install(folder: string, id: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const name of ['announcement', 'simulator']) writeFileSync(join(folder, `${name}.js`), await compiled(name, id));
  writeFileSync(join(folder, 'driver.js'), await compiled('driver', id));
  writeFileSync(join(folder, 'simulators.js'), simulators(id));
  writeFileSync(
    join(folder, 'index.js'),
    "export { announced } from './driver.js';\nexport { simulators } from './simulators.js';\n",
  );
  const manifest = { name: 'strikeplate-driver-acme', type: 'module', exports: { '.': { import: './index.js' } } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
}

function configure(folder: string, drivers: readonly string[], id: string, port = 1_883, more = ''): string {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(
    file,
    `
gateway: { id: outside, name: Outside, time_zone: Europe/Zurich }
state_dir: state
http: { port: 0, demo_key_file: demo.key }
mqtt: { main: { embedded: { port: ${port} } } }
drivers: ${JSON.stringify(drivers)}
devices:
  - id: shed
    name: Shed
    driver: ${id}
    link: { mqtt: main }
    settings: { discovery_topic: homeassistant/lock/shed/config${more} }
simulation:
  - { simulator: ${id}, link: { mqtt: main }, settings: { topic: homeassistant/lock/shed/config } }
`,
  );
  return file;
}

const ways = [
  { way: 'a file beside the configuration', name: './mine/index.js', place: 'mine' },
  { way: 'an npm package', name: 'strikeplate-driver-acme', place: 'node_modules/strikeplate-driver-acme' },
];

describe.each(ways)('$way', ({ name, place }) => {
  it('is checked, played and worked as one of our own', async () => {
    const folder = site();
    await install(join(folder, place), 'mqtt/acme');
    const port = await freePort();
    const file = configure(folder, [name], 'mqtt/acme', port);
    expect(await runCli(['check-config', '--config', file])).toMatchObject({ code: 0, stderr: '' });
    const { stdout } = await runCli(['check-config', '--schema', '--config', file]);
    expect(JSON.stringify(JSON.parse(stdout))).toContain('"const":"mqtt/acme"');
    const gateway = await GatewayProcess.start({ configFile: file, key: '' } as never);
    onTestFinished(async () => void (await gateway.stop()));
    const url = /listens on (\S+)/.exec(gateway.said)?.[1] ?? '';
    let devices = '';
    while (!devices.includes('online')) devices = (await runCli(['devices', '--config', file, '--url', url])).stdout;
    for (const action of ['unlock', 'lock']) {
      const ended = await runCli([action, 'shed', '--config', file, '--url', url]);
      expect({ action, ...ended }).toMatchObject({ code: 0 });
    }
    expect((await gateway.stop()).code).toBe(0);
  });

  it('has its settings checked with line and column', async () => {
    const folder = site();
    await install(join(folder, place), 'mqtt/acme');
    const file = configure(folder, [name], 'mqtt/acme', 1_883, ', colour: red');
    const { code, stderr } = await runCli(['check-config', '--config', file]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/gateway\.yaml:\d+:\d+ devices\.0\.settings.*colour/);
  });
});

describe('what cannot be used is refused with a sentence', () => {
  const module = (contract: string, id = 'mqtt/acme') => `
import { z } from 'zod';
export default {
  ${contract} id: '${id}', title: 'Acme', link: 'mqtt', settings: z.object({}),
  describe: () => ({ deviceType: 'x', manufacturer: 'x', model: 'x' }), open: async () => ({ close: async () => {} }),
};`;

  it.each([
    ['a driver of another contract', module("contract: '2.0',"), 'was written for version 2.0 of the driver contract'],
    ['one that needs a newer gateway', module("contract: '1.9',"), 'needs version 1.9 of the driver contract'],
    ['one that names no contract', module(''), 'does not say which version of the driver contract'],
    ['one with a name of ours', module("contract: '1.0',", 'mqtt/zigbee2mqtt'), 'has a driver of that name itself'],
    ['one with a link that its id does not say', module("contract: '1.0',", 'ble/acme'), 'must begin with mqtt/'],
    ['a module without a driver', 'export const nothing = 1;', 'exports no driver'],
    ['a module that throws', "throw new Error('I am broken');", 'I am broken'],
  ])('%s', async (_, source, sentence) => {
    const folder = site();
    writeFileSync(join(folder, 'driver.mjs'), source);
    const file = configure(folder, ['./driver.mjs'], 'mqtt/acme');
    const { code, stderr } = await runCli(['check-config', '--config', file]);
    expect(code).not.toBe(0);
    expect(stderr).toContain(sentence);
    expect(stderr).toMatch(/gateway\.yaml:6:\d+ drivers\.0: /);
  });

  it.each([
    ['./none.js', 'there is no file'],
    ['strikeplate-driver-none', 'npm install strikeplate-driver-none'],
  ])('%s, which is not there', async (name, sentence) => {
    const file = configure(site(), [name], 'mqtt/acme');
    expect((await runCli(['check-config', '--config', file])).stderr).toContain(sentence);
  });
});
