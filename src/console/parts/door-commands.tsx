import { useSignal } from '@preact/signals';
import { type ApiError, call, problemOf } from '../api.ts';
import { words } from '../languages/index.ts';
import type { Device } from '../objects.ts';
import { linkTo } from '../router.ts';
import { attemptOf, connection, lastAttemptOf, may } from '../state.ts';
import { when } from '../time.ts';
import { ConfirmButton } from './confirm-button.tsx';
import { Life } from './life.tsx';
import { Failure } from './states.tsx';

/** Lock and unlock, and what becomes of it. Without the scope there is no button at all. */
export function DoorCommands({ device, isShort = false }: { readonly device: Device; readonly isShort?: boolean }) {
  const { act, attempts, types } = words();
  const refused = useSignal<ApiError | undefined>(undefined);
  const isAsking = useSignal(false);
  const last = lastAttemptOf(device.device_id).value;
  const attempt = last === undefined ? undefined : attemptOf(last)?.value;
  const command = async (action: 'lock' | 'unlock') => {
    if (isAsking.value) return;
    isAsking.value = true;
    refused.value = undefined;
    try {
      // Answered at once: what becomes of it comes by the live stream, step by step.
      await call(
        `/locks/${action}_door`,
        { device_id: device.device_id },
        { prefer: 'respond-async', 'idempotency-key': crypto.randomUUID() },
      );
    } catch (error) {
      refused.value = problemOf(error);
    } finally {
      isAsking.value = false;
    }
  };
  const isStopped = device.properties.strikeplate_metadata.out_of_service;
  const isOff = isStopped || connection.value.status === 'lost';
  return (
    <div class="commands">
      {may('control') && device.can_remotely_unlock && (
        <div class="buttons">
          <button
            type="button"
            class="lock"
            disabled={isOff}
            aria-disabled={isAsking.value}
            onClick={() => command('lock')}
          >
            {act.lock}
          </button>
          <ConfirmButton
            kind="unlock"
            label={act.unlock}
            hold={act.hold}
            again={act.again}
            disabled={isOff}
            isBusy={isAsking.value}
            onConfirm={() => command('unlock')}
          />
        </div>
      )}
      {refused.value !== undefined && <Failure error={refused.value} />}
      <div class="last">
        {attempt !== undefined && (
          <>
            <Life attempt={attempt} device={device} isShort={isShort} />
            <p class="foot">
              <a class="more" href={linkTo('attempt', attempt.action_attempt.action_attempt_id)}>
                {attempts.what}
              </a>
              <span>
                {types[attempt.action_attempt.action_type]},{' '}
                <time dateTime={attempt.action_attempt_history.accepted_at}>
                  {when(attempt.action_attempt_history.accepted_at)}
                </time>
              </span>
            </p>
          </>
        )}
        {attempt === undefined && <p class="none-yet">{attempts.noneYet}</p>}
      </div>
    </div>
  );
}
