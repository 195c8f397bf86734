import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { drivers } from '../../drivers/index.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createApiKey } from '../../src/http/api-key-changes.ts';

const repository = resolve(import.meta.dirname, '../..');
const folder = join(repository, 'container');
const read = (path: string) => readFileSync(join(repository, path), 'utf8');

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly ports?: readonly string[];
  readonly volumes: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: readonly string[];
  readonly stop_grace_period?: string;
  readonly mem_limit?: string;
  readonly pids_limit?: number;
}

const compose = parse(read('container/compose.yaml')) as {
  readonly services: Readonly<Record<'strikeplate' | 'mosquitto', Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};

/** Instructions as [word, rest], continued lines joined (Dockerfile reference, "Format"). */
const instructions = read('container/Containerfile')
  .split('\n')
  .filter((line) => !/^\s*#/.test(line))
  .join('\n')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line): [string, string] => {
    const [, word = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    return [word, rest.replace(/\s+/g, ' ')];
  });
const all = (word: string) => instructions.filter(([one]) => one === word).map(([, rest]) => rest);
const unit = read('systemd/strikeplate.service');
const ofUnit = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1];

describe('the container', () => {
  it('is described in instructions that there are, with commands that a shell can read', () => {
    const known = ['ARG', 'FROM', 'RUN', 'COPY', 'ENV', 'USER', 'VOLUME', 'EXPOSE', 'STOPSIGNAL', 'ENTRYPOINT', 'CMD'];
    expect(instructions.filter(([word]) => !known.includes(word))).toEqual([]);
    for (const script of [...all('RUN').map((run) => run.replace(/--mount=\S+ /g, '')), read('container/entrypoint')]) {
      const { status, stderr } = spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    }
    expect(statSync(join(folder, 'entrypoint')).mode & 0o111).toBe(0o111);
  });

  it('takes the package that npm run package makes, and nothing that is not sent to the builder', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    const [wanted = ''] = /\/packages\/\S+\.deb/.exec(all('RUN').join('\n')) ?? [];
    const pattern = wanted
      .replaceAll('.', '\\.')
      .replace('*', '[^/]*')
      .replace('$(dpkg --print-architecture)', 'amd64');
    expect(`/packages/strikeplate_${version}_amd64.deb`).toMatch(new RegExp(`^${pattern.replace(/\$\(.*/, '')}`));
    const sent = read('.dockerignore');
    expect(sent.split('\n')[0]).toBe('*');
    for (const copied of all('COPY')) {
      const source = copied.split(' ').find((word) => !word.startsWith('--')) ?? '';
      expect(existsSync(join(repository, source))).toBe(true);
      expect(sent).toContain(`!${source}`);
    }
    expect(sent).toContain('!packages/*.deb');
  });

  it('keeps no key and no configuration in a layer', () => {
    const install = all('RUN').find((run) => run.includes('apt-get install')) ?? '';
    expect(install).toMatch(/rm -rf .*\/etc\/strikeplate\/gateway\.yaml \/var\/lib\/strikeplate\/\*/);
  });

  it('runs as the unit does: the same user, environment, memory, processes and patience', () => {
    expect(all('USER')).toEqual([ofUnit('User')]);
    const environment = all('ENV').join(' ').split(' ');
    for (const [, value = ''] of unit.matchAll(/^Environment=(.*)$/gm)) expect(environment).toContain(value);
    const { strikeplate } = compose.services;
    expect(strikeplate.mem_limit?.toUpperCase()).toBe(ofUnit('MemoryMax'));
    expect(String(strikeplate.pids_limit)).toBe(ofUnit('TasksMax'));
    expect(strikeplate.stop_grace_period).toBe(`${ofUnit('TimeoutStopSec')}s`);
    expect(all('ENTRYPOINT')).toEqual(['["/usr/local/bin/strikeplate-container"]']);
    expect(all('COPY').join()).toContain('/usr/local/bin/strikeplate-container');
  });

  it('has a composition whose files are there and whose ports and volumes are those of the image', () => {
    const { services, volumes } = compose;
    const { strikeplate, mosquitto } = services;
    expect(resolve(folder, strikeplate.build?.context ?? '')).toBe(repository);
    expect(join(repository, strikeplate.build?.dockerfile ?? '')).toBe(join(folder, 'Containerfile'));
    for (const { volumes: mounts } of Object.values(services))
      for (const mount of mounts) {
        const [from = ''] = mount.split(':');
        if (from.startsWith('.')) expect(existsSync(resolve(folder, from)), from).toBe(true);
        else expect(volumes).toHaveProperty(from);
      }
    const [port] = all('EXPOSE');
    expect(strikeplate.ports).toEqual([`127.0.0.1:${port}:${port}`]);
    expect(strikeplate.healthcheck?.test.at(-1)).toContain(`http://127.0.0.1:${port}/health`);
    expect(strikeplate.depends_on).toEqual(Object.keys(services).filter((name) => name !== 'strikeplate'));
    const state = /\["(.*)"\]/.exec(all('VOLUME')[0] ?? '')?.[1] ?? '';
    expect(strikeplate.volumes).toContain(`state:${state}`);
    // What the broker's configuration names is mounted.
    for (const [, path = ''] of read('container/mosquitto/mosquitto.conf').matchAll(/^\w+ (\/\S+)$/gm))
      expect(
        mosquitto.volumes.some((mount) => path.startsWith(mount.split(':')[1] ?? '?')),
        path,
      ).toBe(true);
  });

  it('has a configuration that is in order, listens where the port is, and knows the broker by its name', async () => {
    const box = mkdtempSync(join(tmpdir(), 'strikeplate-container-'));
    onTestFinished(() => rmSync(box, { recursive: true, force: true }));
    const text = read('container/strikeplate/gateway.yaml');
    const state = /^state_dir: (\S+)$/m.exec(text)?.[1] ?? '';
    expect(all('VOLUME')).toEqual([JSON.stringify([state])]);
    expect(read('container/entrypoint')).toContain(`${state}/api-keys`);
    writeFileSync(join(box, 'gateway.yaml'), text.replace(state, box));
    await createApiKey(join(box, 'api-keys'), { name: 'cli' }, randomBytes, Date.now);
    writeFileSync(join(box, 'mqtt.pw'), 'secret\n', { mode: 0o600 });
    const config = await loadConfig(join(box, 'gateway.yaml'), { drivers, simulators: {}, env: {}, now: 0 });
    expect(config.http).toMatchObject({ host: '0.0.0.0', port: Number(all('EXPOSE')[0]), allowPlaintext: true });
    expect(config.mqtt).toMatchObject([{ url: 'mqtt://mosquitto:1883' }]);
  });
});
