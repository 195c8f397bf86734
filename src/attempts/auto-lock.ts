import {
  type AutoLock,
  type CodeCommandContext,
  type Device,
  GatewayError,
  type ReadContext,
} from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { Origin } from '../model/gateway.ts';
import type { AttemptRecord } from '../model/records.ts';
import type { Dispatcher } from './dispatcher.ts';

/**
 * Tells a lock whether, and when, to lock itself. It is done when the lock was read to keep it, whatever it said to the
 * write.
 */
export async function configureAutoLock(
  { registry, dispatcher }: { readonly registry: DeviceRegistry; readonly dispatcher: Dispatcher },
  deviceId: string,
  wanted: AutoLock,
  origin: Origin,
): Promise<AttemptRecord> {
  const device = registry.require(deviceId);
  const { name, limits, capabilities } = device.snapshot;
  if (device.capabilitiesKnown) assertKeeps(name, capabilities.autoLock, wanted);
  return dispatcher.accept(
    {
      actionType: 'CONFIGURE_AUTO_LOCK',
      deviceId,
      subject: { kind: 'auto_lock', ...wanted },
      laneClass: 'requested',
      limits: limits.code,
      work: async (opened, ctx) => settled(name, wanted, await write(opened, name, wanted, ctx)),
    },
    origin,
  );
}

/** After a restart: the lock is asked whether it keeps what it was told before. */
export const readBackAutoLock = async (device: Device, name: string, wanted: AutoLock, ctx: ReadContext) => {
  if (device.autoLock === undefined) throw cannot(name);
  return settled(name, wanted, await device.autoLock.read(ctx));
};

async function write(device: Device, name: string, wanted: AutoLock, ctx: CodeCommandContext): Promise<AutoLock> {
  const { autoLock } = device;
  assertKeeps(name, autoLock?.delays, wanted);
  if (autoLock === undefined) throw cannot(name);
  return autoLock.configure(ctx, wanted);
}

/** @throws GatewayError `state_not_reached` when the lock keeps something else */
function settled(name: string, wanted: AutoLock, read: AutoLock): Readonly<Record<string, unknown>> {
  const isAsWanted = wanted.enabled ? read.enabled && read.delaySeconds === wanted.delaySeconds : !read.enabled;
  if (isAsWanted) return {};
  throw new GatewayError(
    'state_not_reached',
    `${name} was read after it was told ${inWords(wanted)}, and ${read.enabled ? `locks itself ${after(read)}` : 'does not lock itself'}. ` +
      'Look whether its app or another program sets it too, and ask again.',
  );
}

/** @throws GatewayError `unsupported_action`, `invalid_input` */
function assertKeeps(
  name: string,
  delays: { readonly min: number; readonly max: number } | undefined,
  { enabled, delaySeconds }: AutoLock,
): void {
  if (delays === undefined) throw cannot(name);
  if (!enabled || delaySeconds === undefined) return;
  const { min, max } = delays;
  if (delaySeconds >= min && delaySeconds <= max) return;
  throw new GatewayError(
    'invalid_input',
    `${name} locks itself after ${min} to ${max} seconds, and not after ${delaySeconds}. Choose a delay of these.`,
  );
}

const cannot = (name: string) =>
  new GatewayError(
    'unsupported_action',
    `${name} cannot be told to lock itself: it does not have that, or not in a way that can be set from here. Look at ` +
      'can_configure_auto_lock first.',
  );

const after = ({ delaySeconds }: AutoLock): string =>
  delaySeconds === undefined ? 'after a time that it does not tell' : `after ${delaySeconds} s`;

const inWords = (wanted: AutoLock): string =>
  wanted.enabled ? `to lock itself ${after(wanted)}` : 'not to lock itself';
