import { useSignal } from '@preact/signals';
import { call } from '../api.ts';
import { words } from '../languages/index.ts';
import { type Episode, episodesOf, timeOf } from '../noise.ts';
import type { Device, GatewayEvent, NoiseLevel, NoiseThreshold } from '../objects.ts';
import { ConfirmButton } from '../parts/confirm-button.tsx';
import { Health } from '../parts/door-state.tsx';
import { Field } from '../parts/field.tsx';
import { Form, New } from '../parts/form.tsx';
import { Icon } from '../parts/icon.tsx';
import { NoiseChart } from '../parts/noise-chart.tsx';
import { NoiseWeek } from '../parts/noise-week.tsx';
import { Empty, Failure, Loading, Shown } from '../parts/states.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { useAction } from '../parts/use-action.ts';
import { useCall } from '../parts/use-list.ts';
import { linkTo } from '../router.ts';
import { allDevices, isLoaded, may } from '../state.ts';
import { duration, now, when } from '../time.ts';

const WEEK_MS = 7 * 86_400_000;
const EPISODES_SHOWN = 8;

export function NoiseView({ id }: { readonly id: string | undefined }) {
  const { noise } = words();
  const sensors = allDevices().filter((device) => device.capabilities_supported.includes('noise_detection'));
  const chosen = sensors.find((sensor) => sensor.device_id === id) ?? sensors[0];
  return (
    <>
      <h1>{noise.title}</h1>
      {chosen === undefined ? (
        isLoaded.value ? (
          <Empty icon="noise">{noise.empty}</Empty>
        ) : (
          <Loading rows={5} />
        )
      ) : (
        <>
          {sensors.length > 1 && (
            <Tabs
              tabs={sensors.map((sensor) => ({
                href: linkTo('noise', sensor.device_id),
                name: sensor.display_name,
                isOpen: sensor.device_id === chosen.device_id,
              }))}
            />
          )}
          <Sensor key={chosen.device_id} sensor={chosen} />
        </>
      )}
    </>
  );
}

const none: readonly never[] = [];

function Sensor({ sensor }: { readonly sensor: Device }) {
  const { noise } = words();
  const { device_id, display_name: name, properties } = sensor;
  const exceeded = properties.currently_triggering_noise_threshold_ids ?? none;
  const minute = Math.floor(now.value / 60_000);
  const quarter = Math.floor(minute / 15);
  const levels = useCall<{ noise_levels: NoiseLevel[] }>('/noise_sensors/levels/list', { device_id }, [minute]);
  const week = useCall<{ noise_levels: NoiseLevel[] }>(
    '/noise_sensors/levels/list',
    { device_id, interval_seconds: 3_600 },
    [quarter],
  );
  const thresholds = useCall<{ noise_thresholds: NoiseThreshold[] }>(
    '/noise_sensors/noise_thresholds/list',
    { device_id },
    [],
  );
  const told = useCall<{ events: GatewayEvent[] }>(
    '/events/list',
    {
      device_id,
      event_types: ['noise_sensor.noise_threshold_triggered', 'strikeplate.noise_sensor.noise_threshold_ended'],
      since: new Date(quarter * 900_000 - WEEK_MS).toISOString(),
      newest_first: true,
    },
    [exceeded.join(), quarter],
    device_id,
  );
  const episodes =
    told.state.value.status === 'ready' ? episodesOf(told.state.value.value.events, exceeded) : undefined;
  const change = useAction();
  /** Thresholds while they are being dragged. */
  const drafts = useSignal<ReadonlyMap<string, NoiseThreshold>>(new Map());
  const kept = thresholds.state.value.status === 'ready' ? thresholds.state.value.value.noise_thresholds : none;
  const shown = kept.map((one) => drafts.value.get(one.noise_threshold_id) ?? one);
  const save = async (threshold: NoiseThreshold) => {
    const { noise_threshold_id: id, noise_threshold_decibels, starts_daily_at, ends_daily_at } = threshold;
    await change.run(() =>
      call('/noise_sensors/noise_thresholds/update', {
        noise_threshold_id: id,
        noise_threshold_decibels,
        starts_daily_at,
        ends_daily_at,
        sync: true,
      }),
    );
    thresholds.again();
    drafts.value = new Map([...drafts.value].filter(([other, draft]) => other !== id || draft !== threshold));
  };
  const edit = (threshold: NoiseThreshold) => {
    drafts.value = new Map([...drafts.value, [threshold.noise_threshold_id, threshold]]);
  };
  return (
    <div class="columns">
      <div>
        <section class="card">
          <h2>{noise.today}</h2>
          <Shown of={levels.state.value} again={levels.again} rows={6}>
            {({ noise_levels }) => (
              <NoiseChart
                name={name}
                levels={noise_levels}
                thresholds={shown}
                episodes={episodes ?? none}
                onDraft={may('control') ? edit : undefined}
                onChange={save}
              />
            )}
          </Shown>
          {may('control') && kept.length > 0 && <p class="hint">{noise.dragHint}</p>}
          {change.failed.value !== undefined && <Failure error={change.failed.value} />}
        </section>
        <section class="card">
          <h2>{noise.week}</h2>
          <Shown of={week.state.value} again={week.again} rows={4}>
            {({ noise_levels }) => <NoiseWeek levels={noise_levels} episodes={episodes} />}
          </Shown>
        </section>
      </div>
      <div>
        <section class="card">
          <h2>{noise.now}</h2>
          <Now sensor={sensor} isLoud={exceeded.length > 0} />
          <Health device={sensor} />
          <h2>{noise.thresholds}</h2>
          <Shown of={thresholds.state.value} again={thresholds.again} rows={2}>
            {() => (
              <>
                {shown.length === 0 && <p class="quiet-note">{noise.none}</p>}
                <ul class="rows">
                  {shown.map((threshold) => (
                    <ThresholdRow
                      key={threshold.noise_threshold_id}
                      threshold={threshold}
                      isExceeded={exceeded.includes(threshold.noise_threshold_id)}
                      onChange={thresholds.again}
                    />
                  ))}
                </ul>
                {may('control') && <NewThreshold deviceId={device_id} onCreated={thresholds.again} />}
              </>
            )}
          </Shown>
        </section>
        <section class="card">
          <h2>{noise.episodes}</h2>
          <Shown of={told.state.value} again={told.again} rows={2}>
            {() => <Episodes episodes={episodes ?? none} />}
          </Shown>
        </section>
      </div>
    </div>
  );
}

function Now({ sensor, isLoud }: { readonly sensor: Device; readonly isLoud: boolean }) {
  const { noise, facts, state, rests } = words();
  const level = sensor.properties.noise_level_decibels;
  return (
    <p class={`state ${isLoud ? 'jammed' : ''}`}>
      <Icon name={isLoud ? 'warning' : 'noise'} />
      <span>
        <strong>{level === undefined ? state.unknown : facts.level(level.toFixed(1))}</strong>
        <small>{level === undefined ? rests.unknown : isLoud ? noise.exceeded : noise.quiet}</small>
      </span>
    </p>
  );
}

function Episodes({ episodes }: { readonly episodes: readonly Episode[] }) {
  const { noise, facts, common } = words();
  return (
    <>
      {episodes.length === 0 && <p class="quiet-note">{noise.noEpisodes}</p>}
      <ul class="rows">
        {episodes.slice(0, EPISODES_SHOWN).map((one) => (
          <li key={`${one.thresholdId}${one.from}`} class={`row ${one.until === undefined ? 'bad' : ''}`}>
            <Icon name={one.until === undefined ? 'warning' : 'noise'} />
            <span class="what">
              <strong>{one.name}</strong>
              <span>{one.until === undefined ? noise.goesOn : noise.lasted(duration(one.until - one.from))}</span>
            </span>
            <span class="how">{one.peak !== undefined && facts.level(one.peak.toFixed(1))}</span>
            <time dateTime={new Date(one.from).toISOString()}>{when(new Date(one.from).toISOString())}</time>
          </li>
        ))}
      </ul>
      {episodes.length > EPISODES_SHOWN && (
        <p class="quiet-note">
          +{episodes.length - EPISODES_SHOWN} {common.moreOfThem}
        </p>
      )}
    </>
  );
}

function ThresholdRow({
  threshold,
  isExceeded,
  onChange,
}: {
  readonly threshold: NoiseThreshold;
  readonly isExceeded: boolean;
  readonly onChange: () => void;
}) {
  const { noise, facts } = words();
  const { failed, run } = useAction();
  const remove = async () => {
    await run(() =>
      call('/noise_sensors/noise_thresholds/delete', { noise_threshold_id: threshold.noise_threshold_id, sync: true }),
    );
    onChange();
  };
  return (
    <li class={`row ${isExceeded ? 'bad' : ''}`}>
      <Icon name={isExceeded ? 'warning' : 'noise'} />
      <span class="what">
        <strong>
          {facts.level(String(threshold.noise_threshold_decibels))} {threshold.name}
        </strong>
        <span>
          {threshold.starts_daily_at.slice(0, 5)} – {threshold.ends_daily_at.slice(0, 5)} ·{' '}
          {isExceeded ? noise.exceeded : noise.after(duration(threshold.sustained_seconds * 1_000))}
        </span>
      </span>
      {may('control') && (
        <ConfirmButton kind="small" label={noise.remove} again={`${noise.remove}?`} onConfirm={remove} />
      )}
      {failed.value !== undefined && <Failure error={failed.value} />}
    </li>
  );
}

function NewThreshold({ deviceId, onCreated }: { readonly deviceId: string; readonly onCreated: () => void }) {
  const { noise } = words();
  const level = useSignal('60');
  const begins = useSignal(timeOf(22 * 60));
  const ends = useSignal(timeOf(6 * 60));
  const name = useSignal('');
  const action = useAction();
  const submit = async () => {
    const done = await action.run(() =>
      call('/noise_sensors/noise_thresholds/create', {
        device_id: deviceId,
        noise_threshold_decibels: Number(level.value),
        starts_daily_at: `${begins.value}:00`,
        ends_daily_at: `${ends.value}:00`,
        ...(name.value.trim() !== '' && { name: name.value.trim() }),
        sync: true,
      }),
    );
    if (done) onCreated();
  };
  return (
    <New label={noise.create}>
      <Form submit={noise.create} action={action} onSubmit={submit}>
        <Field label={noise.level} value={level} type="number" min="20" max="130" step="1" required />
        <Field label={noise.begins} value={begins} type="time" required />
        <Field label={noise.ends} value={ends} type="time" required />
        <Field label={noise.name} value={name} maxLength={100} />
      </Form>
    </New>
  );
}
