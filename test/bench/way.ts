import { createHook, executionAsyncId } from 'node:async_hooks';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type Profiler, Session } from 'node:inspector/promises';
import { relative, resolve } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MqttClient } from 'mqtt';
import { readSource } from '../../scripts/figures.mjs';
import { GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';

// usage: npx tsx test/bench/way.ts [--list] [--calls]
// The way that an unlock and a new code take through the product, by a run: a whole gateway with its store on disk, a
// broker and a simulated lock. Modules and calls are those between the request and the end of what it began; hops are the
// functions from the handler of the route to the one that hands the message to the MQTT library, whatever was waited for in
// between; a closure belongs to the function that made it. A return is a hop into a module that the way had left. Broker and
// lock are in a process of their own: the broker's bounds and the lock's clock are of the same modules as the gateway's.

const root = resolve(import.meta.dirname, '../..');
const list = process.argv.includes('--list');
const byCalls = process.argv.includes('--calls');

const isProduct = (file: string) => /^(src|drivers)\//.test(file) && !/^src\/simulation\/|simulat/.test(file);
const sources = new Map<string, ReturnType<typeof readSource>>();

/** The function with a name around a place. */
function functionAt(file: string, line: number, column: number): string {
  let source = sources.get(file);
  if (source === undefined) {
    source = readSource(root, file);
    sources.set(file, source);
  }
  const offset = source.text.split('\n', line - 1).join('\n').length + column;
  const around = source.functions.filter(({ start, end, named }) => named && start <= offset && offset <= end);
  return `${file} ${around.sort((a, b) => b.start - a.start)[0]?.name ?? '(module)'}`;
}

/** The functions of the product on a stack, innermost first. */
function productFrames(stack: string): string[] {
  return stack.split('\n').flatMap((frame) => {
    const place = /(file:\/\/[^)]*?|\/[^()]*?):(\d+):(\d+)\)?$/.exec(frame);
    if (place === null || / async /.test(frame)) return [];
    const [, url = '', line, column] = place;
    const file = relative(root, url.startsWith('file:') ? fileURLToPath(url) : url);
    return isProduct(file) ? [functionAt(file, Number(line), Number(column))] : [];
  });
}

/** Remembers where everything that runs later was begun. */
class Chain {
  readonly #begun = new Map<number, { readonly stack: string; readonly by: number }>();
  readonly #hook = createHook({
    init: (id) => this.#begun.set(id, { stack: new Error().stack ?? '', by: executionAsyncId() }),
  });

  start(): void {
    Error.stackTraceLimit = Number.POSITIVE_INFINITY;
    this.#begun.clear();
    this.#hook.enable();
  }

  stop(): void {
    this.#hook.disable();
  }

  /** From the function that runs now back to where everything began, innermost first, each once. */
  functions(): string[] {
    const found = new Set(productFrames(new Error().stack ?? ''));
    for (let begun = this.#begun.get(executionAsyncId()); begun !== undefined; begun = this.#begun.get(begun.by))
      for (const name of productFrames(begun.stack)) found.add(name);
    return [...found];
  }
}

interface Called {
  readonly file: string;
  readonly functionName: string;
  readonly scriptId: string;
  readonly start: number;
  readonly count: number;
}

interface Way {
  readonly calls: number;
  readonly called: readonly Called[];
  readonly functions: number;
  readonly modules: readonly string[];
  /** Outermost first. */
  readonly hops: readonly string[];
}

/** How often it is gone; the figures are those of the median, for a gateway does other things as well. */
const RUNS = 3;

/** How many lines of each list of calls are printed. */
const MOST_CALLED = 60;

/** After which what an attempt leaves to do is done, in milliseconds. */
const QUIET_MS = 1_500;

/** What the HTTP server calls with a request that it has admitted. */
const handler = 'src/http/serve-route.ts handler';

/** @param act the request; returns when what it began has ended */
async function wayOf(
  session: Session,
  isCommand: (topic: string) => boolean,
  act: () => Promise<unknown>,
): Promise<Way> {
  const chain = new Chain();
  let hops: string[] = [];
  const { publish } = MqttClient.prototype;
  MqttClient.prototype.publish = function (this: MqttClient, ...args: unknown[]) {
    // A lane that was already at work carries no chain back to the request.
    const functions = isCommand(String(args[0])) && hops.length === 0 ? chain.functions().reverse() : [];
    if (functions.includes(handler)) {
      const published = functions.findIndex((name) => name.endsWith(' publish'));
      hops = functions.slice(functions.indexOf(handler), published + 1);
    }
    return Reflect.apply(publish, this, args);
  } as typeof publish;
  // For itself: to remember stacks costs calls of its own.
  for (let run = 0; run < RUNS && hops.length === 0; run++) {
    chain.start();
    await act();
    chain.stop();
  }
  MqttClient.prototype.publish = publish;
  const runs: Omit<Way, 'hops'>[] = [];
  for (let run = 0; run < RUNS; run++) {
    await sleep(QUIET_MS);
    await session.post('Profiler.takePreciseCoverage');
    await act();
    const called = await named(session, calledIn((await session.post('Profiler.takePreciseCoverage')).result));
    runs.push({
      calls: called.reduce((sum, { count }) => sum + count, 0),
      called,
      functions: called.length,
      modules: [...new Set(called.map(({ file }) => file))].sort(),
    });
  }
  const [median] = runs.sort((a, b) => a.calls - b.calls).slice(RUNS >> 1);
  if (median === undefined) throw new Error('nothing was run');
  return { ...median, hops };
}

function calledIn(scripts: readonly Profiler.ScriptCoverage[]): Called[] {
  return scripts
    .filter(({ url }) => url.startsWith('file:'))
    .map(({ url, scriptId, functions }) => ({ file: relative(root, fileURLToPath(url)), scriptId, functions }))
    .filter(({ file }) => isProduct(file))
    .flatMap(({ file, scriptId, functions }) =>
      functions
        .filter(({ functionName }) => functionName !== '__name')
        .map(({ functionName, ranges: [range] }) => {
          return { file, functionName, scriptId, start: range?.startOffset ?? 0, count: range?.count ?? 0 };
        })
        .filter(({ count }) => count > 0),
    );
}

/** What has no name is told by how it begins. */
async function named(session: Session, called: readonly Called[]): Promise<readonly Called[]> {
  if (!byCalls) return called;
  await session.post('Debugger.enable');
  const texts = new Map<string, string>();
  for (const { scriptId } of called)
    if (!texts.has(scriptId))
      texts.set(scriptId, (await session.post('Debugger.getScriptSource', { scriptId })).scriptSource);
  await session.post('Debugger.disable');
  return called.map((one) => {
    if (one.functionName !== '') return one;
    const begins = texts
      .get(one.scriptId)
      ?.slice(one.start, one.start + 70)
      .replace(/\s+/g, ' ');
    return { ...one, functionName: `(nameless) ${begins}` };
  });
}

function returnsOf(hops: readonly string[]): string[] {
  const modules = hops.map((hop) => hop.split(' ')[0] ?? '').filter((file, index, all) => file !== all[index - 1]);
  return modules.filter((file, index) => modules.slice(0, index).includes(file));
}

/** Most called first: what is called once for each byte, row, slot or device stands at the top. */
function printCalls(called: readonly Called[]): void {
  const sums = (keyOf: (one: Called) => string) => {
    const counts = new Map<string, number>();
    for (const one of called) counts.set(keyOf(one), (counts.get(keyOf(one)) ?? 0) + one.count);
    return [...counts].sort(([, a], [, b]) => b - a);
  };
  const line = ([what, count]: [string, number]) => console.log(`  ${String(count).padStart(5)} ${what}`);
  for (const of of [
    ({ file }: Called) => file.split('/').slice(0, 2).join('/'),
    ({ file }: Called) => file,
    ({ file, functionName }: Called) => `${file} ${functionName}`,
  ])
    sums(of).slice(0, MOST_CALLED).forEach(line);
}

function print(name: string, { calls, called, functions, modules, hops }: Way): void {
  const returns = returnsOf(hops);
  console.log(
    `${name.padEnd(14)} ${modules.length} modules, ${functions} functions, ${calls} calls; ` +
      `${hops.length} hops from the handler to publish, ${returns.length} returns`,
  );
  if (byCalls) printCalls(called);
  if (!list) return;
  for (const hop of hops) console.log(`  hop ${hop}`);
  for (const file of returns) console.log(`  back in ${file}`);
  for (const file of modules) console.log(`  module ${file}`);
}

const NETWORK = 'network';

/** The other process: a broker with a lock behind a bridge, until the parent hangs up. */
async function playNetwork(): Promise<void> {
  const network = await ZigbeeBuilding.open();
  network.bridge.addLock({ friendlyName: 'front', slots: 10, exposePin: true, motorMs: 20, radioMs: 10 });
  network.bridge.start();
  process.send?.(network.url);
  await once(process, 'disconnect');
  await network.close();
  process.exit(0);
}

if (process.argv.includes(NETWORK)) await playNetwork();
const network = fork(fileURLToPath(import.meta.url), [NETWORK]);
const [url] = await once(network, 'message');
const box = await GatewayBox.make({
  mqtt: { main: { url: String(url) } },
  devices: [zigbeeEntry('front', { settings: { pin_slots: { first: 1, count: 9 } } })],
});
const gateway = await box.start();
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
try {
  const deviceId = idOf('front');
  await gateway.api.online(deviceId);
  const ending = async (path: string, body: object) => {
    const attempt = await gateway.api.accepted(path, { device_id: deviceId, ...body }, { prefer: 'wait=20' });
    if (attempt.status !== 'success') throw new Error(`${path} ended as ${JSON.stringify(attempt)}`);
  };
  const unlock = () => ending('/locks/unlock_door', {});
  // A gateway that starts reads what its locks hold.
  await sleep(4 * QUIET_MS);
  let codes = 0;
  const create = () => {
    codes += 1;
    return ending('/access_codes/create', { name: `Guest ${codes}`, code: String(4720 + codes) });
  };
  const isCommand = (topic: string) => topic.endsWith('/front/set');
  for (const [name, act] of [
    ['one unlock', unlock],
    ['one code', create],
  ] as const) {
    await act();
    await sleep(QUIET_MS);
    print(name, await wayOf(session, isCommand, act));
  }
} finally {
  session.disconnect();
  await gateway.close();
  network.disconnect();
  box.dispose();
}
