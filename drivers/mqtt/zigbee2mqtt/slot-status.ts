import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { Secret } from '../../../src/contract/index.ts';

/** What the bridge last read of a code slot. */
export interface SlotStatus {
  /** In lower case; `unclear` for what tells of the slot and nobody has met yet. */
  readonly status: 'available' | 'enabled' | 'disabled' | 'not_supported' | 'unclear';
  /**
   * The digits, where the bridge shows them (its device option `expose_pin`) and the slot is in use. Undefined where
   * the lock withholds them, or tells them in a way in which digits get lost.
   */
  readonly code: Secret | undefined;
  /** What was told, digits or not: for {@link holds} alone. */
  readonly told: Secret | undefined;
}

const userSchema = z.looseObject({
  status: z.unknown(),
  pin_code: z.union([z.string(), z.number()]).optional().catch(undefined),
});

/** ZCL Door Lock cluster, User Status, by word and by number. */
const statuses: readonly [SlotStatus['status'], number][] = [
  ['available', 0],
  ['enabled', 1],
  ['disabled', 3],
  ['not_supported', 255],
];

/** A word that nobody has met is no word that the slot is free, nor that it holds anything. */
function statusOf(given: unknown): SlotStatus['status'] {
  const word = typeof given === 'string' ? given.toLowerCase() : given;
  if (typeof word === 'string' && word.startsWith('not_supported')) return 'not_supported';
  return statuses.find(([name, number]) => word === name || word === number)?.[0] ?? 'unclear';
}

/** What the bridge tells of a slot, whatever it is: a slot that is told of in no known way was told of. */
export function slotStatusOf(value: unknown): SlotStatus {
  const parsed = userSchema.safeParse(value);
  if (!parsed.success) return { status: 'unclear', code: undefined, told: undefined };
  const { pin_code: pin } = parsed.data;
  const status = statusOf(parsed.data.status);
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

/** Nothing is told of what the slot holds: the lock does not have it, or says it in a way that nobody has met. */
export const isUntold = ({ status }: SlotStatus): boolean => status === 'not_supported' || status === 'unclear';

/** Slots of a lock that are kept to be compared; locks have some hundreds at most. A guess with room. */
const MOST_SLOTS = 2_000;

/**
 * The code slots of one lock as they were last told. A bridge puts all of them into every message: what it tells as before
 * is not read again, and is the same object as before.
 */
export class ToldSlots {
  readonly #told = new Map<number, { readonly value: unknown; readonly status: SlotStatus }>();
  #users: Readonly<Record<string, unknown>> | undefined;
  #ofUsers: ReadonlyMap<number, SlotStatus> = new Map();

  /** @param users by slot, as a message tells them @returns the same map for a message that tells the same */
  read(users: Readonly<Record<string, unknown>>): ReadonlyMap<number, SlotStatus> {
    if (isDeepStrictEqual(users, this.#users)) return this.#ofUsers;
    const slots = new Map<number, SlotStatus>();
    for (const [user, value] of Object.entries(users)) {
      if (!/^\d+$/.test(user)) continue;
      const slot = Number(user);
      const before = this.#told.get(slot);
      // Whoever makes up new slots for ever fills no memory, and tells of nothing.
      if (before === undefined && this.#told.size >= MOST_SLOTS) continue;
      const status = before && isDeepStrictEqual(before.value, value) ? before.status : slotStatusOf(value);
      this.#told.set(slot, { value, status });
      slots.set(slot, status);
    }
    this.#users = users;
    this.#ofUsers = slots;
    return slots;
  }
}
