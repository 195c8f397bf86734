import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';
import { announcedSources, asOutside } from '../kit/locks/outside-driver.ts';

/*
 * A driver author's folder: the package as npm packs it, zod and vitest beside it, and the driver that the guide prints,
 * with its simulator and its contract test. Nothing is fetched.
 */

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'strikeplate-author-'));
const modules = join(folder, 'node_modules');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (command: string, args: readonly string[], cwd = folder) => {
  const { CI: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...env, NO_COLOR: '1' },
  });
  return { status, said: stdout + stderr };
};

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

beforeAll(async () => {
  await ensureBuilt();
  const packed = run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], root);
  expect(packed.status, packed.said).toBe(0);
  mkdirSync(modules);
  const unpacked = run('tar', ['xzf', packed.said.trim().split('\n').at(-1) ?? '', '-C', modules]);
  expect(unpacked.status, unpacked.said).toBe(0);
  renameSync(join(modules, 'package'), join(modules, 'strikeplate'));
  const { peerDependencies } = createRequire(join(modules, 'strikeplate/'))('./package.json');
  expect(peerDependencies).toHaveProperty('vitest');
  for (const name of ['zod', 'pino', 'vitest', 'typescript', '@types'])
    symlinkSync(join(root, 'node_modules', name), join(modules, name), 'dir');
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'strikeplate-driver-acme', type: 'module' }));
  mkdirSync(join(folder, 'planted'));
  for (const [name, path] of Object.entries(announcedSources)) {
    const source = asOutside(readFileSync(join(root, path), 'utf8'));
    writeFileSync(join(folder, name), source);
    writeFileSync(join(folder, 'planted', name), source.replace('clock.now(), message)', 'clock.now())'));
  }
  const compilerOptions = {
    ...{ module: 'nodenext', target: 'es2023', strict: true, noEmit: true, types: ['node'] },
    ...{ allowImportingTsExtensions: true, exactOptionalPropertyTypes: true, skipLibCheck: false },
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
});

describe('strikeplate/driver-testing, in a folder of a driver author', () => {
  it('holds the driver that the guide prints against the contract, and finds a defect in another', () => {
    const { said } = run(process.execPath, [join(modules, 'vitest/vitest.mjs'), 'run', '--reporter=json']);
    const { testResults } = JSON.parse(said.slice(said.indexOf('{'), said.lastIndexOf('}') + 1)) as Report;
    const found = (folderName: string, wanted: string) =>
      testResults
        .filter(({ name }) => name.includes('planted') === (folderName === 'planted'))
        .flatMap(({ assertionResults }) => assertionResults)
        .filter(({ status }) => status === wanted)
        .map(({ fullName }) => fullName);
    expect(found('good', 'failed')).toEqual([]);
    expect(found('good', 'passed')).toContainEqual(
      expect.stringMatching(/the driver contract doors locks and unlocks/),
    );
    expect(found('planted', 'failed')).toEqual([
      'mqtt/announced: on a broker a retained state proves nothing, nor does what differs from it',
    ]);
  });

  it('is typed for whoever writes TypeScript', () => {
    const { status, said } = run(process.execPath, [join(modules, 'typescript/bin/tsc'), '-p', folder]);
    expect(status, said).toBe(0);
  });
});
