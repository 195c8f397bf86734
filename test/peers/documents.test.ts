import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';
import { builtCli } from '../kit/command-line/built-command.ts';
import { freePort } from '../kit/free-port.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';
import { peerProgram } from './kit/peer-program.ts';

/*
 * What the installer's and the operator's documents have people type is typed here, in their order, on a box that lies in a
 * folder: the real program, with apt, systemctl and journalctl standing in.
 */

const repository = join(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(join(repository, name), 'utf8');
const needed = { openssl: 'openssl', curl: 'curl', mosquitto_passwd: 'mosquitto', promtool: 'prometheus' };
const isPossible = Object.entries(needed).every(([name, from]) => peerProgram(name, from) !== undefined);

/** Needs hardware, or somebody beside it: another test plays both. The words must stand in it. */
const typedElsewhere: Readonly<Record<string, readonly [test: string, words: RegExp]>> = {
  'strikeplate scan serial': ['src/cli/scan-serial.test.ts', /scanSerial/],
  'strikeplate scan ble': ['src/cli/scan-ble.test.ts', /scan/],
  'strikeplate pair cellar': ['test/scenarios/onboarding.test.ts', /pair/],
  'strikeplate zigbee join': ['src/onboarding/zigbee.test.ts', /zigbeeJoin/],
  'strikeplate zwave include': ['test/peers/zwave-inclusion.test.ts', /include/],
};

beforeAll(() => ensureBuilt());

/** The lines of all `sh` blocks; `yaml` ones by what they begin with. */
function linesOf(document: string): string[] {
  return [...read(document).matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    block.split('\n').filter((line) => line !== ''),
  );
}

const answersIn = (document: string) => /^# answers\.yaml\n([\s\S]*?)^```$/m.exec(read(document))?.[1] ?? '';

it('a line that is typed elsewhere is typed there', () => {
  for (const [test, words] of Object.values(typedElsewhere)) expect(read(test)).toMatch(words);
});

it.skipIf(!isPossible)('every line of the installer’s and the operator’s documents works in their order', async () => {
  const building = await ZigbeeBuilding.open();
  onTestFinished(() => building.close());
  const doors = ['Front Door', 'Side Door'].map((friendlyName) =>
    building.bridge.addLock({ friendlyName, radioMs: 1, motorMs: 5 }),
  );
  building.bridge.start();
  const box = mkdtempSync(join(tmpdir(), 'strikeplate-documents-'));
  onTestFinished(() => rmSync(box, { recursive: true, force: true }));
  for (const folder of ['bin', 'etc/strikeplate', 'etc/mosquitto', 'etc/prometheus', 'root', 'state'])
    mkdirSync(join(box, folder), { recursive: true });
  const port = await freePort();
  const places = (text: string) =>
    text
      .replaceAll(/(?<![\w.])\/etc\/(strikeplate|mosquitto|prometheus)/g, `${box}/etc/$1`)
      .replaceAll('/var/lib/strikeplate', `${box}/etc/strikeplate/state`)
      .replaceAll('/root/', `${box}/root/`)
      .replaceAll('/usr/share/doc/strikeplate/', `${repository}/docs/`)
      .replaceAll('8443', String(port));
  const answers = answersIn('docs/installing.md')
    .replace('gateway.example.com', 'localhost')
    .replace(/^broker_url:.*$/m, `broker_url: ${building.url}`)
    .replace(/^broker_ca_file:.*\n/m, '')
    .replace('broker_login: own ', 'broker_login: none');
  const write = (name: string, text: string, mode = 0o600) => {
    writeFileSync(join(box, name), text, { mode });
    chmodSync(join(box, name), mode);
  };
  write('answers.yaml', places(answers).replace('test_door: front-door', 'test_door: none'));
  write('quick.yaml', places(answers));
  write('root/passphrase', 'four words are plenty\n');
  write('etc/mosquitto/strikeplate.passwd', '');
  const script = (name: string, ...lines: string[]) => write(`bin/${name}`, `#!/bin/sh\n${lines.join('\n')}\n`, 0o755);
  for (const name of ['apt', 'journalctl']) script(name, 'exit 0');
  script(
    'strikeplate',
    // Nobody sits here; and what the doctor thinks of this machine is not what is tried.
    `[ "$*" = 'setup --replace' ] && set -- setup --replace --yes --answers ${box}/quick.yaml`,
    `[ "$1" = doctor ] && { ${process.execPath} ${builtCli} "$@"; [ $? -le 1 ]; exit; }`,
    `exec ${process.execPath} ${builtCli} "$@"`,
  );
  script(
    'systemctl',
    `cd ${box}`,
    'case "$1 $2" in "stop strikeplate" | "restart strikeplate")',
    '  [ ! -e pid ] || { kill $(cat pid); while kill -0 $(cat pid) 2>/dev/null; do sleep 0.1; done; rm pid; } ;; esac',
    'case "$1 $2" in "start strikeplate" | "restart strikeplate")',
    // Emptied first: what the run before said is not taken for this one's word.
    '  : >log; strikeplate run --config etc/strikeplate/gateway.yaml >log 2>&1 & echo $! >pid',
    '  until grep -q "listens on" log; do kill -0 $(cat pid) || { cat log >&2; exit 1; }; sleep 0.1; done ;; esac',
    'exit 0',
  );
  onTestFinished(() =>
    promisify(execFile)('sh', ['-c', `[ ! -e ${box}/pid ] || kill -9 $(cat ${box}/pid) || true`]).then(() => undefined),
  );
  const env = {
    ...{ PATH: `${box}/bin:${process.env.PATH}`, HOME: box },
    STRIKEPLATE_CONFIG: join(box, 'etc/strikeplate/gateway.yaml'),
  };
  // The broker lives in this process: it must not wait.
  const type = async (line: string): Promise<string> => {
    const typing = promisify(execFile)('sh', ['-ec', line], { cwd: box, env });
    typing.child.stdin?.end();
    const { stdout } = await typing.catch((error: { stdout: string; stderr: string }) => {
      throw new Error(`${line}\n${error.stdout}${error.stderr}`);
    });
    return stdout;
  };
  /** What an installer would have plugged in: lines and radios inside the gateway. */
  const plugIn = async () => {
    const config = join(box, 'etc/strikeplate/gateway.yaml');
    const board = '{ kind: relay_board, unit: 1, doors: [{ relay: 1, input: 1 }] }';
    writeFileSync(
      config,
      `${readFileSync(config, 'utf8')}
serial: { bus1: { simulated: true } }
ble: { radio: { simulated: true } }
simulation:
  - { simulator: serial/modbus-line, link: { serial: bus1 }, settings: { units: [${board}] } }
`,
    );
    await type('systemctl restart strikeplate');
  };

  const typed: string[] = [];
  let id = 'ID';
  for (const document of ['docs/installing.md', 'docs/operating.md'])
    for (const line of linesOf(document)) {
      // What only looks is typed once.
      if (typed.includes(line) && /^(?:strikeplate (?:doctor|devices|keys list)$|journalctl)/.test(line)) continue;
      const said = Object.hasOwn(typedElsewhere, line) ? '' : await type(places(line).replace(/\bID$/, id));
      typed.push(line);
      if (line.startsWith('strikeplate unlock')) expect(said).toMatch(/is unlocked: /);
      if (line.includes('setup --replace --yes')) await plugIn();
      if (line === 'strikeplate attempts list --limit 10') {
        const [newest] = JSON.parse(await type(`${line} --json`)) as { action_attempt_id: string }[];
        id = newest?.action_attempt_id ?? id;
      }
    }
  expect(typed.length).toBeGreaterThan(40);
  expect(doors.map(({ bolt }) => bolt)).toEqual(['unlocked', 'unlocked']);
  await type('systemctl stop strikeplate');
});
