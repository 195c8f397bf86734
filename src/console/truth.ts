import { deliveries } from './deliveries.ts';
import { words } from './languages/index.ts';
import type { Attempt, Device } from './objects.ts';

export type Tone = 'good' | 'unsure' | 'bad' | 'busy';

/** The truth about an attempt in a sentence, and how to show it. */
export function truthOf(
  { action_attempt: attempt }: Attempt,
  device: Device | undefined,
): { readonly tone: Tone; readonly text: string; readonly detail: string } {
  const { truth, waits } = words();
  const { status, result, error, action_type: type } = attempt;
  if (status === 'pending') return { tone: 'busy', text: waits.accepted ?? '', detail: '' };
  if (status === 'success') {
    if (type !== 'LOCK_DOOR' && type !== 'UNLOCK_DOOR') return { tone: 'good', text: truth.done, detail: '' };
    if (result?.was_confirmed_by_device !== true) return { tone: 'unsure', text: truth.unconfirmed, detail: '' };
    const isStrike = device?.properties.strikeplate_metadata.observes === 'actuator';
    const text =
      type === 'LOCK_DOOR'
        ? isStrike
          ? truth.securedSeen
          : truth.lockedSeen
        : isStrike
          ? truth.releasedSeen
          : truth.unlockedSeen;
    return { tone: 'good', text, detail: '' };
  }
  const of = (list: readonly string[]) => error !== null && list.includes(error.type);
  const text = of(deliveries.maybe_sent)
    ? truth.nobodyKnows
    : of(deliveries.acted)
      ? truth.stuck
      : of(deliveries.refused)
        ? truth.refused
        : truth.notSent;
  return { tone: of(deliveries.maybe_sent) ? 'unsure' : 'bad', text, detail: error?.message ?? '' };
}

/** A device that a person should look at. */
export function needsAttention({ properties, errors, warnings }: Device): boolean {
  const { health, lock_state: state, out_of_service: stopped } = properties.strikeplate_metadata;
  return (
    stopped ||
    health === 'offline' ||
    health === 'misconfigured' ||
    state === 'jammed' ||
    errors.length > 0 ||
    warnings.length > 0 ||
    (properties.currently_triggering_noise_threshold_ids ?? []).length > 0
  );
}
