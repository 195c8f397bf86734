import type { Logger } from 'pino';
import type { LinkConfig, ZwaveStickConfig } from '../config/loaded-config.ts';
import { readZwaveKeys } from '../config/zwave-keys.ts';
import { type Clock, GatewayError, type ZwaveLink } from '../contract/index.ts';
import type { LinkReport } from '../model/gateway.ts';
import type { Store } from '../model/store.ts';
import { ttyCarrier } from '../transports/serial/index.ts';
import { loadZwaveLibrary, ZwaveStick } from '../transports/zwave/index.ts';
import { type Closable, Startup } from './startup.ts';

/** Z-Wave host interface: every stick speaks at 115200 baud, 8N1. */
const stickLine = { baudRate: 115_200, parity: 'none', stopBits: 1 } as const;

export interface ZwaveContext {
  readonly clock: Clock;
  readonly log: Logger;
  /** Keeps which network each stick held. */
  readonly store: Pick<Store, 'read' | 'commit'>;
}

export interface RunningZwave extends Closable {
  linkTo(link: Extract<LinkConfig, { kind: 'zwave' }>): ZwaveLink;
  /** The stick itself, for what concerns its network. */
  stick(name: string): ZwaveStick | undefined;
  reports(): readonly LinkReport[];
}

/**
 * Opens the Z-Wave sticks. One that is away leaves its link down, and is tried again.
 * @throws GatewayError `misconfigured` when zwave-js is not installed, or a file with keys cannot be used
 */
export async function startZwave(
  configured: readonly ZwaveStickConfig[],
  { clock, log, store }: ZwaveContext,
): Promise<RunningZwave> {
  const startup = new Startup();
  const sticks = new Map<string, ZwaveStick>();
  for (const { name, path, keysFile, cacheDir, homeId } of configured) {
    const fact = `zwave_home_id:${name}`;
    const stick = new ZwaveStick({
      name,
      socket: ttyCarrier(path, stickLine),
      keys: await keysOf(name, keysFile),
      cacheDir,
      homeId: homeId ?? store.read.fact(fact),
      remember: (found) => {
        store
          .commit([{ kind: 'fact_put', name: fact, value: found }])
          .catch((error: unknown) => log.error({ err: error, stick: name }, 'the network of the stick was not kept'));
      },
      library: await loadZwaveLibrary(),
      clock,
      random: Math.random,
      log: log.child({ link: `zwave/${name}` }),
    });
    await startup.add(async () => stick);
    stick.start();
    sticks.set(name, stick);
  }
  return {
    linkTo({ name, node }) {
      const stick = sticks.get(name);
      if (stick) return stick.link(node);
      throw new GatewayError('misconfigured', `zwave.${name}: there is no such stick in the configuration.`);
    },
    stick: (name) => sticks.get(name),
    reports: () => [...sticks].map(([name, { state, reconnects }]) => ({ name: `zwave/${name}`, state, reconnects })),
    close: () => startup.close(),
  };
}

async function keysOf(name: string, file: string) {
  try {
    return await readZwaveKeys(file);
  } catch (cause) {
    throw new GatewayError('misconfigured', `zwave.${name}.keys_file: ${(cause as Error).message}`, { cause });
  }
}
