import type { Clock, LockReading, SerialLink } from '../../../src/contract/index.ts';
import { ask } from '../modbus/ask.ts';
import { type Ask, readInputs, readRelays } from './board-codec.ts';
import type { Fitting } from './settings.ts';

/** What one look at the board showed. */
export interface Look {
  /** The relay stands where it releases the door. */
  readonly released: boolean;
  /** Undefined when no contact is wired, or nobody asked. */
  readonly door: 'open' | 'closed' | undefined;
  /** `Clock.now()` when the relay's state had arrived. */
  readonly at: number;
}

/** What every session with the board needs. */
export interface RelaySession {
  readonly name: string;
  readonly link: SerialLink;
  readonly fitting: Fitting;
  readonly clock: Clock;
  /** Aborts when the device is closed. */
  readonly closing: AbortSignal;
}

export interface Looking {
  readonly priority: 'door' | 'poll';
  readonly signal: AbortSignal;
  /** As {@link SerialQueryOptions.since}. */
  readonly since?: number | undefined;
  /** Whether the contact is worth its time on the line, about 27 ms at 9600 baud. Default: always. */
  readonly contact?: 'always' | 'unless_released' | 'never';
}

/**
 * Reads the relay and the door contact, the relay first.
 * @throws GatewayError as `ask` does
 */
export async function lookAt(
  door: RelaySession,
  { priority, since, signal, contact = 'always' }: Looking,
): Promise<Look> {
  const { link, fitting, clock, name } = door;
  const asking: Ask = (request) => ask(link, request, { name, priority, since, signal });
  const relays = await readRelays(link.unit, fitting)(asking);
  const at = clock.now();
  const coil = relays[fitting.channel] ? 'on' : 'off';
  const released = coil === fitting.wiring.releasedWhen;
  const wanted = contact === 'always' || (contact === 'unless_released' && !released);
  const question = wanted ? readInputs(link.unit, fitting) : undefined;
  const inputs = await question?.(asking);
  return { released, door: contactOf(inputs, fitting), at };
}

function contactOf(inputs: readonly boolean[] | undefined, { contact }: Fitting): 'open' | 'closed' | undefined {
  if (inputs === undefined || contact === undefined) return undefined;
  return (inputs[contact.input] ? 'on' : 'off') === contact.closedWhen ? 'closed' : 'open';
}

export function readingOf({ released, door }: Look): LockReading {
  return { state: released ? 'unlocked' : 'locked', ...(door && { door }) };
}
