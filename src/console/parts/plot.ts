import uPlot from 'uplot';
import type { NoiseLevel, NoiseThreshold } from '../objects.ts';

const MINUTE_S = 60;

interface Labels {
  readonly timeZone: string | undefined;
  readonly average: string;
  readonly highest: string;
}

/** Draws into a canvas; colours come from the page's own style. */
export function plot(
  into: HTMLElement,
  levels: readonly NoiseLevel[],
  thresholds: readonly NoiseThreshold[],
  { timeZone, average, highest }: Labels,
): uPlot {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const now = Math.floor(Date.now() / 1_000);
  const from = now - 86_400;
  const known = new Map(levels.map((one) => [Math.floor(Date.parse(one.starts_at) / 1_000 / MINUTE_S), one]));
  const minutes = Array.from({ length: 1_441 }, (_, n) => Math.floor(from / MINUTE_S) + n);
  const hour = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', ...(timeZone && { timeZone }) });
  const axis = {
    stroke: color('--text-soft'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { stroke: color('--line') },
    font: `12px ${color('--font')}`,
  };
  return new uPlot(
    {
      width: into.clientWidth,
      height: 260,
      ...(timeZone !== undefined && { tzDate: (at: number) => uPlot.tzDate(new Date(at * 1_000), timeZone) }),
      scales: {
        y: {
          range: (_chart, low, high) => [
            Math.max(0, Math.floor((low ?? 30) / 10) * 10),
            Math.ceil(Math.max(high ?? 70, ...thresholds.map((one) => one.noise_threshold_decibels)) / 10) * 10 + 5,
          ],
        },
      },
      axes: [
        { ...axis, values: (_chart, at) => at.map((one) => hour.format(new Date(one * 1_000))) },
        { ...axis, size: 36, incrs: [5, 10, 20] },
      ],
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      series: [
        {},
        { label: average, stroke: color('--accent'), width: 2, spanGaps: false, points: { show: false } },
        {
          label: highest,
          stroke: color('--text-soft'),
          width: 1,
          dash: [3, 3],
          spanGaps: false,
          points: { show: false },
        },
      ],
      hooks: { draw: [(chart) => drawThresholds(chart, thresholds, color('--bad'), timeZone)] },
    },
    [
      minutes.map((minute) => minute * MINUTE_S),
      minutes.map((minute) => known.get(minute)?.average_decibels ?? null),
      minutes.map((minute) => known.get(minute)?.highest_decibels ?? null),
    ],
    into,
  );
}

/** Each threshold as a line over the hours in which it holds, and what lies above it tinted. */
function drawThresholds(
  chart: uPlot,
  thresholds: readonly NoiseThreshold[],
  color: string,
  timeZone: string | undefined,
): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  const { min = 0, max = 0 } = chart.scales.x ?? {};
  const clock = new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(timeZone && { timeZone }),
  });
  for (const threshold of thresholds) {
    const y = chart.valToPos(threshold.noise_threshold_decibels, 'y', true);
    const begins = threshold.starts_daily_at.slice(0, 5);
    const ends = threshold.ends_daily_at.slice(0, 5);
    const holds = (at: number) => {
      const time = clock.format(new Date(at * 1_000));
      return begins <= ends ? time >= begins && time < ends : time >= begins || time < ends;
    };
    for (let at = min; at < max; at += 600) {
      if (!holds(at)) continue;
      const left = chart.valToPos(at, 'x', true);
      const width = chart.valToPos(Math.min(max, at + 600), 'x', true) - left + 1;
      ctx.globalAlpha = 0.08;
      ctx.fillStyle = color;
      ctx.fillRect(left, bbox.top, width, y - bbox.top);
      ctx.globalAlpha = 1;
      ctx.fillRect(left, y, width, 2);
    }
  }
  ctx.restore();
}
