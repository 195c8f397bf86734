import { z } from 'zod';
import { Secret } from '../../../src/contract/index.ts';

/** What the bridge last read of a code slot. */
export interface SlotStatus {
  /** `available`, `enabled`, `disabled`, `not_supported_…`, or a word that nobody has met yet */
  readonly status: string;
  /**
   * The digits, where the bridge shows them (its device option `expose_pin`) and the slot is in use. Undefined where
   * the lock withholds them, or tells them in a way in which digits get lost.
   */
  readonly code: Secret | undefined;
  /** What was told, digits or not: for {@link holds} alone. */
  readonly told: Secret | undefined;
}

const userSchema = z.looseObject({
  status: z.string(),
  pin_code: z.union([z.string(), z.number()]).optional().catch(undefined),
});

/** @returns undefined for what says nothing of a slot */
export function slotStatusOf(value: unknown): SlotStatus | undefined {
  const parsed = userSchema.safeParse(value);
  if (!parsed.success) return undefined;
  const { status, pin_code: pin } = parsed.data;
  // The cache is merged, never pruned: beside `available` the PIN is one that the slot held before.
  if (status === 'available' || pin === undefined) return { status, code: undefined, told: undefined };
  const told = new Secret(String(pin));
  // A number has lost its leading zeros: 0815 comes as 815.
  return { status, code: typeof pin === 'string' && isCode(pin) ? told : undefined, told };
}

/** Locks that withhold digits show nothing, or a mask of their own: stars, crosses, one digit all over. */
const isCode = (text: string): boolean => /^\d{4,16}$/.test(text) && !/^(\d)\1*$/.test(text);

/** Whether a slot holds a code, as far as what the lock shows of it can tell. */
export function holds({ status, told }: SlotStatus, code: Secret): 'this' | 'another' | 'withheld' | 'none' {
  if (status === 'available') return 'none';
  const text = told?.reveal();
  const wanted = code.reveal();
  if (text === wanted) return 'this';
  if (text === undefined || !/^\d+$/.test(text) || Number(text) === Number(wanted)) return 'withheld';
  return isCode(text) ? 'another' : 'withheld';
}

/** The status of a slot that the lock does not have, or does not tell of. */
export const isUnsupported = ({ status }: SlotStatus): boolean => status.startsWith('not_supported');
