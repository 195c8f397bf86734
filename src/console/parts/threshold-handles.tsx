import { useRef } from 'preact/hooks';
import { words } from '../languages/index.ts';
import { minuteOf, timeOf } from '../noise.ts';
import type { NoiseThreshold } from '../objects.ts';
import type { PlotPlaces } from './plot.ts';

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
export const ThresholdHandles = (props: Props) => (
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
