import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ApiError, call, problemOf, sessionHeaders } from '../api.ts';
import { language, words } from '../languages/index.ts';
import { rate, readMetrics, type Sample, total } from '../metrics.ts';
import { ConfirmButton } from '../parts/confirm-button.tsx';
import { Failure, Loading, Shown, Stale } from '../parts/states.tsx';
import { useAction } from '../parts/use-action.ts';
import { useCall } from '../parts/use-list.ts';
import { isPassing } from '../questions.ts';
import { samples } from '../state.ts';

interface Configuration {
  readonly file: string;
  readonly config_sha256: string;
  readonly sections: Readonly<Record<string, unknown>>;
}

interface Reload {
  readonly devices: {
    readonly added: readonly string[];
    readonly removed: readonly string[];
    readonly changed: readonly string[];
  };
  readonly links: readonly string[];
  readonly needs_restart: readonly string[];
}

/** What is in effect, with all defaults; secrets stand in files of their own, and what looks like one is hidden. */
export function ConfigurationView() {
  const { box: text } = words();
  const { state, again } = useCall<{ configuration: Configuration }>('/strikeplate/configuration/get', {}, []);
  const { failed, run } = useAction();
  const report = useSignal<Reload | undefined>(undefined);
  const reload = () =>
    run(async () => {
      report.value = (await call<{ reload: Reload }>('/strikeplate/configuration/reload')).reload;
      again();
    });
  return (
    <Shown of={state.value} again={again} rows={8}>
      {({ configuration }) => (
        <>
          <div class="toolbar">
            <code>{configuration.file}</code>
            <small title={configuration.config_sha256}>SHA-256 {configuration.config_sha256.slice(0, 12)}…</small>
            <ConfirmButton kind="small" label={text.reload} again={text.reloadAgain} onConfirm={reload} />
          </div>
          {failed.value !== undefined && <Failure error={failed.value} />}
          {report.value !== undefined && <Report report={report.value} />}
          {Object.entries(configuration.sections)
            .filter(([, value]) => value !== undefined && !isEmpty(value))
            .map(([name, value]) => (
              <details key={name} class="new" open={name === 'gateway' || name === 'http'}>
                <summary>{name}</summary>
                <pre>{inYaml(value)}</pre>
              </details>
            ))}
        </>
      )}
    </Shown>
  );
}

function Report({ report: { devices, links, needs_restart } }: { readonly report: Reload }) {
  const { box: text } = words();
  const changed = [...devices.added, ...devices.removed, ...devices.changed, ...links];
  return (
    <p class="quiet-note" role="status">
      {changed.length === 0 ? text.nothingChanged : text.changed(changed.join(', '))}
      {needs_restart.length > 0 && ` ${text.needsRestart(needs_restart.join(', '))}`}
    </p>
  );
}

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/** As it would stand in the file. */
function inYaml(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) return scalar(value);
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    if (value.every((one) => typeof one !== 'object')) return `[${value.map(scalar).join(', ')}]`;
    return value.map((one) => `${indent}- ${inYaml(one, `${indent}  `).trimStart()}`).join('\n');
  }
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  if (entries.length === 0) return '{}';
  return entries
    .map(([name, one]) => {
      const isNested = typeof one === 'object' && one !== null && !isEmpty(one) && !isShort(one);
      return `${indent}${name}: ${isNested ? `\n${inYaml(one, `${indent}  `)}` : inYaml(one)}`;
    })
    .join('\n');
}

const isShort = (value: object): boolean => Array.isArray(value) && value.every((one) => typeof one !== 'object');

const scalar = (value: unknown): string =>
  typeof value === 'string' && !/^[A-Za-z/][\w./ -]*$/.test(value) ? JSON.stringify(value) : String(value);

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
