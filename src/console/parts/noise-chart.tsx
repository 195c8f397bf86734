import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { language, words } from '../languages/index.ts';
import { type Episode, minuteOf, timeOf } from '../noise.ts';
import type { NoiseLevel, NoiseThreshold } from '../objects.ts';
import { clockTime, zone } from '../time.ts';
import type { Plot, PlotPlaces } from './plot.ts';

/** A day's levels with thresholds, their hours and episodes drawn in; minutes without a sample are hatched. */
export function NoiseChart({
  name,
  levels,
  thresholds,
  episodes,
  onDraft,
  onChange,
}: {
  readonly name: string;
  readonly levels: readonly NoiseLevel[];
  /** As they are being changed. */
  readonly thresholds: readonly NoiseThreshold[];
  readonly episodes: readonly Episode[];
  /** Undefined for those who may not change them. */
  readonly onDraft: ((threshold: NoiseThreshold) => void) | undefined;
  readonly onChange: (threshold: NoiseThreshold) => void;
}) {
  const { noise } = words();
  const holder = useRef<HTMLDivElement>(null);
  const drawn = useRef<Plot | undefined>(undefined);
  const places = useSignal<PlotPlaces | undefined>(undefined);
  const latest = useRef({ levels, thresholds, episodes });
  latest.current = { levels, thresholds, episodes };
  useEffect(() => {
    const into = holder.current;
    if (into === null) return;
    let isGone = false;
    const draw = () => {
      // Loaded when a chart is looked at: the first page does without it.
      void import('./plot.ts').then(({ plot }) => {
        if (isGone) return;
        drawn.current?.destroy();
        drawn.current = plot(
          into,
          latest.current,
          { timeZone: zone(), average: noise.average, highest: noise.highest },
          (found) => {
            places.value = found;
          },
        );
      });
    };
    draw();
    const observer = new ResizeObserver(() => drawn.current?.resize(into.clientWidth));
    observer.observe(into);
    // Colours are read when it is drawn.
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => {
      isGone = true;
      observer.disconnect();
      scheme.removeEventListener('change', draw);
      drawn.current?.destroy();
      drawn.current = undefined;
    };
  }, [language.value]);
  useEffect(() => {
    drawn.current?.show({ levels, thresholds, episodes });
  }, [levels, thresholds, episodes]);
  return (
    <figure class="chart">
      <div class="plot-frame">
        <div ref={holder} class="plot" role="img" aria-label={noise.chart(name)} />
        {onDraft !== undefined && places.value !== undefined && (
          <ThresholdHandles places={places.value} thresholds={thresholds} onDraft={onDraft} onChange={onChange} />
        )}
      </div>
      <figcaption>
        <ul class="legend">
          <li class="average">{noise.average}</li>
          <li class="highest">{noise.highest}</li>
          <li class="limit">{noise.threshold}</li>
          <li class="window">{noise.quietHours}</li>
          <li class="episode">{noise.episode}</li>
          <li class="gap">{noise.missing}</li>
        </ul>
      </figcaption>
      <details>
        <summary>{noise.table}</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">{noise.hour}</th>
              <th scope="col">{noise.average}</th>
              <th scope="col">{noise.highest}</th>
            </tr>
          </thead>
          <tbody>
            {byHour(levels).map(({ from, average, highest }) => (
              <tr key={from}>
                <th scope="row">{clockTime(from)}</th>
                <td>{average.toFixed(1)}</td>
                <td>{highest.toFixed(1)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}

function byHour(levels: readonly NoiseLevel[]) {
  const hours = Map.groupBy(levels, ({ starts_at: at }) => Math.floor(Date.parse(at) / 3_600_000));
  return [...hours].map(([hour, list]) => ({
    from: hour * 3_600_000,
    // Levels are averaged by their energy.
    average: 10 * Math.log10(list.reduce((sum, one) => sum + 10 ** (one.average_decibels / 10), 0) / list.length),
    highest: Math.max(...list.map((one) => one.highest_decibels)),
  }));
}

const LOWEST_DB = 20;
const HIGHEST_DB = 120;
const STEP_MIN = 15;
/** Keys are pressed one after the other: what they come to is sent this long after the last, in milliseconds. */
const SETTLED_MS = 900;

interface Props {
  readonly places: PlotPlaces;
  readonly thresholds: readonly NoiseThreshold[];
  readonly onDraft: (threshold: NoiseThreshold) => void;
  readonly onChange: (threshold: NoiseThreshold) => void;
}

/** A threshold is taken hold of on the drawing: its line for the level, its ends for the hours. */
const ThresholdHandles = (props: Props) => (
  <>
    {props.thresholds.map((threshold) => (
      <HandlesOfOne key={threshold.noise_threshold_id} {...props} threshold={threshold} />
    ))}
  </>
);

function HandlesOfOne({ places, threshold, onDraft, onChange }: Props & { readonly threshold: NoiseThreshold }) {
  const { noise, facts } = words();
  const latest = useRef(threshold);
  latest.current = threshold;
  const timer = useRef<number | undefined>(undefined);
  const draft = (next: NoiseThreshold) => {
    latest.current = next;
    onDraft(next);
  };
  const settle = () => {
    clearTimeout(timer.current);
    onChange(latest.current);
  };
  const settleSoon = () => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(settle, SETTLED_MS);
  };
  const level = threshold.noise_threshold_decibels;
  const begins = minuteOf(threshold.starts_daily_at);
  const ends = minuteOf(threshold.ends_daily_at);
  const setLevel = (to: number) =>
    draft({
      ...latest.current,
      noise_threshold_decibels: Math.min(HIGHEST_DB, Math.max(LOWEST_DB, Math.round(to))),
    });
  const setHour = (which: 'starts_daily_at' | 'ends_daily_at', minute: number) =>
    draft({ ...latest.current, [which]: `${timeOf(Math.round(minute / STEP_MIN) * STEP_MIN)}:00` });
  const name = threshold.name;
  const y = places.yOf(level);
  const shared = { onLetGo: settle, onSettled: settleSoon };
  return (
    <>
      <Handle
        kind="level"
        label={noise.levelOf(name)}
        x={places.left + places.width}
        y={y}
        now={level}
        range={[LOWEST_DB, HIGHEST_DB]}
        text={facts.level(String(level))}
        onMove={(_x, atY) => setLevel(places.decibelsAt(atY))}
        onStep={(steps) => setLevel(latest.current.noise_threshold_decibels + steps)}
        {...shared}
      />
      {(['starts_daily_at', 'ends_daily_at'] as const).map((which) => {
        const minute = which === 'starts_daily_at' ? begins : ends;
        return (
          <Handle
            key={which}
            kind="hour"
            label={which === 'starts_daily_at' ? noise.beginOf(name) : noise.endOf(name)}
            x={places.xOf(minute)}
            y={y}
            now={minute}
            range={[0, 1_439]}
            text={timeOf(minute)}
            onMove={(atX) => setHour(which, places.minuteAt(atX))}
            onStep={(steps) => setHour(which, minuteOf(latest.current[which]) + steps * STEP_MIN)}
            {...shared}
          />
        );
      })}
    </>
  );
}

function Handle({
  kind,
  label,
  x,
  y,
  now,
  range: [lowest, highest],
  text,
  onMove,
  onStep,
  onLetGo,
  onSettled,
}: {
  readonly kind: 'level' | 'hour';
  readonly label: string;
  readonly x: number;
  readonly y: number;
  readonly now: number;
  readonly range: readonly [number, number];
  readonly text: string;
  readonly onMove: (x: number, y: number) => void;
  readonly onStep: (steps: number) => void;
  readonly onLetGo: () => void;
  readonly onSettled: () => void;
}) {
  const steps: Readonly<Record<string, number>> = {
    ArrowUp: 1,
    ArrowRight: 1,
    ArrowDown: -1,
    ArrowLeft: -1,
    PageUp: 5,
    PageDown: -5,
  };
  return (
    <div
      role="slider"
      tabIndex={0}
      class={`handle ${kind}`}
      aria-label={label}
      aria-orientation={kind === 'level' ? 'vertical' : 'horizontal'}
      aria-valuemin={lowest}
      aria-valuemax={highest}
      aria-valuenow={now}
      aria-valuetext={text}
      style={{ left: `${x}px`, top: `${y}px` }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        event.currentTarget.focus();
        event.preventDefault();
      }}
      onPointerMove={(event) => {
        const { currentTarget: handle } = event;
        if (!handle.hasPointerCapture(event.pointerId)) return;
        const frame = handle.parentElement?.getBoundingClientRect();
        if (frame !== undefined) onMove(event.clientX - frame.left, event.clientY - frame.top);
      }}
      onPointerUp={onLetGo}
      onPointerCancel={onLetGo}
      onKeyDown={(event) => {
        const step = steps[event.key];
        if (event.key === 'Enter') onLetGo();
        if (step === undefined) return;
        event.preventDefault();
        onStep(step);
        onSettled();
      }}
    >
      <span>{text}</span>
    </div>
  );
}
