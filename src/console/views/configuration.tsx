import { useSignal } from '@preact/signals';
import { call } from '../api.ts';
import { words } from '../languages/index.ts';
import { ConfirmButton } from '../parts/confirm-button.tsx';
import { Failure, Shown } from '../parts/states.tsx';
import { useAction } from '../parts/use-action.ts';
import { useCall } from '../parts/use-list.ts';

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
