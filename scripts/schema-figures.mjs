// npm run schema:figures [-- FILES]: runs the tests, all unless told, and prints how many answers and events of how many
// kinds they held against the published schemas, and what was neither as published nor named as a difference.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'strikeplate-figures-'));
const file = join(folder, 'figures');
try {
  const { status } = spawnSync('npx', ['vitest', 'run', ...process.argv.slice(2)], {
    stdio: ['inherit', 'ignore', 'inherit'],
    env: { ...process.env, STRIKEPLATE_SCHEMA_FIGURES: file },
  });
  /** @type {readonly { readonly kinds: string[], readonly answered: number, readonly happened: number, readonly unexplained: string[] }[]} */
  const ofFiles = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const kinds = new Set(ofFiles.flatMap((each) => each.kinds));
  const events = [...kinds].filter((kind) => kind.startsWith('event '));
  const unexplained = new Set(ofFiles.flatMap((each) => each.unexplained));
  const sum = (/** @type {'answered' | 'happened'} */ what) => ofFiles.reduce((all, each) => all + each[what], 0);
  console.log(`test files with a gateway: ${ofFiles.length}`);
  console.log(`answers: ${sum('answered')}, of ${kinds.size - events.length} kinds that the published document has`);
  console.log(`events: ${sum('happened')}, of ${events.length} kinds that it has`);
  console.log(`unexplained differences: ${unexplained.size}`);
  for (const each of [...unexplained].sort()) console.log(`  ${each}`);
  if (status !== 0) console.log('Some tests failed: see them with npx vitest run.');
  process.exitCode = status === 0 && unexplained.size === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
