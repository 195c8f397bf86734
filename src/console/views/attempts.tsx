import { type Signal, useSignal } from '@preact/signals';
import { call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { Attempt, CodesOfLocks, GatewayEvent } from '../objects.ts';
import { joined, type Page } from '../pages.ts';
import { AttemptRow, actorOf } from '../parts/attempt-row.tsx';
import { EventRow } from '../parts/event-row.tsx';
import { Choice, Field } from '../parts/field.tsx';
import { Life } from '../parts/life.tsx';
import { Empty, Failure, Shown } from '../parts/states.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { useAction } from '../parts/use-action.ts';
import { together, useCall } from '../parts/use-list.ts';
import { linkTo, place } from '../router.ts';
import { allDevices, attemptOf, deviceOf, laterOf, nameOf } from '../state.ts';
import { day, dayAndTime, dayKey, duration, fromField, startOfDay } from '../time.ts';

/** What was looked for, in both lists alike. */
export interface Search {
  readonly device: Signal<string>;
  readonly outcome: Signal<string>;
  readonly who: Signal<string>;
  readonly date: Signal<string>;
}

/** The day that a search is for, as ISO 8601. */
export function dayOf({ date }: Search): { readonly from: string; readonly to: string } | undefined {
  if (date.value === '') return undefined;
  const from = fromField(`${date.value}T00:00`);
  if (from === undefined) return undefined;
  return { from, to: new Date(Date.parse(from) + 86_400_000).toISOString() };
}

export function AttemptsView({ id: part }: { readonly id: string | undefined }) {
  const { attempts: text } = words();
  const search: Search = {
    device: useSignal(place.value.query.get('device') ?? ''),
    outcome: useSignal(''),
    who: useSignal(''),
    date: useSignal(''),
  };
  const isEvents = part === 'events';
  return (
    <>
      <h1>{text.title}</h1>
      <Tabs
        tabs={[
          { href: linkTo('attempts'), name: text.commands, isOpen: !isEvents },
          { href: linkTo('attempts', 'events'), name: text.events, isOpen: isEvents },
        ]}
      />
      <Filters search={search} isEvents={isEvents} />
      {isEvents ? <EventSearch search={search} /> : <AttemptSearch search={search} />}
    </>
  );
}

function Filters({ search, isEvents }: { readonly search: Search; readonly isEvents: boolean }) {
  const { attempts: text, common, events } = words();
  return (
    <form class="filters tight" onSubmit={(event) => event.preventDefault()}>
      <Choice label={text.door} value={search.device}>
        <option value="">{common.all}</option>
        {allDevices().map((one) => (
          <option key={one.device_id} value={one.device_id}>
            {one.display_name}
          </option>
        ))}
      </Choice>
      <Choice label={isEvents ? events.about : text.outcome} value={search.outcome}>
        <option value="">{common.all}</option>
        {Object.entries(isEvents ? events.kinds : text.outcomes).map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </Choice>
      <Field label={text.who} value={search.who} />
      <Field label={text.day} value={search.date} type="date" max={dayKey(Date.now())} />
    </form>
  );
}

function AttemptSearch({ search }: { readonly search: Search }) {
  const { device, outcome, who } = search;
  // An outcome is one of the three, or the type of an error.
  const status = ['success', 'error', 'pending'].includes(outcome.value) ? outcome.value : '';
  const error = status === '' && outcome.value in words().attempts.outcomes ? outcome.value : '';
  const wanted = {
    ...(device.value !== '' && { device_id: device.value }),
    ...(status !== '' && { status }),
    ...(error !== '' && { status: 'error', error_type: error }),
    ...(who.value.trim() !== '' && { actor: who.value.trim() }),
    ...dayOf(search),
    limit: 50,
  };
  const { state, again } = useCall<Page>('/strikeplate/attempts/list', wanted, []);
  const isFiltered = Object.keys(wanted).length > 1;
  return (
    <Shown of={state.value} again={again} rows={8}>
      {(newest) => <Attempts key={JSON.stringify(wanted)} newest={newest} wanted={wanted} isFiltered={isFiltered} />}
    </Shown>
  );
}

function Attempts({
  newest,
  wanted,
  isFiltered,
}: {
  readonly newest: Page;
  readonly wanted: object;
  readonly isFiltered: boolean;
}) {
  const { attempts: text, common } = words();
  /** Pages behind the first, and the first page that they follow. */
  const further = useSignal<{ readonly after: Page; readonly page: Page } | undefined>(undefined);
  const { isBusy, failed, run } = useAction();
  const { attempts: list, has_more: hasMore } =
    further.value === undefined ? newest : joined(newest, further.value.after, further.value.page);
  const more = () =>
    run(async () => {
      const before = list.at(-1)?.action_attempt.action_attempt_id;
      const page = await call<Page>('/strikeplate/attempts/list', { ...wanted, before });
      further.value = { after: { attempts: list, has_more: true }, page };
    });
  if (list.length === 0) return <Empty icon="clock">{isFiltered ? text.noMatch : text.empty}</Empty>;
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
      {hasMore && (
        <button type="button" class="more" aria-disabled={isBusy.value} onClick={more}>
          {common.more}
        </button>
      )}
      {failed.value !== undefined && <Failure error={failed.value} again={more} />}
    </>
  );
}

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
function EventSearch({ search }: { readonly search: Search }) {
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
            {codes.state.value.status === 'failed' && person !== '' && (
              <Failure error={codes.state.value.error} again={codes.again} />
            )}
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

/** The whole of one attempt: what exactly happened to this command. */
export function AttemptView({ id }: { readonly id: string }) {
  const live = attemptOf(id)?.value;
  // Asked for again when it changes live: the list may be older than what is kept on the page.
  const got = useCall<{ action_attempt: Attempt['action_attempt'] }>(
    '/action_attempts/get',
    { action_attempt_id: id },
    [live?.action_attempt.status],
  );
  const history = useCall<{ action_attempt_history: Attempt['action_attempt_history'] }>(
    `/action_attempts/${encodeURIComponent(id)}/history`,
    {},
    [live?.action_attempt.status],
  );
  const asked = together([got.state.value, history.state.value], (one, life): Attempt => ({ ...one, ...life }));
  // Whatever else there is: an attempt that came live is known.
  const state: typeof asked =
    live === undefined || asked.status === 'ready' ? asked : { status: 'ready', value: live, asOf: Date.now() };
  const again = () => {
    got.again();
    history.again();
  };
  return (
    <>
      {state.status !== 'ready' && <h1>{words().attempts.id}</h1>}
      <Shown of={state} again={again} rows={6}>
        {(attempt) => <Whole attempt={live === undefined ? attempt : laterOf(attempt, live)} />}
      </Shown>
    </>
  );
}

function Whole({ attempt }: { readonly attempt: Attempt }) {
  const { attempts: text, types } = words();
  const { action_attempt: one, action_attempt_history: life } = attempt;
  const device = deviceOf(life.device_id)?.value;
  return (
    <>
      <p class="crumb">
        <a href={linkTo('attempts')}>{text.title}</a>
      </p>
      <h1>
        {types[one.action_type] ?? one.action_type}:{' '}
        <a href={linkTo('door', life.device_id)}>{nameOf(life.device_id)}</a>
      </h1>
      <div class="columns">
        <section class="card wide">
          <h2>{text.timeline}</h2>
          <Life attempt={attempt} device={device} withEvidence />
          {life.history.some(({ evidence = [] }) => evidence.length > 0) && <p class="hint">{words().evidence.hint}</p>}
        </section>
        <section class="card">
          <About attempt={attempt} />
        </section>
      </div>
    </>
  );
}

function About({ attempt }: { readonly attempt: Attempt }) {
  const { attempts: text } = words();
  const { action_attempt: one, action_attempt_history: life } = attempt;
  const { actor } = life;
  const isRepeatable = life.history[0]?.reason.includes('Idempotency-Key') === true;
  return (
    <dl class="facts stacked">
      {one.error !== null && (
        <div class="low">
          <dt>{text.error}</dt>
          <dd>
            <code>{one.error.type}</code>
            <p class="next">{one.error.message}</p>
          </dd>
        </div>
      )}
      <div>
        <dt>{text.askedBy}</dt>
        <dd>
          {actorOf(attempt)}
          {actor.address !== undefined && ` ${text.from} ${actor.address}`}
        </dd>
      </div>
      <div>
        <dt>{text.accepted}</dt>
        <dd>
          <time dateTime={life.accepted_at}>{dayAndTime(life.accepted_at)}</time>
        </dd>
      </div>
      {life.settled_at !== null && (
        <>
          <div>
            <dt>{text.ended}</dt>
            <dd>
              <time dateTime={life.settled_at}>{dayAndTime(life.settled_at)}</time>
            </dd>
          </div>
          <div>
            <dt>{text.took}</dt>
            <dd>{duration(Date.parse(life.settled_at) - Date.parse(life.accepted_at))}</dd>
          </div>
        </>
      )}
      <div>
        <dt>{text.idempotency}</dt>
        <dd>{isRepeatable ? text.repeatable : text.notRepeatable}</dd>
      </div>
      <div>
        <dt>{text.id}</dt>
        <dd>
          <a href={linkTo('attempt', one.action_attempt_id)} title={text.link}>
            <code>{one.action_attempt_id}</code>
          </a>
        </dd>
      </div>
    </dl>
  );
}
