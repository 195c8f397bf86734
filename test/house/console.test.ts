import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, normalize, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';
import { deliveries } from '../../src/console/deliveries.ts';
import { errorTypes } from '../../src/contract/index.ts';

const repository = resolve(import.meta.dirname, '../..');
const folder = join(repository, 'src/console');
/** What the page is made of; tests that lie beside it are not sent to anybody. */
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
  /(?<!\.test)\.tsx?$/.test(file),
);
const text = (file: string) => readFileSync(join(folder, file), 'utf8');

describe('the console', () => {
  beforeAll(() => ensureBuilt());

  it('stands alone: it imports itself and the three libraries it is made of', () => {
    const strays = sources.flatMap((file) =>
      [...text(file).matchAll(/(?:\bfrom |\bimport\()'([^']+)'/g)]
        .map(([, name = '']) => name)
        .filter((name) =>
          name.startsWith('.')
            ? normalize(join(file, '..', name)).startsWith('..')
            : !['preact', 'preact/hooks', '@preact/signals', 'uplot'].includes(name),
        )
        .map((name) => `${file} → ${name}`),
    );
    expect(strays).toEqual([]);
  });

  it('puts no text of others into markup, and asks no other server', () => {
    for (const file of sources) {
      expect(text(file), file).not.toMatch(
        /dangerouslySetInnerHTML|innerHTML|insertAdjacentHTML|\beval\(|new Function/,
      );
      expect(text(file), file).not.toMatch(/https?:\/\//);
    }
    expect(readFileSync(join(folder, 'index.html'), 'utf8')).not.toMatch(
      /https?:\/\/|<script(?! type="module" src=)|style=|\son\w+=/,
    );
  });

  it('says of every error what docs/errors.md says of its command', () => {
    for (const [type, { delivery }] of Object.entries(errorTypes)) {
      const told = Object.entries(deliveries).find(([, types]) => (types as readonly string[]).includes(type))?.[0];
      if (told !== undefined || (delivery !== undefined && delivery !== 'not_sent'))
        expect({ type, delivery: told }).toEqual({ type, delivery });
    }
  });

  it('has a first page of at most 120 KiB compressed', () => {
    const dist = join(repository, 'dist/console');
    const page = readFileSync(join(dist, 'index.html'), 'utf8');
    const files = ['index.html', ...[...page.matchAll(/\/console\/([^"]+)/g)].map(([, name = '']) => name)];
    expect(files).toHaveLength(4);
    const bytes = files.reduce((sum, file) => sum + statSync(join(dist, `${file}.gz`)).size, 0);
    expect(bytes).toBeLessThan(120 * 1024);
  });
});
