import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchedNode } from './fetched.ts';
import { HelperProcess, type ProcessFigures } from './helper-process.ts';
import { firstSuccess, HttpLoader, type HttpTarget, type Load, type LoadResult } from './http-load.ts';
import { nodeRedAt, type PeerPlace, type PeerStart, restateAt } from './peers.ts';
import { type Broker, configureGateway } from './site.ts';

/** Something that is measured, alive for the whole run and idle while another one's turn is. */
export interface Target {
  readonly name: string;
  readonly process: HelperProcess;
  /** Milliseconds from starting the process to the end of the first round trip; undefined where that says nothing. */
  readonly coldStartMs: number | undefined;
  /** Some seconds after the start. */
  readonly idle: ProcessFigures;
  /** False: it only knows one thing to do, so all loads are the same. */
  readonly takesLoads: boolean;
  run(load: Load): Promise<LoadResult>;
  close(): Promise<void>;
}

export interface TargetContext {
  readonly broker: Broker;
  readonly folder: string;
  readonly devices: number;
  readonly profile: string | undefined;
  /** Another checkout, built, to compare with. */
  readonly against: string | undefined;
  /** The version of Node that runs what is measured; the bench's own unless given. */
  readonly nodeVersion: string | undefined;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** So long a target is left alone before it counts as idle. */
const REST_MS = 5_000;

const bases = {
  bare: 'bare',
  floor: 'floor',
  gateway: 'gateway',
  monitor: 'monitored',
  webhooks: 'webhooks',
  before: 'before',
  'node-red': 'node-red',
  restate: 'restate',
} as const;

/** As many as may wait for one receiver (`webhooks.max_queued`). */
const queuedEvents = 10_000;

/** This checkout. */
export const ourRoot = fileURLToPath(new URL('../..', import.meta.url));

/** Where the simulated locks listen. */
export const allBases: readonly string[] = Object.values(bases);

/** What runs a target. */
const nodeOf = ({ nodeVersion }: TargetContext): string | undefined =>
  nodeVersion === undefined ? undefined : fetchedNode(nodeVersion);

async function startBare(context: TargetContext): Promise<Target> {
  const { broker, devices } = context;
  const settings = { url: broker.url, protocolVersion: broker.protocolVersion, base: bases.bare, devices };
  return inner('bare', new HelperProcess('bare.mjs', settings, [], {}, nodeOf(context)), true);
}

async function startSync({ folder }: TargetContext): Promise<Target> {
  return inner('sync', new HelperProcess('sync.mjs', { path: join(folder, 'sync') }), false);
}

/** One that makes its load itself. */
async function inner(name: string, process: HelperProcess, takesLoads: boolean): Promise<Target> {
  return unlessItFails(process, async () => {
    await process.ask('ready');
    return {
      name,
      process,
      coldStartMs: undefined,
      idle: await process.figures(),
      takesLoads,
      run: (load) => process.ask<LoadResult>('load', load),
      close: () => process.stop(),
    };
  });
}

/** What did not come up is not left behind. */
async function unlessItFails(process: HelperProcess, comeUp: () => Promise<Target>): Promise<Target> {
  try {
    return await Promise.race([comeUp(), process.failed]);
  } catch (error) {
    process.kill();
    throw error;
  }
}

async function startFloor(context: TargetContext): Promise<Target> {
  const { broker, devices } = context;
  const port = await freePort();
  const settings = { url: broker.url, protocolVersion: broker.protocolVersion, base: bases.floor, devices, port };
  const deviceIds = Array.from({ length: devices }, (_, index) => `door-${index}`);
  return overHttp('floor', { url: `http://127.0.0.1:${port}`, deviceIds, apiKey: 'none' }, () => {
    return new HelperProcess('floor.mjs', settings, [], {}, nodeOf(context));
  });
}

async function startGateway(
  name: 'gateway' | 'monitor' | 'webhooks' | 'before',
  context: TargetContext,
  prepare?: (http: HttpTarget) => Promise<void>,
): Promise<Target> {
  const { broker, devices, profile, against } = context;
  const root = name === 'before' ? against : ourRoot;
  const port = await freePort();
  const site = await configureGateway({
    folder: join(context.folder, name),
    brokerUrl: broker.url,
    base: bases[name],
    devices,
    monitor: name === 'monitor',
    webhooks: name === 'webhooks',
    port,
  });
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const http = { url: `http://127.0.0.1:${port}`, deviceIds: site.deviceIds, apiKey: site.apiKey };
  const target = await overHttp(name, http, () => {
    const { options, environment } = unitOf(root ?? ourRoot);
    const words = [...options, ...profiling];
    return new HelperProcess('gateway.mjs', { ...site, root }, words, environment, nodeOf(context));
  });
  await prepare?.(http);
  return target;
}

/** What a checkout's systemd unit, with some of its drop-ins, gives to Node: a gateway is measured as it is run. */
export function unitOf(
  root: string,
  dropIns: readonly string[] = [],
): {
  readonly options: readonly string[];
  readonly environment: Record<string, string>;
} {
  const unit = readFileSync(join(root, 'systemd/strikeplate.service'), 'utf8');
  const words = /^ExecStart=\/usr\/bin\/env node ((?:--\S+ )*)/m.exec(unit)?.[1] ?? '';
  const options = words.split(' ').filter((word) => word !== '');
  const all = [unit, ...dropIns.map((name) => readFileSync(join(root, 'systemd', name), 'utf8'))].join('\n');
  const environment = Object.fromEntries(
    [...all.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  return { options, environment };
}

/** Another product that does the same for its doors. */
async function startPeer(
  name: 'node-red' | 'restate',
  context: TargetContext,
  at: (place: PeerPlace) => PeerStart,
): Promise<Target> {
  const { broker, devices, folder, nodeVersion } = context;
  const ports = [await freePort(), await freePort(), await freePort(), await freePort()] as const;
  const { url: brokerUrl, protocolVersion } = broker;
  const start = at({ brokerUrl, protocolVersion, base: bases[name], devices, folder, ports, nodeVersion });
  const deviceIds = Array.from({ length: devices }, (_, index) => `door-${index}`);
  return overHttp(name, { url: `http://127.0.0.1:${ports[0]}`, deviceIds, apiKey: 'none' }, () => {
    return new HelperProcess(start.file, start.settings, [], {}, start.node);
  });
}

/** A gateway with so many events queued for a receiver that takes connections and never answers. */
async function startWithDeadReceiver(context: TargetContext): Promise<Target> {
  const receiver = createServer((socket) => socket.resume().on('error', () => {})).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const { port } = receiver.address() as AddressInfo;
  const target = await startGateway('webhooks', context, async (http) => {
    const headers = { authorization: `Bearer ${http.apiKey}`, 'content-type': 'application/json' };
    const ask = async (path: string, body?: object) => {
      const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
      return (await fetch(`${http.url}${path}`, { ...request, headers })).text();
    };
    await ask('/webhooks/create', { url: `http://127.0.0.1:${port}/` });
    const loader = new HttpLoader(http);
    await loader.runCount({ clients: 64, devices: context.devices }, queuedEvents);
    loader.close();
    const queued = Number(/^strikeplate_webhook_queue (\d+)$/m.exec(await ask('/metrics'))?.[1]);
    if (!(queued >= queuedEvents)) throw new Error(`${queued} events are queued instead of ${queuedEvents}`);
  });
  return {
    ...target,
    close: async () => {
      await target.close();
      receiver.close();
    },
  };
}

async function overHttp(name: string, http: HttpTarget, start: () => HelperProcess): Promise<Target> {
  const from = performance.now();
  const process = start();
  return unlessItFails(process, async () => {
    await firstSuccess(http);
    const coldStartMs = performance.now() - from;
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    const loader = new HttpLoader(http);
    return {
      name,
      process,
      coldStartMs,
      idle: await process.figures(),
      takesLoads: true,
      run: (load) => loader.run(load),
      close: async () => {
        loader.close();
        await process.stop();
      },
    };
  });
}

/** By name, in the order of the report. */
export const starters: Readonly<Record<string, (context: TargetContext) => Promise<Target>>> = {
  bare: startBare,
  floor: startFloor,
  sync: startSync,
  gateway: (context) => startGateway('gateway', context),
  before: (context) => startGateway('before', context),
  monitor: (context) => startGateway('monitor', context),
  webhooks: startWithDeadReceiver,
  'node-red': (context) => startPeer('node-red', context, nodeRedAt),
  restate: (context) => startPeer('restate', context, restateAt),
};

/** Those that take part only when they are asked for. */
export const peers: readonly string[] = ['node-red', 'restate'];
