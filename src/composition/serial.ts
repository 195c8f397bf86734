import type { Logger } from 'pino';
import type { LinkConfig, SerialLineConfig } from '../config/loaded-config.ts';
import { type Clock, GatewayError, type SerialLink } from '../contract/index.ts';
import type { LinkReport } from '../model/gateway.ts';
import { SerialBus, type SimulatedLines, ttyCarrier } from '../transports/serial/index.ts';
import { type Closable, Startup } from './startup.ts';

export interface SerialContext {
  readonly clock: Clock;
  readonly log: Logger;
  /** Where lines without a port lie; without it they stay down. */
  readonly simulatedLines: SimulatedLines;
}

export interface RunningSerial extends Closable {
  linkTo(link: Extract<LinkConfig, { kind: 'serial' }>): SerialLink;
  reports(): readonly LinkReport[];
}

/** Opens the serial lines. One whose port is away leaves its link down, and is tried again. */
export async function startSerial(
  lines: readonly SerialLineConfig[],
  { clock, log, simulatedLines }: SerialContext,
): Promise<RunningSerial> {
  const startup = new Startup();
  const buses = new Map<string, SerialBus>();
  for (const { name, path, ...line } of lines) {
    const carrier = path === undefined ? simulatedLines.carrier(name, line, clock) : ttyCarrier(path, line);
    const bus = new SerialBus({
      name,
      carrier,
      line,
      clock,
      random: Math.random,
      log: log.child({ link: `serial/${name}` }),
    });
    await startup.add(async () => bus);
    bus.start();
    buses.set(name, bus);
  }
  return {
    linkTo({ name, unit }) {
      const bus = buses.get(name);
      if (bus) return bus.link(unit);
      throw new GatewayError('misconfigured', `serial.${name}: there is no such line in the configuration.`);
    },
    reports: () => [...buses].map(([name, { state, reconnects }]) => ({ name: `serial/${name}`, state, reconnects })),
    close: () => startup.close(),
  };
}
