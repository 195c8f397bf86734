import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { language, words } from '../languages/index.ts';
import type { Episode } from '../noise.ts';
import type { NoiseLevel, NoiseThreshold } from '../objects.ts';
import { clockTime, zone } from '../time.ts';
import type { Plot, PlotPlaces } from './plot.ts';
import { ThresholdHandles } from './threshold-handles.tsx';

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
