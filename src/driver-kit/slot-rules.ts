import { GatewayError } from '../contract/index.ts';

/** The slots that a device's settings give to the gateway. */
export interface OwnSlots {
  readonly first: number;
  readonly count: number;
}

/** Each of them, in order. */
export const slotNumbers = ({ first, count }: OwnSlots): readonly number[] =>
  Array.from({ length: count }, (_, i) => first + i);

/** @throws GatewayError `slot_conflict`, `not_sent`, when the slot is not the gateway's to write */
export function ownSlot(deviceName: string, { first, count }: OwnSlots, slot: number | undefined): number {
  if (slot !== undefined && slot >= first && slot < first + count) return slot;
  throw new GatewayError(
    'slot_conflict',
    `Slot ${slot} of ${deviceName} is not one that this gateway may write: pin_slots in its settings says which are.`,
    { delivery: 'not_sent' },
  );
}
