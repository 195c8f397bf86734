import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import { transformSync } from 'esbuild';
import { expect, it, onTestFinished } from 'vitest';
import { tellSourceLines } from './source-lines.ts';

const source = `interface Door { readonly name: string }

export function opens(door: Door): never {
  throw new TypeError(door.name);
}
opens({ name: 'front' });
`;

/** What a file of the build throws, as its stack tells it. @param alter what became of its map */
function stackOf(alter: (map: string) => string | undefined): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'strikeplate-lines-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { code, map } = transformSync(source, {
    loader: 'ts',
    format: 'iife',
    minifyWhitespace: true,
    sourcemap: 'external',
    sourcefile: '../src/door.ts',
  });
  const file = join(folder, 'door.js');
  const altered = alter(map);
  if (altered !== undefined) writeFileSync(`${file}.map`, altered);
  onTestFinished(tellSourceLines());
  try {
    new Script(code, { filename: pathToFileURL(file).href }).runInThisContext({ displayErrors: false });
    return undefined;
  } catch (error) {
    return (error as Error).stack?.replaceAll(pathToFileURL(join(folder, '..')).href, 'file:');
  }
}

it('names the source of each frame, its line and its column', () => {
  expect(
    stackOf((map) => map)
      ?.split('\n')
      .slice(0, 3),
  ).toEqual(['TypeError: front', '    at opens (file:/src/door.ts:4:9)', '    at file:/src/door.ts:6:1']);
});

it.each([
  ['there is no map', () => undefined],
  ['the map is cut off', (map: string) => map.slice(0, 40)],
])('tells the place in the build where %s', (_, alter) => {
  expect(stackOf(alter)).toMatch(/^TypeError: front\n {4}at opens \(file:\S*door\.js:1:\d+\)\n/);
});
