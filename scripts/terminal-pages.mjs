/*
 * `npm run screenshots:terminal`: docs/terminal.md, what the commands print on a terminal of 80 columns, of the built
 * demonstration after some commands. Each runs on a terminal of its own (util-linux' `script`), whose bytes are then read as
 * a terminal reads them. Colours are left out; ids, addresses and times are those of that run.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { ensureBuilt } from './build.mjs';

const columns = 80;
const rows = 24;
const root = resolve(import.meta.dirname, '..');
const cli = join(root, 'dist/src/cli.js');

/** @returns {Promise<number>} */
const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

/**
 * What stands on the terminal at the end: carriage returns, line feeds, the cursor sent home, and the rest of a line or of the
 * screen cleared (ECMA-48, 8.3). What takes the whole screen and gives it back is shown as it was before that.
 * @param {string} bytes
 */
function asSeen(bytes) {
  const text = bytes.split('\u001b[?1049l').at(0) ?? '';
  /** @type {string[]} */
  let lines = [''];
  let [row, column] = [0, 0];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is read here
  for (const [token] of text.matchAll(/\u001b\[[?0-9;]*[A-Za-z]|[\s\S]/gu)) {
    const line = lines[row] ?? '';
    if (token === '\r') column = 0;
    else if (token === '\n') row += 1;
    else if (token === '\u001b[H') [row, column] = [0, 0];
    else if (token === '\u001b[?1049h') [lines, row, column] = [[''], 0, 0];
    else if (token === '\u001b[K') lines[row] = line.slice(0, column);
    else if (token === '\u001b[J') {
      lines.length = row + 1;
      lines[row] = line.slice(0, column);
    } else if (token.length === 1 && token >= ' ') {
      lines[row] = line.padEnd(column).slice(0, column) + token + line.slice(column + 1);
      column += 1;
    }
    while (lines.length <= row) lines.push('');
  }
  return lines
    .map((line) => line.trimEnd())
    .join('\n')
    .trimEnd();
}

await ensureBuilt();
const folder = mkdtempSync('/tmp/sp-');
const config = join(folder, 'lobby.yaml');
const port = await freePort();
writeFileSync(
  config,
  readFileSync(join(root, 'config/demo.yaml'), 'utf8')
    .replace('port: 8080', `port: ${port}`)
    .replace('port: 18830', `port: ${await freePort()}`)
    .replace('state_dir: ../var', 'state_dir: var'),
);
mkdirSync(join(folder, 'var'), { mode: 0o700 });
const { PATH = '', HOME = '' } = process.env;
const env = { PATH, HOME, TERM: 'xterm-256color', LANG: 'C.UTF-8', TZ: 'Europe/Zurich', STRIKEPLATE_CONFIG: config };

/** Without this machine's folders; the first as long as what stands for it. @param {string} text */
const shownAs = (text) => text.replaceAll(folder, '/root/lobbybox').replaceAll(root, '/opt/strikeplate');

/** @param {string[]} words @param {{ readonly endAfterS?: number }} [how] ended by Ctrl-C after so many seconds */
function typed(words, { endAfterS } = {}) {
  const command = [
    `stty cols ${columns} rows ${rows};`,
    endAfterS === undefined ? 'exec' : `exec timeout --foreground -s INT ${endAfterS}`,
    ...[process.execPath, cli, ...words].map((word) => `'${word}'`),
  ].join(' ');
  const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], { cwd: folder, env, encoding: 'utf8' });
  return shownAs(asSeen(stdout));
}

/** @type {[heading: string, page: string][]} */
const pages = [];
/** @param {string} heading @param {string[]} words @param {{ readonly endAfterS?: number, readonly most?: number }} [how] */
function page(heading, words, { most = 60, ...how } = {}) {
  const lines = typed(words, how).split('\n');
  const cut = lines.length > most ? [...lines.slice(0, most), '...'] : lines;
  pages.push([heading, `$ strikeplate ${shownAs(words.join(' '))}\n${cut.join('\n')}`]);
}

const gateway = spawn(process.execPath, [cli, 'run', '--config', config], {
  cwd: folder,
  env: { ...env, JOURNAL_STREAM: '' },
  stdio: ['ignore', 'pipe', 'pipe'],
});
let said = '';
const up = new Promise((done) => gateway.stdout.setEncoding('utf8').on('data', (text) => done(text)));
gateway.stderr.setEncoding('utf8').on('data', (text) => {
  said += text;
});
try {
  await up;
  typed(['keys', 'create', '--name', 'cli', '--save']);
  page('Help', ['--help'], { most: 80 });
  page('A door', ['unlock', 'front']);
  typed(['lock', 'front']);
  typed(['unlock', 'cellar']);
  typed(['lock', 'yard']);
  page('The doors', ['devices']);
  page('What was asked of them', ['attempts']);
  page('A code', ['codes', 'create', 'front', '--name', 'Cleaning']);
  page('All codes', ['codes', 'list', 'front']);
  page('Keys', ['keys', 'list']);
  page('Live', ['watch'], { endAfterS: 4 });
  page('Is everything well?', ['doctor']);
  page('A configuration with a mistake', ['check-config', '--config', mistaken()]);
  page('From nothing', ['setup', '--yes', '--config', join(folder, 'new/gateway.yaml')]);
  page('Nobody answers', ['devices', '--url', 'http://127.0.0.1:9']);
} finally {
  gateway.kill('SIGTERM');
  await new Promise((done) => gateway.once('exit', done));
  rmSync(folder, { recursive: true, force: true });
}

function mistaken() {
  const file = join(folder, 'mistaken.yaml');
  const text = readFileSync(config, 'utf8');
  writeFileSync(file, text.replace('driver: mqtt/zigbee2mqtt', 'driver: mqtt/zigbee2mqt').replace('name: ', 'nmae: '));
  return file;
}

const title = `# The terminal

What the commands print on a terminal of ${columns} columns, of the demonstration. Made by \`npm run screenshots:terminal\`; colours are
left out.
`;
const text = pages.map(([heading, shown]) => `\n## ${heading}\n\n\`\`\`text\n${shown}\n\`\`\`\n`).join('');
writeFileSync(join(root, 'docs/terminal.md'), title + text);
const wide = text.split('\n').filter((line) => line.length > columns);
if (wide.length > 0) console.log(`wider than ${columns} columns:\n${wide.join('\n')}`);
if (said !== '') writeFileSync(process.env.STRIKEPLATE_LOG ?? '/dev/null', said);
