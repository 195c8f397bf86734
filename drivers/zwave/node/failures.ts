import { type Delivery, GatewayError, type GatewayErrorType } from '../../../src/contract/index.ts';

interface NamedNode {
  readonly name: string;
}

const fail = (type: GatewayErrorType, message: string, delivery?: Delivery) =>
  new GatewayError(type, message, delivery && { delivery });

/** The link speaks of nodes; people know names. What the link said is what a technician needs, so it stays. */
export function named({ name }: NamedNode, error: unknown): unknown {
  if (!(error instanceof GatewayError) || error.message.includes(name)) return error;
  const { type, delivery, cause } = error;
  return new GatewayError(type, `${name}: ${error.message}`, { delivery, cause });
}

export const noLock = ({ name }: NamedNode) =>
  fail('misconfigured', `${name} is no lock that can be operated over Z-Wave. Check the node in its link.`, 'not_sent');

export const noCodes = ({ name }: NamedNode) =>
  fail(
    'misconfigured',
    `${name} keeps no codes that Z-Wave could write. Take pin_slots out of its settings.`,
    'not_sent',
  );

export const noSuchSlot = ({ name }: NamedNode, slot: number, slots: number) =>
  fail(
    'misconfigured',
    `${name} has ${slots} code slots, and slot ${slot} is none of them. Correct pin_slots.`,
    'not_sent',
  );

export const wrongLength = ({ name }: NamedNode, min: number, max: number) =>
  fail('invalid_access_code', `${name} takes codes of ${min} to ${max} digits. Choose another code.`, 'not_sent');

export const duplicate = ({ name }: NamedNode, delivery: Delivery) =>
  fail(
    'duplicate_code_on_device',
    `${name} did not take the code: it already holds the same one in another slot. Choose another code.`,
    delivery,
  );

export const againstRules = ({ name }: NamedNode) =>
  fail(
    'invalid_access_code',
    `${name} did not take the code: it is against the maker's rules. Choose a less simple one.`,
  );

export const notTaken = ({ name }: NamedNode, slot: number) =>
  fail(
    'device_rejected',
    `${name} refused the code for slot ${slot}, and did not say why. It may want another length, or hold the same code elsewhere.`,
  );

/** The lock itself says that the place is taken, though it was free when it was asked. */
export const slotTakenLate = ({ name }: NamedNode, slot: number) =>
  fail('slot_conflict', `${name} says that its slot ${slot} is taken. It was left alone.`, 'refused');

export const slotNotTold = ({ name }: NamedNode, slot: number) =>
  fail(
    'misconfigured',
    `${name} does not tell what its slot ${slot} holds: it says that the status of that slot is not available. Check pin_slots against what the lock has, and that it was included securely.`,
    'not_sent',
  );

export const noAutoRelock = ({ name }: NamedNode) =>
  fail(
    'misconfigured',
    `${name} does not say that it locks itself when it is told to (Door Lock 4, auto-relock). Set it at the lock.`,
    'not_sent',
  );

export const settingRefused = ({ name }: NamedNode) =>
  fail(
    'device_rejected',
    `${name} refused the setting, and did not say why. It may keep other delays: try a longer one, or set it at the lock.`,
  );

export const anotherProduct = ({ name }: NamedNode, was: string | undefined, now: string | undefined) =>
  fail(
    'misconfigured',
    `The node of ${name} is another product now (${now}, was ${was}): it was replaced, and nothing was sent to it. Look which door it is on; then restart the gateway, with product in its settings where it is set.`,
    'not_sent',
  );
