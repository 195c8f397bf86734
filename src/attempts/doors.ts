import {
  type AutoLock,
  type Device,
  GatewayError,
  type LockCapability,
  type LockReading,
  type ReadContext,
} from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { Doors, Origin } from '../model/gateway.ts';
import type { AttemptRecord } from '../model/records.ts';
import { configureAutoLock } from './auto-lock.ts';
import type { Command, Dispatcher } from './dispatcher.ts';

type DoorAction = 'LOCK_DOOR' | 'UNLOCK_DOOR';

/** Locks and unlocks doors. */
export class DoorCommands implements Doors {
  readonly #registry: DeviceRegistry;
  readonly #dispatcher: Dispatcher;

  constructor(registry: DeviceRegistry, dispatcher: Dispatcher) {
    this.#registry = registry;
    this.#dispatcher = dispatcher;
  }

  async lock(deviceId: string, origin: Origin): Promise<AttemptRecord> {
    return this.#dispatcher.accept(this.#move('LOCK_DOOR', deviceId), origin);
  }

  async unlock(deviceId: string, origin: Origin): Promise<AttemptRecord> {
    return this.#dispatcher.accept(this.#move('UNLOCK_DOOR', deviceId), origin);
  }

  configureAutoLock(deviceId: string, wanted: AutoLock, origin: Origin): Promise<AttemptRecord> {
    return configureAutoLock({ registry: this.#registry, dispatcher: this.#dispatcher }, deviceId, wanted, origin);
  }

  #move(actionType: DoorAction, deviceId: string): Command {
    const device = this.#registry.require(deviceId);
    const { name, limits } = device.snapshot;
    if (device.capabilitiesKnown && !device.snapshot.capabilities.lock) throw cannot(name);
    return {
      actionType,
      deviceId,
      laneClass: 'door',
      limits: limits.door,
      work: async (opened, ctx) => {
        const lock = lockOf(opened, name);
        const outcome = actionType === 'LOCK_DOOR' ? await lock.lock(ctx) : await lock.unlock(ctx);
        return { was_confirmed_by_device: outcome.wasConfirmedByDevice };
      },
    };
  }
}

/**
 * What a door's state, read after a restart, says of a command that may have left before it. A lock that stands as
 * asked is a success, and never one that was observed: no record tells where it stood before the send, so it may have
 * stood so all along. One that does not tells nothing of an UNLOCK: an auto-relock hides it.
 *
 * @throws GatewayError with the end of the attempt, or `not_sent` while the lock cannot tell yet
 */
export async function readBackDoor(
  device: Device,
  name: string,
  action: DoorAction,
  ctx: ReadContext,
): Promise<{ was_confirmed_by_device: false }> {
  const lock = lockOf(device, name);
  if (!lock.read)
    throw new GatewayError(
      'outcome_unknown',
      `The gateway was restarted while ${name} was being commanded, and ${name} cannot be asked what became of it. Look ` +
        'at the door.',
    );
  const reading: LockReading = await lock.read(ctx);
  if (action === 'UNLOCK_DOOR' && lock.unlockActsOn === 'latch' && reading.state === 'unlocked')
    throw new GatewayError(
      'outcome_unknown',
      `${name} is unlocked, but the gateway was restarted while its latch was being pulled, and an unlocked door does not ` +
        'show whether it was. Try the door before sending another command.',
    );
  const asked = action === 'LOCK_DOOR' ? 'locked' : 'unlocked';
  if (reading.state === asked) return { was_confirmed_by_device: false };
  if (reading.state === 'jammed') {
    throw new GatewayError('lock_jammed', `${name} reports that its bolt is stuck. Somebody has to look at the door.`);
  }
  if (reading.state === 'unknown' || reading.state === 'locking' || reading.state === 'unlocking') {
    throw new GatewayError('device_not_ready', `${name} does not know its own state yet. Look at the door.`);
  }
  if (action === 'LOCK_DOOR') {
    throw new GatewayError(
      'state_not_reached',
      `${name} is unlocked: the gateway was restarted while it was being locked. Lock it again if it is still wanted.`,
    );
  }
  throw new GatewayError(
    'outcome_unknown',
    `${name} is locked now, but the gateway was restarted while it was being unlocked: it may have opened and locked ` +
      'itself again. Look at the door before sending another command.',
  );
}

function lockOf(device: Device, name: string): LockCapability {
  if (device.lock) return device.lock;
  throw cannot(name);
}

const cannot = (name: string) =>
  new GatewayError('unsupported_action', `${name} is not a lock, so it can be neither locked nor unlocked.`);
