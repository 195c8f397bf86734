import { useSignal } from '@preact/signals';
import { words } from '../languages/index.ts';
import type { CodesOfLocks, GatewayEvent } from '../objects.ts';
import { EventRow } from '../parts/event-row.tsx';
import { Empty, Shown } from '../parts/states.tsx';
import { useCall } from '../parts/use-list.ts';
import { day, dayKey, startOfDay } from '../time.ts';
import { dayOf, type Search } from './attempts.tsx';

const DAY_MS = 86_400_000;
const MOST = 1_000;

const kinds: Readonly<Record<string, RegExp>> = {
  doors: /^lock\.|^strikeplate\.(lock|door)\./,
  commands: /^action_attempt\./,
  codes: /^access_code\./,
  grants: /^access_(grant|method)\.|^space\./,
  noise: /noise/,
  devices: /^device\.|^strikeplate\.device\./,
  gateway: /^strikeplate\.(gateway|api_key)\./,
};

/** What happened, newest first, a few days at a time. */
export function EventSearch({ search }: { readonly search: Search }) {
  const { attempts: text, common } = words();
  const days = useSignal(2);
  const chosen = dayOf(search);
  const until = chosen?.to ?? new Date(startOfDay(Date.now()) + DAY_MS).toISOString();
  const from = chosen?.from ?? new Date(Date.parse(until) - days.value * DAY_MS).toISOString();
  const { state, again } = useCall<{ events: GatewayEvent[] }>(
    '/events/list',
    {
      between: [from, until],
      limit: MOST,
      newest_first: true,
      ...(search.device.value !== '' && { device_id: search.device.value }),
    },
    [],
  );
  const codes = useCall<CodesOfLocks>('/strikeplate/access_codes/list', {}, []);
  const names = new Map(
    codes.state.value.status === 'ready'
      ? codes.state.value.value.access_codes.map((code) => [code.access_code_id, code.name ?? undefined])
      : [],
  );
  const whoOf = ({ access_code_id: id }: GatewayEvent) => (id === undefined ? undefined : names.get(id));
  const pattern = kinds[search.outcome.value];
  const person = search.who.value.trim().toLowerCase();
  return (
    <Shown of={state.value} again={again} rows={8}>
      {({ events }) => {
        const fitting = events
          .filter(({ event_type }) => pattern === undefined || pattern.test(event_type))
          .filter((event) => person === '' || whoOf(event)?.toLowerCase().includes(person) === true);
        const byDay = Map.groupBy(fitting, ({ occurred_at: at }) => dayKey(Date.parse(at)));
        return (
          <>
            {fitting.length === 0 && <Empty icon="clock">{text.noMatch}</Empty>}
            {[...byDay].map(([key, list]) => (
              <section key={key}>
                <h2>{day(list[0]?.occurred_at ?? '')}</h2>
                <ul class="rows">
                  {list.map((event) => (
                    <EventRow key={event.event_id} event={event} who={whoOf(event)} />
                  ))}
                </ul>
              </section>
            ))}
            {events.length === MOST && <p class="quiet-note">{text.tooMany}</p>}
            {chosen === undefined && days.value < 90 && (
              <button
                type="button"
                class="more"
                onClick={() => {
                  days.value *= 3;
                }}
              >
                {common.more}
              </button>
            )}
          </>
        );
      }}
    </Shown>
  );
}
