import {
  type AccessCodeCapability,
  type Clock,
  type CodeCommandContext,
  type Device,
  GatewayError,
} from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { Store } from '../store/store.ts';
import { type CodeBook, placedAt, slotOf } from './code-book.ts';

export interface CodeWorkOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly registry: DeviceRegistry;
  readonly book: CodeBook;
  /** UUIDv7 */
  readonly newId: () => string;
}

type Result = Readonly<Record<string, unknown>>;

/** What an attempt has done so far, over its tries. */
export interface WriteProgress {
  /** A write to the code's slot may have left: what stands there may be ours. */
  written: boolean;
}

/**
 * Finds a free slot, commits it together with the sealed code, and has the driver write it. A slot that turns out to
 * hold somebody else's code is remembered as such and another is taken.
 */
export async function writeCode(
  options: CodeWorkOptions,
  accessCodeId: string,
  progress: WriteProgress,
  device: Device,
  ctx: CodeCommandContext,
): Promise<Result> {
  const { book, store, clock } = options;
  const capability = codesOf(options, accessCodeId, device);
  const { deviceId } = book.require(accessCodeId);
  for (;;) {
    const slot = await takeSlot(options, accessCodeId, capability);
    const code = book.reveal(book.require(accessCodeId));
    const watched: CodeCommandContext = {
      ...ctx,
      pointOfNoReturn: () => {
        progress.written = true;
        return ctx.pointOfNoReturn();
      },
    };
    try {
      // After a try that failed half way, what stands in the slot is ours to clear.
      if (progress.written && slot !== undefined) await capability.clear(watched, slot);
      const stored = await capability.set(watched, { slot, label: labelOf(accessCodeId), code });
      if (stored.slot !== slot) await store.commit([moved(book, accessCodeId, stored.slot)]);
      return { access_code_id: accessCodeId };
    } catch (error) {
      // Once a write may have left, the slot stays tracked: deleting the code clears it.
      if (progress.written || slot === undefined) throw error;
      const freed = moved(book, accessCodeId, undefined);
      if (!(error instanceof GatewayError) || error.type !== 'slot_conflict') {
        await store.commit([freed]);
        throw error;
      }
      await store.commit([freed, book.markForeign(options.newId(), deviceId, slot, clock.wallTime())]);
    }
    await ctx.letDoorsPass();
  }
}

/** Has the driver empty the code's slot; a code that never got one needs no device. */
export async function clearCode(
  options: CodeWorkOptions,
  accessCodeId: string,
  device: Device,
  ctx: CodeCommandContext,
): Promise<Result> {
  const slot = slotOf(options.book.require(accessCodeId));
  if (slot !== undefined) await codesOf(options, accessCodeId, device).clear(ctx, slot);
  return {};
}

/**
 * What a lock says of a slot, read after a restart, about the create that was under way. The slot was committed
 * before the write and was free then, so a code that stands there is ours, unless the lock shows other digits.
 *
 * @throws GatewayError with the end of the attempt
 */
export async function readBackCreate(
  options: CodeWorkOptions,
  accessCodeId: string,
  device: Device,
  ctx: CodeCommandContext,
): Promise<Result> {
  const { book, store } = options;
  const found = await findCode(options, accessCodeId, device, ctx);
  const code = book.require(accessCodeId);
  if (!found) {
    await store.commit([moved(book, accessCodeId, undefined)]);
    throw notThere(options, accessCodeId, 'is not there');
  }
  if (found.code && !found.code.equals(book.reveal(code))) throw notThere(options, accessCodeId, 'has other digits');
  if (found.slot !== slotOf(code)) await store.commit([moved(book, accessCodeId, found.slot)]);
  return { access_code_id: accessCodeId };
}

/** The same for a delete: success when the lock no longer holds it. @throws GatewayError `state_not_reached` */
export async function readBackDelete(
  options: CodeWorkOptions,
  accessCodeId: string,
  device: Device,
  ctx: CodeCommandContext,
): Promise<Result> {
  if (!(await findCode(options, accessCodeId, device, ctx))) return {};
  throw new GatewayError(
    'state_not_reached',
    `${nameOf(options, accessCodeId)} still holds the code: the gateway was restarted while it was being removed. ` +
      'Delete it again.',
  );
}

async function findCode(options: CodeWorkOptions, accessCodeId: string, device: Device, ctx: CodeCommandContext) {
  const capability = codesOf(options, accessCodeId, device);
  const slot = slotOf(options.book.require(accessCodeId));
  if (slot !== undefined) {
    const reading = await capability.read(ctx, slot);
    return reading.occupied ? reading : undefined;
  }
  if (capability.rules.slots !== 'device' || !capability.list) return undefined;
  const label = labelOf(accessCodeId);
  return (await capability.list(ctx)).find((reading) => reading.label === label);
}

async function takeSlot(
  { book, store, registry }: CodeWorkOptions,
  accessCodeId: string,
  { rules }: AccessCodeCapability,
): Promise<number | undefined> {
  const code = book.require(accessCodeId);
  const { deviceId } = code;
  const slot = slotOf(code);
  if (slot !== undefined || rules.slots === 'device') return slot;
  const free = book.freeSlot(deviceId, rules.slots);
  if (free === undefined) {
    throw new GatewayError(
      'no_space_for_access_code_on_device',
      `${registry.require(deviceId).snapshot.name} has no free slot for another code. Delete codes that are no longer ` +
        'needed, here or at the lock.',
      { delivery: 'not_sent' },
    );
  }
  await store.commit([moved(book, accessCodeId, free)]);
  return free;
}

function codesOf({ book, registry }: CodeWorkOptions, accessCodeId: string, device: Device): AccessCodeCapability {
  if (device.accessCodes) return device.accessCodes;
  const { name } = registry.require(book.require(accessCodeId).deviceId).snapshot;
  throw new GatewayError('misconfigured', `${name} takes no access codes any more: its settings have changed.`);
}

const nameOf = ({ book, registry }: CodeWorkOptions, accessCodeId: string): string =>
  registry.require(book.require(accessCodeId).deviceId).snapshot.name;

const notThere = (options: CodeWorkOptions, accessCodeId: string, what: string) =>
  new GatewayError(
    'code_not_stored',
    `${nameOf(options, accessCodeId)} was asked after a restart of the gateway, and the code ${what}. Delete it and ` +
      'create it again.',
  );

/** Found again by it on locks that keep names: at most 20 ASCII characters. */
const labelOf = (accessCodeId: string): string => `sp-${accessCodeId.replaceAll('-', '').slice(-16)}`;

const moved = (book: CodeBook, accessCodeId: string, slot: number | undefined) =>
  book.change(accessCodeId, { placements: placedAt(slot, book.require(accessCodeId)) });
