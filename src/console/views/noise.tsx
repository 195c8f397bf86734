import { useSignal } from '@preact/signals';
import { ApiError, call } from '../api.ts';
import { words } from '../languages/index.ts';
import type { Device, NoiseLevel, NoiseThreshold } from '../objects.ts';
import { ConfirmButton } from '../parts/confirm-button.tsx';
import { Health } from '../parts/door-state.tsx';
import { Icon } from '../parts/icon.tsx';
import { NoiseChart } from '../parts/noise-chart.tsx';
import { Empty, Failure, Loading, Shown } from '../parts/states.tsx';
import { useCall } from '../parts/use-list.ts';
import { linkTo } from '../router.ts';
import { allDevices, isLoaded, may } from '../state.ts';
import { now } from '../time.ts';

export function NoiseView({ id }: { readonly id: string | undefined }) {
  const { noise } = words();
  const sensors = allDevices().filter((device) => device.capabilities_supported.includes('noise_detection'));
  if (!isLoaded.value && sensors.length === 0) return <Loading rows={5} />;
  const chosen = sensors.find((sensor) => sensor.device_id === id) ?? sensors[0];
  return (
    <>
      <h1>{noise.title}</h1>
      {chosen === undefined ? (
        <Empty>{noise.empty}</Empty>
      ) : (
        <>
          {sensors.length > 1 && (
            <div class="tabs">
              {sensors.map((sensor) => (
                <a
                  key={sensor.device_id}
                  href={linkTo('noise', sensor.device_id)}
                  aria-current={sensor.device_id === chosen.device_id ? 'true' : undefined}
                >
                  {sensor.display_name}
                </a>
              ))}
            </div>
          )}
          <Sensor key={chosen.device_id} sensor={chosen} />
        </>
      )}
    </>
  );
}

function Sensor({ sensor }: { readonly sensor: Device }) {
  const { noise, facts, state, rests } = words();
  const { device_id, display_name: name, properties } = sensor;
  const exceeded = properties.currently_triggering_noise_threshold_ids ?? [];
  const quarter = Math.floor(now.value / 60_000);
  const levels = useCall<{ noise_levels: NoiseLevel[] }>('/noise_sensors/levels/list', { device_id }, [quarter]);
  const thresholds = useCall<{ noise_thresholds: NoiseThreshold[] }>(
    '/noise_sensors/noise_thresholds/list',
    { device_id },
    [],
  );
  const list = thresholds.state.value.status === 'ready' ? thresholds.state.value.value.noise_thresholds : none;
  return (
    <div class="columns">
      <section class="card wide">
        <h2>{noise.today}</h2>
        <Shown of={levels.state.value} again={levels.again} rows={6}>
          {({ noise_levels }) => <NoiseChart name={name} levels={noise_levels} thresholds={list} />}
        </Shown>
      </section>
      <section class="card">
        <h2>{noise.now}</h2>
        <p class={`state ${exceeded.length > 0 ? 'jammed' : ''}`}>
          <Icon name={exceeded.length > 0 ? 'warning' : 'noise'} />
          <span>
            <strong>
              {properties.noise_level_decibels === undefined
                ? state.unknown
                : facts.level(properties.noise_level_decibels.toFixed(1))}
            </strong>
            <small>
              {properties.noise_level_decibels === undefined
                ? rests.unknown
                : exceeded.length > 0
                  ? noise.exceeded
                  : noise.quiet}
            </small>
          </span>
        </p>
        <Health device={sensor} />
        <h2>{noise.thresholds}</h2>
        <Shown of={thresholds.state.value} again={thresholds.again} rows={2}>
          {({ noise_thresholds }) => (
            <>
              {noise_thresholds.length === 0 && <p class="quiet-note">{noise.none}</p>}
              <ul class="rows">
                {noise_thresholds.map((threshold) => (
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
    </div>
  );
}

const none: readonly NoiseThreshold[] = [];

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
  const remove = () =>
    void call('/noise_sensors/noise_thresholds/delete', { noise_threshold_id: threshold.noise_threshold_id }).then(
      onChange,
      onChange,
    );
  return (
    <li class={`row ${isExceeded ? 'bad' : ''}`}>
      <Icon name={isExceeded ? 'warning' : 'noise'} />
      <span class="what">
        <strong>{facts.level(String(threshold.noise_threshold_decibels))}</strong>
        <span>{threshold.name}</span>
      </span>
      <span class="how">
        {threshold.starts_daily_at.slice(0, 5)} – {threshold.ends_daily_at.slice(0, 5)}
        {isExceeded && <small>{noise.exceeded}</small>}
      </span>
      {may('control') && (
        <ConfirmButton kind="small" label={noise.remove} again={`${noise.remove}?`} onConfirm={remove} />
      )}
    </li>
  );
}

function NewThreshold({ deviceId, onCreated }: { readonly deviceId: string; readonly onCreated: () => void }) {
  const { noise } = words();
  const level = useSignal('60');
  const begins = useSignal('22:00');
  const ends = useSignal('06:00');
  const name = useSignal('');
  const failed = useSignal<ApiError | undefined>(undefined);
  const submit = async (event: Event) => {
    event.preventDefault();
    failed.value = undefined;
    try {
      await call('/noise_sensors/noise_thresholds/create', {
        device_id: deviceId,
        noise_threshold_decibels: Number(level.value),
        starts_daily_at: `${begins.value}:00`,
        ends_daily_at: `${ends.value}:00`,
        ...(name.value.trim() !== '' && { name: name.value.trim() }),
      });
      onCreated();
    } catch (error) {
      failed.value = error instanceof ApiError ? error : new ApiError('internal_error', 0, String(error));
    }
  };
  return (
    <details class="new">
      <summary>{noise.create}</summary>
      <form class="filters" onSubmit={submit}>
        <label>
          {noise.level}
          <input
            type="number"
            min="20"
            max="130"
            step="1"
            required
            value={level.value}
            onInput={(event) => {
              level.value = event.currentTarget.value;
            }}
          />
        </label>
        <label>
          {noise.begins}
          <input
            type="time"
            required
            value={begins.value}
            onInput={(event) => {
              begins.value = event.currentTarget.value;
            }}
          />
        </label>
        <label>
          {noise.ends}
          <input
            type="time"
            required
            value={ends.value}
            onInput={(event) => {
              ends.value = event.currentTarget.value;
            }}
          />
        </label>
        <label>
          {noise.name}
          <input
            value={name.value}
            maxLength={100}
            onInput={(event) => {
              name.value = event.currentTarget.value;
            }}
          />
        </label>
        <button type="submit">{noise.create}</button>
      </form>
      {failed.value !== undefined && <Failure error={failed.value} />}
    </details>
  );
}
