import { useComputed, useSignal } from '@preact/signals';
import { words } from '../languages/index.ts';
import { DoorCommands } from '../parts/door-commands.tsx';
import { DoorState, Facts, Health } from '../parts/door-state.tsx';
import { Icon } from '../parts/icon.tsx';
import { Empty, Loading } from '../parts/states.tsx';
import { linkTo } from '../router.ts';
import { allDevices, deviceIds, deviceOf, isLoaded } from '../state.ts';
import { needsAttention } from '../truth.ts';

/** With fewer a search is only in the way. */
const SEARCH_FROM = 8;

export function DoorsView() {
  const { doors } = words();
  const search = useSignal('');
  const onlyAttention = useSignal(false);
  /** The device at whose card somebody is: it stays while it is worked on, also when it is well again. */
  const inUse = useSignal<string | undefined>(undefined);
  // Which cards stand there, and in which order: it changes when devices come and go, not with each of their reports.
  const shown = useComputed(() => {
    const wanted = search.value.trim().toLowerCase();
    return deviceIds.value.filter((id) => {
      const device = deviceOf(id)?.value;
      if (device === undefined) return false;
      if (wanted !== '' && !device.display_name.toLowerCase().includes(wanted)) return false;
      return !onlyAttention.value || needsAttention(device) || inUse.value === id;
    });
  });
  const troubled = useComputed(() => allDevices().filter(needsAttention).length);
  if (!isLoaded.value && deviceIds.value.length === 0)
    return (
      <>
        <h1>{doors.title}</h1>
        <Loading rows={6} />
      </>
    );
  const ids = shown.value;
  const isLock = (id: string) => deviceOf(id)?.peek().capabilities_supported.includes('lock') === true;
  return (
    <>
      <h1>{doors.title}</h1>
      <div class="toolbar">
        <p class={troubled.value > 0 ? 'tally bad' : 'tally good'} role="status">
          <Icon name={troubled.value > 0 ? 'warning' : 'good'} />
          {troubled.value > 0 ? doors.attention(troubled.value) : doors.allWell}
        </p>
        {(troubled.value > 0 || onlyAttention.value) && (
          <label class="check">
            <input
              type="checkbox"
              checked={onlyAttention.value}
              onChange={(event) => {
                onlyAttention.value = event.currentTarget.checked;
              }}
            />
            {doors.onlyAttention}
          </label>
        )}
        {deviceIds.value.length >= SEARCH_FROM && (
          <input
            type="search"
            aria-label={doors.filter}
            placeholder={doors.filter}
            value={search.value}
            onInput={(event) => {
              search.value = event.currentTarget.value;
            }}
          />
        )}
      </div>
      {deviceIds.value.length === 0 && (
        <Empty>
          <p>{doors.empty}</p>
          <p>{doors.emptyHint}</p>
        </Empty>
      )}
      {deviceIds.value.length > 0 && ids.length === 0 && <Empty>{doors.noMatch}</Empty>}
      <div
        class="cards"
        onFocusCapture={({ target }) => {
          inUse.value = (target as Element).closest('article')?.dataset.device;
        }}
        onBlurCapture={({ relatedTarget }) => {
          if (document.hasFocus()) inUse.value = (relatedTarget as Element | null)?.closest('article')?.dataset.device;
        }}
      >
        {ids.filter(isLock).map((id) => (
          <DoorCard key={id} id={id} />
        ))}
      </div>
      {ids.some((id) => !isLock(id)) && (
        <>
          <h2>{doors.sensors}</h2>
          <div class="cards">
            {ids
              .filter((id) => !isLock(id))
              .map((id) => (
                <SensorCard key={id} id={id} />
              ))}
          </div>
        </>
      )}
    </>
  );
}

function DoorCard({ id }: { readonly id: string }) {
  const device = deviceOf(id)?.value;
  if (device === undefined) return null;
  return (
    <article class="card" data-device={id} aria-labelledby={`name-${id}`}>
      <h2 id={`name-${id}`}>
        <a href={linkTo('door', id)}>{device.display_name}</a>
      </h2>
      <DoorState device={device} />
      <Health device={device} />
      <Facts device={device} />
      <DoorCommands device={device} isShort />
    </article>
  );
}

function SensorCard({ id }: { readonly id: string }) {
  const { facts, noise, rests } = words();
  const device = deviceOf(id)?.value;
  if (device === undefined) return null;
  const { noise_level_decibels: level, currently_triggering_noise_threshold_ids: exceeded = [] } = device.properties;
  return (
    <article class="card" aria-labelledby={`name-${id}`}>
      <h3 id={`name-${id}`}>
        <a href={linkTo('noise', id)}>{device.display_name}</a>
      </h3>
      <p class={`state ${exceeded.length > 0 ? 'jammed' : ''}`}>
        <Icon name="noise" />
        <span>
          <strong>{level === undefined ? words().state.unknown : facts.level(level.toFixed(1))}</strong>
          <small>{level === undefined ? rests.unknown : exceeded.length > 0 ? noise.exceeded : noise.quiet}</small>
        </span>
      </p>
      <Health device={device} />
      <Facts device={device} />
    </article>
  );
}
