import { useSignal } from '@preact/signals';
import { words } from '../languages/index.ts';
import { EventRow } from '../parts/event-row.tsx';
import { Field } from '../parts/field.tsx';
import { Empty } from '../parts/states.tsx';
import { linkTo } from '../router.ts';
import { events, nameOf } from '../state.ts';

/** Drawn at a time: more is neither read nor drawn in time. */
const SHOWN = 60;

/** What happens, as it happens. */
export function LiveEvents() {
  const { box: text, attempts } = words();
  const filter = useSignal('');
  const wanted = filter.value.trim().toLowerCase();
  const fitting = events.value.filter(
    ({ event_type, device_id }) =>
      wanted === '' ||
      event_type.includes(wanted) ||
      (device_id !== undefined && nameOf(device_id).toLowerCase().includes(wanted)),
  );
  return (
    <>
      <div class="toolbar">
        <Field label={text.filterEvents} value={filter} type="search" />
        <a class="more" href={linkTo('attempts', 'events')}>
          {attempts.searchAll}
        </a>
      </div>
      {fitting.length === 0 ? (
        <Empty icon="clock">{wanted === '' ? text.noEvents : attempts.noMatch}</Empty>
      ) : (
        <ul class="rows">
          {fitting.slice(0, SHOWN).map((event) => (
            <EventRow key={event.event_id} event={event} />
          ))}
        </ul>
      )}
    </>
  );
}
