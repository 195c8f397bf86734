import uPlot from 'uplot';
import { type Episode, holdsAt } from '../noise.ts';
import type { NoiseLevel, NoiseThreshold } from '../objects.ts';

const MINUTE_S = 60;
const DAY_S = 86_400;
export const PLOT_HEIGHT = 300;

interface Labels {
  readonly timeZone: string | undefined;
  readonly average: string;
  readonly highest: string;
}

export interface PlotData {
  readonly levels: readonly NoiseLevel[];
  readonly thresholds: readonly NoiseThreshold[];
  readonly episodes: readonly Episode[];
}

/** Where things are on the drawing, in CSS pixels from its corner, for what is laid over it. */
export interface PlotPlaces {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  yOf(decibels: number): number;
  decibelsAt(y: number): number;
  /** Of a minute of the day: each lies within the day that is shown once. */
  xOf(minute: number): number;
  minuteAt(x: number): number;
}

export interface Plot {
  show(data: PlotData): void;
  resize(width: number): void;
  destroy(): void;
}

/** Draws into a canvas; colours come from the page's own style. */
export function plot(
  into: HTMLElement,
  first: PlotData,
  { timeZone, average, highest }: Labels,
  onPlaces: (places: PlotPlaces) => void,
): Plot {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(name).trim();
  let data = first;
  const minuteOfDay = clockIn(timeZone);
  const hour = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', ...(timeZone && { timeZone }) });
  const axis = {
    stroke: color('--text-soft'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { stroke: color('--line') },
    font: `12px ${color('--font')}`,
  };
  const chart: uPlot = new uPlot(
    {
      width: into.clientWidth,
      height: PLOT_HEIGHT,
      ...(timeZone !== undefined && { tzDate: (at: number) => uPlot.tzDate(new Date(at * 1_000), timeZone) }),
      scales: {
        x: { range: (_chart, low, high) => [low, high] },
        y: {
          range: (_chart, low, high) => [
            Math.max(0, Math.floor(((low ?? 30) - 3) / 10) * 10),
            Math.ceil((Math.max(high ?? 70, ...data.thresholds.map((one) => one.noise_threshold_decibels)) + 4) / 10) *
              10,
          ],
        },
      },
      axes: [
        { ...axis, values: (_chart, at) => at.map((one) => hour.format(new Date(one * 1_000))) },
        { ...axis, size: 36, incrs: [5, 10, 20] },
      ],
      legend: { show: false },
      cursor: { show: false },
      series: [
        {},
        { label: average, stroke: color('--accent'), width: 2, spanGaps: false, points: { show: false } },
        {
          label: highest,
          stroke: color('--text-faint'),
          width: 1,
          spanGaps: false,
          points: { show: false },
        },
      ],
      hooks: {
        drawClear: [
          (drawn) => {
            within(drawn, () => {
              drawMissing(drawn, data.levels, color('--missing'));
              drawQuietHours(drawn, data.thresholds, color('--quiet'), minuteOfDay);
            });
          },
        ],
        draw: [
          (drawn) => {
            within(drawn, () => {
              drawEpisodes(drawn, data.episodes, color('--bad'));
              drawThresholds(drawn, data.thresholds, color('--bad'), minuteOfDay);
            });
            onPlaces(placesOf(drawn, minuteOfDay));
          },
        ],
      },
    },
    series(first.levels),
    into,
  );
  return {
    show(next) {
      const isSame = next.levels === data.levels;
      data = next;
      // The scale follows the thresholds as well.
      chart.setData(isSame ? (chart.data as uPlot.AlignedData) : series(next.levels));
    },
    resize: (width) => chart.setSize({ width, height: PLOT_HEIGHT }),
    destroy: () => chart.destroy(),
  };
}

/** The last day, minute by minute; what was not heard is null. */
function series(levels: readonly NoiseLevel[]): uPlot.AlignedData {
  const from = Math.floor(Date.now() / 1_000 / MINUTE_S) - DAY_S / MINUTE_S;
  const known = new Map(levels.map((one) => [Math.floor(Date.parse(one.starts_at) / 1_000 / MINUTE_S), one]));
  const minutes = Array.from({ length: DAY_S / MINUTE_S + 1 }, (_, n) => from + n);
  return [
    minutes.map((minute) => minute * MINUTE_S),
    minutes.map((minute) => known.get(minute)?.average_decibels ?? null),
    minutes.map((minute) => known.get(minute)?.highest_decibels ?? null),
  ];
}

/** @returns the minute of the day, in the zone, of seconds since the Unix epoch */
function clockIn(timeZone: string | undefined): (at: number) => number {
  const clock = new Intl.DateTimeFormat('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(timeZone && { timeZone }),
  });
  return (at) => {
    const [hours = 0, minutes = 0] = clock
      .format(new Date(at * 1_000))
      .split(':')
      .map(Number);
    return hours * 60 + minutes;
  };
}

function placesOf(chart: uPlot, minuteOfDay: (at: number) => number): PlotPlaces {
  const { left, top, width, height } = chart.over.getBoundingClientRect();
  const corner = chart.root.getBoundingClientRect();
  const { min = 0 } = chart.scales.x ?? {};
  const firstMinute = minuteOfDay(min);
  return {
    left: left - corner.left,
    top: top - corner.top,
    width,
    height,
    yOf: (decibels) => top - corner.top + chart.valToPos(decibels, 'y'),
    decibelsAt: (y) => chart.posToVal(y - (top - corner.top), 'y'),
    xOf: (minute) =>
      left - corner.left + chart.valToPos(min + ((minute - firstMinute + 1_440) % 1_440) * MINUTE_S, 'x'),
    minuteAt: (x) => (firstMinute + (chart.posToVal(x - (left - corner.left), 'x') - min) / MINUTE_S) % 1_440,
  };
}

function within({ ctx, bbox }: uPlot, draw: () => void): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  draw();
  ctx.restore();
}

/** Stretches between two minutes that were heard and lie further apart than one. */
function drawMissing(chart: uPlot, levels: readonly NoiseLevel[], color: string): void {
  const { ctx, bbox } = chart;
  const { min = 0, max = 0 } = chart.scales.x ?? {};
  const heard = levels.map(({ starts_at }) => Date.parse(starts_at) / 1_000).filter((at) => at >= min);
  ctx.strokeStyle = color;
  ctx.lineWidth = 1;
  let last = min;
  for (const at of [...heard, max]) {
    if (at - last > 2 * MINUTE_S) {
      const left = chart.valToPos(last, 'x', true);
      const right = chart.valToPos(at, 'x', true);
      ctx.save();
      ctx.beginPath();
      ctx.rect(left, bbox.top, right - left, bbox.height);
      ctx.clip();
      ctx.beginPath();
      for (let x = left - bbox.height; x < right; x += 10) {
        ctx.moveTo(x, bbox.top + bbox.height);
        ctx.lineTo(x + bbox.height, bbox.top);
      }
      ctx.stroke();
      ctx.restore();
    }
    last = at;
  }
}

/** Runs through the parts of the day in which a threshold holds. */
function spans(
  chart: uPlot,
  threshold: NoiseThreshold,
  minuteOfDay: (at: number) => number,
  draw: (left: number, width: number) => void,
): void {
  const { min = 0, max = 0 } = chart.scales.x ?? {};
  const step = 5 * MINUTE_S;
  let begun: number | undefined;
  for (let at = Math.ceil(min / step) * step; at <= max + step; at += step) {
    const holds = at <= max && holdsAt(threshold, minuteOfDay(at));
    if (holds) begun ??= Math.max(min, at);
    else if (begun !== undefined) {
      const left = chart.valToPos(begun, 'x', true);
      draw(left, chart.valToPos(Math.min(max, at), 'x', true) - left);
      begun = undefined;
    }
  }
}

function drawQuietHours(
  chart: uPlot,
  thresholds: readonly NoiseThreshold[],
  color: string,
  minuteOfDay: (at: number) => number,
): void {
  const { ctx, bbox } = chart;
  ctx.fillStyle = color;
  for (const threshold of thresholds)
    spans(chart, threshold, minuteOfDay, (left, width) => ctx.fillRect(left, bbox.top, width, bbox.height));
}

/** What lies above a threshold tinted, within its hours, and its line. */
function drawThresholds(
  chart: uPlot,
  thresholds: readonly NoiseThreshold[],
  color: string,
  minuteOfDay: (at: number) => number,
): void {
  const { ctx } = chart;
  ctx.strokeStyle = color;
  ctx.lineWidth = 2 * devicePixelRatio;
  for (const threshold of thresholds) {
    const y = chart.valToPos(threshold.noise_threshold_decibels, 'y', true);
    spans(chart, threshold, minuteOfDay, (left, width) => {
      ctx.beginPath();
      ctx.moveTo(left, y);
      ctx.lineTo(left + width, y);
      ctx.stroke();
    });
  }
}

/** Each as a bar along the top, and what it covers tinted. */
function drawEpisodes(chart: uPlot, episodes: readonly Episode[], color: string): void {
  const { ctx, bbox } = chart;
  ctx.fillStyle = color;
  for (const { from, until } of episodes) {
    const left = chart.valToPos(from / 1_000, 'x', true);
    const right = chart.valToPos((until ?? Date.now()) / 1_000, 'x', true);
    const width = Math.max(3 * devicePixelRatio, right - left);
    ctx.globalAlpha = 0.16;
    ctx.fillRect(left, bbox.top, width, bbox.height);
    ctx.globalAlpha = 1;
    ctx.fillRect(left, bbox.top, width, 5 * devicePixelRatio);
  }
}
