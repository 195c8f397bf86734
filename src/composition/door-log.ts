import type { Logger } from 'pino';
import type { Unsubscribe } from '../contract/index.ts';
import type { Attempts, Devices } from '../model/gateway.ts';
import type { AttemptRecord } from '../model/records.ts';

/** One line of the log for each door that moved or did not: what a journal is searched for first. */
export const logDoors = (attempts: Attempts, devices: Devices, log: Logger): Unsubscribe =>
  attempts.onChange((attempt) => {
    const { settlement, actionType, deviceId, actionAttemptId, actor } = attempt;
    if (settlement === undefined || (actionType !== 'LOCK_DOOR' && actionType !== 'UNLOCK_DOOR')) return;
    const device = devices.get(deviceId);
    const fields = { notice: true, device: device?.slug ?? deviceId, attempt: actionAttemptId, by: nameOf(actor) };
    log.info(fields, sentence(device?.settings.name ?? device?.name ?? deviceId, actionType, settlement));
  });

function sentence(
  name: string,
  actionType: 'LOCK_DOOR' | 'UNLOCK_DOOR',
  settlement: NonNullable<AttemptRecord['settlement']>,
): string {
  const done = actionType === 'LOCK_DOOR' ? 'locked' : 'unlocked';
  if (settlement.status === 'error') return `${name}: ${settlement.error.type}, asked to be ${done}`;
  return settlement.result.was_confirmed_by_device === true ? `${name} is ${done}` : `${name} is ${done}, not observed`;
}

const nameOf = (actor: AttemptRecord['actor']): string => (actor.kind === 'api_key' ? actor.name : actor.kind);
