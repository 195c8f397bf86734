import {
  type AccessCodeCapability,
  type Clock,
  type CodeCommandContext,
  type Device,
  GatewayError,
  type GatewayErrorType,
  type ReadContext,
  type SlotReading,
} from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { EventDraft } from '../model/event-types.ts';
import type { AccessCodeRecord, CodePlacement } from '../model/records.ts';
import type { Store } from '../model/store.ts';
import { isOurs, takeReading, vacated } from './code-findings.ts';
import type { CodeRepository } from './code-repository.ts';
import { type EvaluatedCode, nextStep } from './next-step.ts';

export interface CodeWorkOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly registry: DeviceRegistry;
  readonly repository: CodeRepository;
  /** UUIDv7 */
  readonly newId: () => string;
}

/** Steps of one try: far more than a code can need; whoever gets there goes in circles. */
const mostSteps = 24;

/**
 * Brings what the lock holds of a code to what is wanted of it, step by step, each written down before it can act. It
 * can be cut short anywhere and begun again.
 * @throws GatewayError with the end of the attempt
 */
export async function takeSteps(
  options: CodeWorkOptions,
  accessCodeId: string,
  device: Device,
  ctx: CodeCommandContext,
): Promise<void> {
  const { repository, store } = options;
  for (let steps = 0; steps < mostSteps; steps++) {
    const code = repository.get(accessCodeId);
    if (!code) return;
    const capability = codesOf(options, code, device);
    const evaluated = repository.evaluated(code);
    const step = nextStep(evaluated, repository.holdingsOf(code.deviceId), capability.rules);
    if (!step) return;
    if (steps > 0) await ctx.letDoorsPass();
    switch (step.kind) {
      case 'drop':
        await store.commit(repository.place(accessCodeId, step.placement, undefined));
        break;
      case 'find_out':
        await findOut(options, accessCodeId, step.placement, capability, ctx, 'clearing');
        break;
      case 'clear':
        await clear(options, accessCodeId, step.placement, capability, ctx);
        break;
      case 'write':
        await write(options, evaluated, step.slot, capability, ctx);
        break;
      case 'no_space':
        throw noSpace(nameOf(options, accessCodeId));
      case 'blocked':
        throw blocked(nameOf(options, accessCodeId));
    }
  }
  throw new GatewayError(
    'code_not_stored',
    `${nameOf(options, accessCodeId)} does not keep what is written to it. Look at its keypad.`,
  );
}

const noSpace = (deviceName: string) =>
  new GatewayError(
    'no_space_for_access_code_on_device',
    `${deviceName} has no free slot for another code. Delete codes that are no longer needed, here or at the lock.`,
    { delivery: 'not_sent' },
  );

const blocked = (deviceName: string) =>
  new GatewayError(
    'duplicate_code_on_device',
    `${deviceName} still holds these digits for another code, which is not gone yet. Wait until it is, or choose other ` +
      'digits.',
    { delivery: 'not_sent' },
  );

/** Writes down the entry and its slot, has the driver write it, and writes down that it was seen. */
async function write(
  options: CodeWorkOptions,
  { code, timing }: EvaluatedCode,
  slot: number | undefined,
  capability: AccessCodeCapability,
  ctx: CodeCommandContext,
): Promise<void> {
  const { set } = capability;
  const { repository, store, newId } = options;
  const { accessCodeId, sealedCode } = code;
  const { schedule } = timing;
  const planned: CodePlacement = { slot, label: labelOf(newId()), sealedCode, schedule, state: 'planned' };
  const writing: CodePlacement = { ...planned, state: 'writing' };
  await store.commit(repository.place(accessCodeId, undefined, planned));
  let mayHaveLeft = false;
  const watched: CodeCommandContext = {
    ...ctx,
    async pointOfNoReturn() {
      if (mayHaveLeft) return ctx.pointOfNoReturn();
      // On disk before the permit is given: both go in one group, this first.
      const noted = store.commit(repository.place(accessCodeId, planned, writing));
      noted.catch(() => undefined);
      const permit = await ctx.pointOfNoReturn();
      await noted;
      mayHaveLeft = true;
      return permit;
    },
  };
  try {
    const digits = repository.reveal(sealedCode, code);
    const stored = await set(watched, { slot, label: writing.label, code: digits, ...(schedule && { schedule }) });
    await store.commit([
      ...vacated(options, code.deviceId, stored.slot, writing),
      ...repository.place(accessCodeId, writing, { ...writing, slot: stored.slot, state: 'held' }),
    ]);
  } catch (error) {
    const type = error instanceof GatewayError ? error.type : undefined;
    if (mayHaveLeft) {
      if (type === 'code_not_stored') await noteStoredOtherwise(options, accessCodeId, writing, capability, ctx);
    } else if (await wasTaken(options, accessCodeId, writing, type)) return;
    // A lock that assigns its own slots tells only then that it has no room for both: the old entry goes first.
    const old = repository.get(accessCodeId)?.placements.find(({ state }) => state === 'held');
    if (type !== 'no_space_for_access_code_on_device' || !old) throw error;
    await clear(options, accessCodeId, old, capability, ctx);
  }
}

/**
 * The lock stored an entry of ours otherwise than it was written. What it shows now is how the entry is known again; an
 * entry that cannot be looked at now stays in doubt.
 */
async function noteStoredOtherwise(
  { repository, store }: CodeWorkOptions,
  accessCodeId: string,
  placement: CodePlacement,
  capability: AccessCodeCapability,
  ctx: ReadContext,
): Promise<void> {
  const reading = await readEntry(placement, capability, ctx).catch(() => undefined);
  if (!reading) return;
  const sealedCode = reading.code
    ? repository.seal(reading.code, repository.require(accessCodeId))
    : placement.sealedCode;
  const stored: CodePlacement = { ...placement, slot: reading.slot, sealedCode, state: 'spoilt' };
  await store.commit(repository.place(accessCodeId, placement, stored));
}

/**
 * A write of which no byte left leaves nothing; a slot that somebody else holds is known as theirs from now on, and the next
 * step takes another.
 * @returns whether that is why
 */
async function wasTaken(
  { repository, store, clock, newId }: CodeWorkOptions,
  accessCodeId: string,
  placement: CodePlacement,
  type: GatewayErrorType | undefined,
): Promise<boolean> {
  const changes = [...repository.place(accessCodeId, placement, undefined)];
  const { slot } = placement;
  const isTaken = type === 'slot_conflict' && slot !== undefined;
  if (isTaken) {
    const nobodys = { name: undefined, sealedCode: undefined, createdAt: clock.wallTime() };
    const { deviceId } = repository.require(accessCodeId);
    changes.push(...repository.putUnmanaged({ accessCodeId: newId(), deviceId, slot, ...nobodys }));
  }
  await store.commit(changes);
  return isTaken;
}

/**
 * Asks the lock what became of a write. The slot was free when the write left, so a code that stands there is ours,
 * unless the lock shows other digits.
 *
 * @param whenHidden what an entry becomes whose digits the lock does not show
 */
export async function findOut(
  options: CodeWorkOptions,
  accessCodeId: string,
  placement: CodePlacement,
  capability: AccessCodeCapability,
  ctx: ReadContext,
  whenHidden: 'held' | 'clearing',
): Promise<void> {
  const { repository, store } = options;
  const reading = await readEntry(placement, capability, ctx);
  if (!reading) {
    await store.commit(repository.place(accessCodeId, placement, undefined));
    return;
  }
  const state = reading.code ? 'held' : whenHidden;
  const found = takeReading(options, repository.require(accessCodeId).deviceId, reading, state);
  await store.commit(found);
}

async function clear(
  options: CodeWorkOptions,
  accessCodeId: string,
  placement: CodePlacement,
  capability: AccessCodeCapability,
  ctx: CodeCommandContext,
): Promise<void> {
  const { repository, store, clock } = options;
  const reading = await readEntry(placement, capability, ctx);
  const code = repository.require(accessCodeId);
  if (reading && !isOurs(repository, code, placement, reading)) {
    await store.commit(takeReading(options, code.deviceId, reading, 'held'));
    return;
  }
  if (reading) {
    // Once this is on disk, an empty slot is our doing and no loss.
    const state = placement.state === 'spoilt' ? 'spoilt' : 'clearing';
    await store.commit(repository.place(accessCodeId, placement, { ...placement, slot: reading.slot, state }));
    await ctx.letDoorsPass();
    await capability.clear(ctx, reading.slot);
  }
  const { deviceId, placements, removal } = repository.require(accessCodeId);
  const isLast = placements.length === 1;
  const told: EventDraft = {
    eventType: 'access_code.removed_from_device',
    deviceId,
    accessCodeId,
    occurredAt: clock.wallTime(),
  };
  const wasOff = isLast && (removal !== undefined || repository.evaluated(code).want === 'off_lock');
  const stood = { ...placement, slot: reading?.slot ?? placement.slot };
  await store.commit(repository.place(accessCodeId, stood, undefined, ...(wasOff ? [told] : [])));
}

const canBeAsked = (
  capability: AccessCodeCapability,
): capability is AccessCodeCapability & Required<Pick<AccessCodeCapability, 'read'>> =>
  capability.observes === 'slot' && capability.read !== undefined;

/** What stands where a placement is; undefined when nothing does. */
async function readEntry(
  { slot, label }: CodePlacement,
  capability: AccessCodeCapability,
  ctx: ReadContext,
): Promise<SlotReading | undefined> {
  if (slot !== undefined) {
    // Of a lock that tells of no code nothing better is known than what was written down.
    if (!canBeAsked(capability)) return { slot, occupied: true };
    const reading = await capability.read(ctx, slot);
    return reading.occupied ? reading : undefined;
  }
  return (await capability.list?.(ctx))?.find((reading) => reading.label === label);
}

export function codesOf({ registry }: CodeWorkOptions, code: AccessCodeRecord, device: Device): AccessCodeCapability {
  if (device.accessCodes) return device.accessCodes;
  const { name } = registry.require(code.deviceId).snapshot;
  throw new GatewayError('misconfigured', `${name} takes no access codes any more: its settings have changed.`);
}

export const nameOf = ({ repository, registry }: CodeWorkOptions, accessCodeId: string): string =>
  registry.require(repository.require(accessCodeId).deviceId).snapshot.name;

/** Found again by it on locks that keep names: at most 20 ASCII characters. The end of a UUIDv7 is its random part. */
const labelOf = (id: string): string => `sp-${id.replaceAll('-', '').slice(-16)}`;
