import { useSignal } from '@preact/signals';
import { ApiError, call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { Attempt } from '../objects.ts';
import { AttemptRow } from '../parts/attempt-row.tsx';
import { Empty, Failure, Shown } from '../parts/states.tsx';
import { useCall } from '../parts/use-list.ts';
import { place } from '../router.ts';
import { allDevices } from '../state.ts';
import { day, dayKey, fromField } from '../time.ts';

interface Answer {
  readonly attempts: readonly Attempt[];
  readonly has_more: boolean;
}

export function AttemptsView() {
  const { attempts: text, common } = words();
  const device = useSignal(place.value.query.get('device') ?? '');
  const status = useSignal('');
  const actor = useSignal('');
  const date = useSignal('');
  const from = date.value === '' ? undefined : fromField(`${date.value}T00:00`);
  const wanted = {
    ...(device.value !== '' && { device_id: device.value }),
    ...(status.value !== '' && { status: status.value }),
    ...(actor.value.trim() !== '' && { actor: actor.value.trim() }),
    ...(from !== undefined && { from, to: new Date(Date.parse(from) + 86_400_000).toISOString() }),
    limit: 50,
  };
  const { state, again } = useCall<Answer>('/strikeplate/attempts/list', wanted, []);
  const isFiltered = Object.keys(wanted).length > 1;
  return (
    <>
      <h1>{text.title}</h1>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          {text.door}
          <select
            value={device.value}
            onChange={(event) => {
              device.value = event.currentTarget.value;
            }}
          >
            <option value="">{common.all}</option>
            {allDevices().map((one) => (
              <option key={one.device_id} value={one.device_id}>
                {one.display_name}
              </option>
            ))}
          </select>
        </label>
        <label>
          {text.outcome}
          <select
            value={status.value}
            onChange={(event) => {
              status.value = event.currentTarget.value;
            }}
          >
            <option value="">{common.all}</option>
            <option value="success">{text.success}</option>
            <option value="error">{text.error}</option>
            <option value="pending">{text.pending}</option>
          </select>
        </label>
        <label>
          {text.who}
          <input
            value={actor.value}
            onInput={(event) => {
              actor.value = event.currentTarget.value;
            }}
          />
        </label>
        <label>
          {text.day}
          <input
            type="date"
            max={dayKey(Date.now())}
            value={date.value}
            onInput={(event) => {
              date.value = event.currentTarget.value;
            }}
          />
        </label>
      </form>
      <Shown of={state.value} again={again} rows={8}>
        {(answer) => <Attempts key={JSON.stringify(wanted)} first={answer} wanted={wanted} isFiltered={isFiltered} />}
      </Shown>
    </>
  );
}

function Attempts({
  first,
  wanted,
  isFiltered,
}: {
  readonly first: Answer;
  readonly wanted: object;
  readonly isFiltered: boolean;
}) {
  const { attempts: text, common } = words();
  const further = useSignal<readonly Attempt[]>([]);
  const hasMore = useSignal(first.has_more);
  const failed = useSignal<ApiError | undefined>(undefined);
  const list = [...first.attempts, ...further.value];
  const more = async () => {
    failed.value = undefined;
    try {
      const before = list.at(-1)?.action_attempt.action_attempt_id;
      const answer = await call<Answer>('/strikeplate/attempts/list', { ...wanted, before });
      further.value = [...further.value, ...answer.attempts];
      hasMore.value = answer.has_more;
    } catch (error) {
      failed.value = error instanceof ApiError ? error : new ApiError('internal_error', 0, String(error));
    }
  };
  if (list.length === 0) return <Empty>{isFiltered ? text.noMatch : text.empty}</Empty>;
  const days = Map.groupBy(list, ({ action_attempt_history: { accepted_at: at } }) => dayKey(Date.parse(at)));
  return (
    <>
      {[...days].map(([key, ofDay]) => (
        <section key={key}>
          <h2>{day(ofDay[0]?.action_attempt_history.accepted_at ?? '')}</h2>
          <ul class="rows">
            {ofDay.map((attempt) => (
              <AttemptRow key={attempt.action_attempt.action_attempt_id} attempt={attempt} />
            ))}
          </ul>
        </section>
      ))}
      {hasMore.value && (
        <button type="button" class="more" onClick={more}>
          {common.more}
        </button>
      )}
      {failed.value !== undefined && <Failure error={failed.value} again={more} />}
    </>
  );
}
