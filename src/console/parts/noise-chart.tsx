import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { language, words } from '../languages/index.ts';
import type { NoiseLevel, NoiseThreshold } from '../objects.ts';
import { clockTime, zone } from '../time.ts';

/** A day's levels with the thresholds drawn in at their hours; minutes without a sample stay empty. */
export function NoiseChart({
  name,
  levels,
  thresholds,
}: {
  readonly name: string;
  readonly levels: readonly NoiseLevel[];
  readonly thresholds: readonly NoiseThreshold[];
}) {
  const { noise } = words();
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const into = holder.current;
    if (into === null) return;
    let chart: uPlot | undefined;
    let isGone = false;
    // Loaded when a chart is looked at: the first page does without it.
    void import('./plot.ts').then(({ plot }) => {
      if (!isGone)
        chart = plot(into, levels, thresholds, { timeZone: zone(), average: noise.average, highest: noise.highest });
    });
    const resize = () => chart?.setSize({ width: into.clientWidth, height: 260 });
    const observer = new ResizeObserver(resize);
    observer.observe(into);
    return () => {
      isGone = true;
      observer.disconnect();
      chart?.destroy();
    };
  }, [levels, thresholds, language.value]);
  return (
    <figure class="chart">
      <div ref={holder} class="plot" role="img" aria-label={noise.chart(name)} />
      <figcaption>{noise.missing}</figcaption>
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
