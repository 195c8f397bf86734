import { type ParseArgsConfig, parseArgs } from 'node:util';

export interface BenchOptions {
  /** Milliseconds that one load is measured at a stretch. */
  readonly sliceMs: number;
  /** How often every target has each load. */
  readonly rounds: number;
  /** Where the figures are written as JSON, beside the table that is printed. */
  readonly json: string | undefined;
  /** A folder for CPU profiles of the gateway, which makes it slower. */
  readonly profile: string | undefined;
  /** Only these targets; all when empty. */
  readonly targets: readonly string[];
  /** Another checkout, built, whose gateway takes part as `before`. */
  readonly against: string | undefined;
  readonly embedded: boolean;
  /** Other products take part, fetched when they are not there yet. */
  readonly peers: boolean;
  /** A version of Node, fetched when it is not there yet, that runs what is measured; this one when undefined. */
  readonly node: string | undefined;
}

export const usage = `npm run bench -- [options]
  --quick            under a minute: fewer and shorter slices
  --rounds N         how often each load is measured (5; quick: 2)
  --slice MS         how long at a stretch (3000; quick: 700)
  --targets A,B      only these of: bare, floor, sync, before, gateway, monitor, webhooks, node-red, restate
  --peers            Node-RED and Restate take part; npm fetches them into the user's cache
  --node VERSION     Node of that version, such as 24, runs what is measured; npm fetches it into the user's cache
  --against FOLDER   another checkout, built, whose gateway takes part as "before"
  --embedded         the embedded broker even where mosquitto is installed
  --json FILE        write the figures there as well
  --profile FOLDER   leave a CPU profile of the gateway there`;

/** @throws TypeError when an option is not known */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      slice: { type: 'string' },
      targets: { type: 'string' },
      against: { type: 'string' },
      embedded: { type: 'boolean', default: false },
      json: { type: 'string' },
      profile: { type: 'string' },
      peers: { type: 'boolean', default: false },
      node: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    sliceMs: Number(values.slice ?? (values.quick ? 700 : 3_000)),
    rounds: Number(values.rounds ?? (values.quick ? 2 : 5)),
    json: values.json,
    profile: values.profile,
    targets: values.targets?.split(',') ?? [],
    against: values.against,
    embedded: values.embedded,
    peers: values.peers,
    node: values.node,
  };
}

/**
 * What a bench was asked for on its command line. With `--help` it prints how it is used, and ends.
 * @throws TypeError when an option is not known
 */
export function askedFor<const Options extends NonNullable<ParseArgsConfig['options']>>(
  usage: string,
  options: Options,
) {
  if (process.argv.includes('--help')) {
    console.log(usage);
    process.exit(0);
  }
  return parseArgs({ options }).values;
}
