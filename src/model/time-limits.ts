import type { DriverDefinition, LinkKind, TimeLimits } from '../contract/index.ts';

const quick: TimeLimits = { sendByMs: 5_000, deadlineMs: 9_000 };

/** A door command's times, by the medium that carries it: from a broker in the house to a node that sleeps for a second. */
const doors: Readonly<Record<LinkKind, TimeLimits>> = {
  mqtt: quick,
  serial: quick,
  ble: { sendByMs: 6_000, deadlineMs: 20_000 },
  zwave: { sendByMs: 8_000, deadlineMs: 30_000 },
};

const codes: TimeLimits = { sendByMs: 45_000, deadlineMs: 60_000 };

/** The time limits of a driver: its own, or those of its medium. */
export const limitsOf = ({
  link,
  limits,
}: Pick<DriverDefinition, 'link' | 'limits'>): { readonly door: TimeLimits; readonly code: TimeLimits } => ({
  door: limits?.door ?? doors[link],
  code: limits?.code ?? codes,
});
