import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { figure, table } from './table.ts';

const usage = `npx tsx test/bench/shares.ts PROFILE...
  What the busy time of a CPU profile went into, by layer: of one that \`npm run bench -- --profile FOLDER\` left.`;

/** Layers, each with what stands in the path of its sources; the first that fits is it. */
const layers: readonly (readonly [layer: string, places: RegExp])[] = [
  ['MQTT', /src\/transports\/mqtt|node_modules\/(mqtt|mqtt-packet|bl|readable-stream|debug|reinterval)\/|src\/lib\//],
  [
    'HTTP',
    /node_modules\/(fastify|find-my-way|avvio|fast-querystring|toad-cache|rfdc)\/|src\/(http|wire|permission)\//,
  ],
  ['store', /src\/(store|audit)\//],
  ['driver and evidence', /drivers\/|src\/driver-kit\//],
  ['attempts and lanes', /src\/(attempts|devices)\/|node_modules\/xstate\//],
  ['events and figures', /src\/(events|device-events|monitor|webhooks)\/|node_modules\/prom-client\//],
  ['schemas', /node_modules\/zod\//],
  ['log', /node_modules\/(pino|sonic-boom|fast-redact|safe-stable-stringify)\/|src\/composition\/door-log/],
  ['ids and clock', /node_modules\/uuid\/|src\/clock\//],
  ['HTTP', /^node:_http/],
];

interface Frame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}
interface ProfileNode {
  readonly id: number;
  readonly callFrame: Frame;
  readonly children?: readonly number[];
}
interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const maps = new Map<string, SourceMap | undefined>();

/** Where a function was written, as far as the build’s source maps tell. */
function sourceOf({ url, lineNumber, columnNumber }: Frame): string {
  if (!url.startsWith('file:')) return url;
  const file = fileURLToPath(url);
  if (!maps.has(file)) {
    const beside = `${file}.map`;
    maps.set(file, existsSync(beside) ? new SourceMap(JSON.parse(readFileSync(beside, 'utf8'))) : undefined);
  }
  const entry = maps.get(file)?.findEntry(lineNumber, columnNumber);
  return entry !== undefined && 'originalSource' in entry ? entry.originalSource : file;
}

/** What the engine and Node do for somebody counts as that one's. */
function sharesOf({ nodes, samples, timeDeltas }: Profile): ReadonlyMap<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const callers = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)));
  const layerOf = (node: ProfileNode): string => {
    if (node.callFrame.functionName === '(garbage collector)') return 'garbage';
    for (let at: ProfileNode | undefined = node; at !== undefined; at = callers.get(at.id)) {
      const source = sourceOf(at.callFrame);
      const found = layers.find(([, places]) => places.test(source));
      if (found !== undefined) return found[0];
    }
    return 'Node itself';
  };
  const known = new Map(nodes.map((node) => [node.id, layerOf(node)]));
  const times = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const name = byId.get(id)?.callFrame.functionName;
    if (name === '(idle)' || name === '(program)') continue;
    const micros = timeDeltas[index] ?? 0;
    const layer = known.get(id) ?? '';
    busy += micros;
    times.set(layer, (times.get(layer) ?? 0) + micros);
  }
  return new Map([...times].map(([layer, micros]) => [layer, micros / busy]));
}

const { positionals } = parseArgs({ allowPositionals: true, options: {} });
if (positionals.length === 0) {
  console.log(usage);
  process.exit(2);
}
const profiles = positionals.map((file) => sharesOf(JSON.parse(readFileSync(file, 'utf8')) as Profile));
const names = [...new Set(profiles.flatMap((shares) => [...shares.keys()]))];
const largest = (layer: string) => Math.max(...profiles.map((shares) => shares.get(layer) ?? 0));
const percent = (share: number | undefined) => (share === undefined ? '–' : `${figure(share * 100)} %`);
console.log(
  table(
    ['layer', ...positionals],
    names
      .sort((a, b) => largest(b) - largest(a))
      .map((layer) => [layer, ...profiles.map((shares) => percent(shares.get(layer)))]),
  ),
);
