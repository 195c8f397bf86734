import { words } from '../languages/index.ts';
import type { Attempt } from '../objects.ts';
import { actorOf } from '../parts/attempt-row.tsx';
import { Life } from '../parts/life.tsx';
import { Shown } from '../parts/states.tsx';
import { together, useCall } from '../parts/use-list.ts';
import { linkTo } from '../router.ts';
import { attemptOf, deviceOf, laterOf, nameOf } from '../state.ts';
import { dayAndTime, duration } from '../time.ts';

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
