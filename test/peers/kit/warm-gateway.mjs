/*
 * A gateway that is about to start, as often as it is asked: everything that `strikeplate run` loads is loaded, and
 * each line on standard input (the words of its command line, as JSON) starts a child that goes on with them.
 * Started by WarmGateways with the compiled warm-fork.c and the socket that children speak to.
 */
import { readdirSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';

const [node = '', , addon = '', socket = ''] = process.argv;
const dist = new URL('../../../dist/', import.meta.url);
/** @type {(socket: string, number: number) => number | undefined} */
const fork = createRequire(import.meta.url)(addon);

// By name: its first file would run the command line, and may do so only once.
for (const chunk of readdirSync(new URL('chunks/', dist)))
  if (/^run-\w+\.js$/.test(chunk)) await import(new URL(`chunks/${chunk}`, dist).href);
const { drivers } = await import(new URL('drivers/index.js', dist).href);
await drivers['mqtt/zigbee2mqtt']();

const bytes = Buffer.alloc(4096);
let heard = '';
// Synchronous, so that no event loop is at work while a child is made of this one.
for (let number = 0, child; child !== 0; number++) {
  while (!heard.includes('\n')) {
    const size = readSync(0, bytes);
    if (size === 0) process.exit(0);
    heard += bytes.toString('utf8', 0, size);
  }
  const [line = '', ...rest] = heard.split('\n');
  heard = rest.join('\n');
  child = fork(socket, number);
  if (child === undefined || child < 0) throw new Error('no child could be made');
  if (child !== 0) writeSync(1, `${child}\n`);
  else process.argv = [node, new URL('src/cli.js', dist).pathname, ...JSON.parse(line)];
}
// Both were those of the parent.
Object.defineProperty(process, 'pid', { value: Number(readlinkSync('/proc/self')) });
await import(new URL('src/cli.js', dist).href);
