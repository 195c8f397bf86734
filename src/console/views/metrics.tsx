import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ApiError, problemOf, sessionHeaders } from '../api.ts';
import { language, words } from '../languages/index.ts';
import { rate, readMetrics, type Sample, total } from '../metrics.ts';
import { Failure, Loading, Stale } from '../parts/states.tsx';
import { isPassing } from '../questions.ts';
import { samples } from '../state.ts';

const EVERY_MS = 5_000;
/** Ten minutes. */
const KEPT = 120;

async function ask(): Promise<Sample> {
  const response = await fetch('/metrics', { headers: sessionHeaders, cache: 'no-store' }).catch(() => undefined);
  if (response === undefined) throw new ApiError('unreachable', 0, '');
  if (response.ok) return readMetrics(await response.text(), Date.now());
  const answer = (await response.json().catch(() => undefined)) as
    | { error?: { type: string; message: string } }
    | undefined;
  throw new ApiError(answer?.error?.type ?? 'unreachable', response.status, answer?.error?.message ?? '');
}

/** Counted while somebody looks: a gateway at which nobody looks is asked nothing. */
export function MetricsView() {
  const failed = useSignal<ApiError | undefined>(undefined);
  useEffect(() => {
    let timer: number | undefined;
    let isGone = false;
    const next = async () => {
      try {
        const sample = await ask();
        if (!isGone) samples.value = [...samples.value, sample].slice(-KEPT);
        failed.value = undefined;
      } catch (error) {
        failed.value = problemOf(error);
      }
      if (!isGone) timer = window.setTimeout(next, EVERY_MS);
    };
    void next();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, []);
  const last = samples.value.at(-1);
  if (failed.value !== undefined && (last === undefined || !isPassing(failed.value)))
    return <Failure error={failed.value} />;
  if (last === undefined) return <Loading rows={6} />;
  return (
    <>
      {failed.value !== undefined && <Stale asOf={last.at} error={failed.value} />}
      <Charts last={last} />
    </>
  );
}

function Charts({ last }: { readonly last: Sample }) {
  const { metrics: text } = words();
  const number = (digits: number) => (value: number) =>
    new Intl.NumberFormat(language.value, { maximumFractionDigits: digits }).format(value);
  const bytes = (value: number) =>
    value < 10 * 1_073_741_824 ? `${number(0)(value / 1_048_576)} MiB` : `${number(0)(value / 1_073_741_824)} GiB`;
  const gauge = (name: string, labels?: RegExp) => samples.value.map((one) => total(one, name, labels));
  const speed = (name: string, labels?: RegExp, times = 1) =>
    samples.value.map((one, index) => {
      const before = samples.value[index - 1];
      const found = before && rate(before, one, name, labels);
      return found === undefined ? undefined : found * times;
    });
  const free = total(last, 'strikeplate_disk_free_bytes');
  const store = total(last, 'strikeplate_store_bytes');
  return (
    <div class="charts">
      <Small title={text.pending} values={gauge('strikeplate_attempts_pending')} show={number(0)} />
      <Small
        title={text.succeeded}
        values={speed('strikeplate_attempts_total', /outcome="success"/, 60).map((one) => one ?? 0)}
        show={number(1)}
        note={text.sinceStart(number(0)(total(last, 'strikeplate_attempts_total', /outcome="success"/) ?? 0))}
      />
      <Small
        title={text.failed}
        values={speed('strikeplate_attempts_total', /outcome="(?!success)/, 60).map((one) => one ?? 0)}
        show={number(1)}
        note={text.sinceStart(number(0)(total(last, 'strikeplate_attempts_total', /outcome="(?!success)/) ?? 0))}
      />
      <Small title={text.webhooks} values={gauge('strikeplate_webhook_queue')} show={number(0)} />
      <Small
        title={text.lag}
        values={gauge('strikeplate_event_loop_lag_seconds', /quantile="0.99"/).map((one) => one && one * 1_000)}
        show={(value) => `${number(1)(value)} ms`}
      />
      <Small
        title={text.cpu}
        values={speed('process_cpu_seconds_total', undefined, 100)}
        show={(value) => `${number(1)(value)} %`}
      />
      <Small title={text.memory} values={gauge('process_resident_memory_bytes')} show={bytes} />
      <Small title={text.syncs} values={speed('strikeplate_store_syncs_total')} show={number(1)} />
      <Small
        title={text.store}
        values={gauge('strikeplate_store_bytes')}
        show={bytes}
        {...(free !== undefined && store !== undefined && { note: text.free(bytes(free)) })}
      />
      <Small title={text.limited} values={speed('strikeplate_limited_total', undefined, 60)} show={number(1)} />
      <Small
        title={text.refusedKeys}
        values={speed('strikeplate_api_keys_refused_total', undefined, 60)}
        show={number(1)}
      />
    </div>
  );
}

const WIDTH = 120;
const HEIGHT = 32;

/** One figure, and its last ten minutes. */
function Small({
  title,
  values,
  show,
  note,
}: {
  readonly title: string;
  readonly values: readonly (number | undefined)[];
  readonly show: (value: number) => string;
  readonly note?: string;
}) {
  const known = values.filter((one) => one !== undefined);
  const now = values.at(-1);
  const highest = Math.max(...known, 1e-9);
  const lowest = Math.min(...known, highest);
  // What hardly moves is drawn as hardly moving.
  const floor = lowest > highest * 0.5 ? lowest * 0.9 : 0;
  const x = (index: number) => WIDTH - (values.length - 1 - index) * (WIDTH / Math.max(values.length - 1, 11));
  const y = (value: number) => HEIGHT - 2 - ((value - floor) / Math.max(highest - floor, 1e-9)) * (HEIGHT - 6);
  const path = values
    .map((value, index) =>
      value === undefined
        ? ''
        : `${values[index - 1] === undefined ? 'M' : 'L'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`,
    )
    .join('');
  return (
    <figure class="card small-chart">
      <figcaption>{title}</figcaption>
      <strong>{now === undefined ? '–' : show(now)}</strong>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path d={path} />
      </svg>
      <small>{note ?? (known.length > 1 ? words().metrics.highest(show(highest)) : ' ')}</small>
    </figure>
  );
}
