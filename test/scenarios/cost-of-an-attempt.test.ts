import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { drivers } from '../../drivers/index.ts';
import { ensureBuilt } from '../../scripts/build.mjs';
import { type RunningGateway, startGateway } from '../../src/composition/gateway.ts';
import { loadConfig } from '../../src/config/load.ts';
import type {
  CommandContext,
  Device,
  DriverDefinition,
  LockOutcome,
  MqttLink,
  OpenContext,
} from '../../src/contract/index.ts';
import type { Change } from '../../src/model/store.ts';
import { SqliteStore } from '../../src/store/sqlite-store.ts';
import { HelperProcess } from '../bench/helper-process.ts';
import { firstSuccess, HttpLoader, type HttpTarget } from '../bench/http-load.ts';
import { configureGateway, temporaryFolder } from '../bench/site.ts';
import { type Cost, CostCounter } from '../kit/gateway/cost-counter.ts';

/**
 * What one door command may cost, from its POST to the answer that says how it ended: a whole gateway with its store on
 * disk, its broker and its lock in processes of their own, one command after the other. Who adds something to every
 * attempt sees it here first, and raises a number only with a reason in the commit. Those of a client are in it.
 */
const budget: Cost = {
  promises: 69,
  abortControllers: 1,
  timers: 4,
  commits: 3,
  statements: 5,
  // Times have more digits or fewer: 1,392 on a machine that is short of time.
  bytesToWriter: 1_410,
  brokerWrites: 2,
};

/** Enough for the usual to be told from the odd one: messages that arrived together, a poll in between. */
const ATTEMPTS = 41;
const base = 'cost';
const folder = temporaryFolder();
let broker: HelperProcess;
let lock: HelperProcess;
let url: string;

beforeAll(async () => {
  await ensureBuilt();
  broker = new HelperProcess('broker.mjs', {});
  url = await broker.ask<string>('address');
  lock = new HelperProcess('lock.mjs', { url, protocolVersion: 4, bases: [base], devices: 1 });
  await lock.ask('ready');
});

afterAll(async () => {
  await lock.stop();
  await broker.stop();
  folder.remove();
});

/** What one attempt of many cost, each figure the median. @param catalogue whose drivers are used */
async function costOfOne(name: string, catalogue: typeof drivers): Promise<Cost> {
  const site = await configureGateway({
    folder: join(folder.path, name),
    brokerUrl: url,
    base,
    devices: 1,
    monitor: false,
    webhooks: false,
    port: 0,
  });
  const config = await loadConfig(site.configFile, { drivers: catalogue, simulators: {}, env: {}, now: Date.now() });
  const gateway: RunningGateway = await startGateway({ config, log: pino({ level: 'silent' }), onFatal: failed });
  const counter = new CostCounter(Number(new URL(url).port));
  try {
    const target: HttpTarget = { url: gateway.url, deviceIds: site.deviceIds, apiKey: site.apiKey };
    await firstSuccess(target);
    const loader = new HttpLoader(target);
    const costs: Cost[] = [];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = counter.soFar;
      const { failures } = await loader.runCount({ clients: 1, devices: 1 }, 1);
      expect(failures).toBe(0);
      costs.push(since(before, counter.soFar));
    }
    loader.close();
    return medians(costs);
  } finally {
    counter.close();
    await gateway.close();
  }
}

const failed = (error: Error): never => {
  throw error;
};

const keys = Object.keys(budget) as (keyof Cost)[];
const each = (figure: (key: keyof Cost) => number): Cost =>
  Object.fromEntries(keys.map((key) => [key, figure(key)])) as unknown as Cost;
const since = (before: Cost, after: Cost): Cost => each((key) => after[key] - before[key]);
const medians = (costs: readonly Cost[]): Cost =>
  each((key) => costs.map((cost) => cost[key]).sort((a, b) => a - b)[costs.length >> 1] ?? Number.NaN);

/** The catalogue, with a lock that does something more for each command. */
function planted(more: (link: MqttLink, command: CommandContext) => unknown): typeof drivers {
  const wrap = async (): Promise<DriverDefinition> => {
    const driver = await drivers['mqtt/zigbee2mqtt']?.();
    if (driver?.link !== 'mqtt') throw new Error('there is no such driver');
    return {
      ...driver,
      open: async (link: MqttLink, settings: unknown, ctx: OpenContext): Promise<Device> => {
        const device = await driver.open(link, settings, ctx);
        const { lock } = device;
        if (lock === undefined) return device;
        const also = async (command: CommandContext, act: (command: CommandContext) => Promise<LockOutcome>) => {
          // What would leave in the same turn as the command would leave in the same write.
          await more(link, command);
          return act(command);
        };
        return {
          ...device,
          lock: {
            ...lock,
            lock: (command) => also(command, lock.lock),
            unlock: (command) => also(command, lock.unlock),
          },
        };
      },
    };
  };
  return { ...drivers, 'mqtt/zigbee2mqtt': wrap };
}

const plants: Readonly<Record<string, { readonly grows: readonly (keyof Cost)[]; plant(): typeof drivers }>> = {
  'a promise': { grows: ['promises'], plant: () => planted(() => Promise.resolve()) },
  'an AbortController': { grows: ['abortControllers'], plant: () => planted(() => new AbortController()) },
  'a timer': { grows: ['timers'], plant: () => planted(() => setTimeout(() => undefined, 0)) },
  'a message': {
    grows: ['brokerWrites'],
    plant: () => planted((link, { signal }) => link.query(`${base}/door-0/get`, '{}', signal).catch(() => undefined)),
  },
  'a commit': {
    grows: ['commits', 'statements', 'bytesToWriter'],
    plant: () => {
      const { commit } = SqliteStore.prototype;
      vi.spyOn(SqliteStore.prototype, 'commit').mockImplementation(async function (this: SqliteStore, changes) {
        const isEnd = changes.some(({ kind }) => kind === 'attempt_settled');
        const more: Change[] = isEnd
          ? [{ kind: 'fact_put', name: 'planted', value: 'once more for each attempt' }]
          : [];
        await Promise.all([commit.call(this, changes), ...(isEnd ? [commit.call(this, more)] : [])]);
      });
      return drivers;
    },
  },
  'a statement': {
    grows: ['statements', 'bytesToWriter'],
    plant: () => {
      const { commit } = SqliteStore.prototype;
      vi.spyOn(SqliteStore.prototype, 'commit').mockImplementation(function (this: SqliteStore, changes) {
        const isEnd = changes.some(({ kind }) => kind === 'attempt_settled');
        const more: Change[] = isEnd
          ? [{ kind: 'fact_put', name: 'planted', value: 'once more for each attempt' }]
          : [];
        return commit.call(this, [...changes, ...more]);
      });
      return drivers;
    },
  },
};

const tooMuch = (cost: Cost): readonly (keyof Cost)[] => keys.filter((key) => cost[key] > budget[key]);

describe('what an attempt costs', () => {
  it('is no more than was agreed on', async () => {
    const cost = await costOfOne('agreed', drivers);
    expect({ cost, tooMuch: tooMuch(cost) }).toEqual({ cost, tooMuch: [] });
  });

  it.each(Object.entries(plants))('is seen to be more with %s for each', async (name, { grows, plant }) => {
    const cost = await costOfOne(name.replaceAll(' ', '-'), plant());
    expect(tooMuch(cost)).toEqual(expect.arrayContaining([...grows]));
  });
});
