import { readFileSync } from 'node:fs';
import type { LoadedConfig } from '../config/loaded-config.ts';
import { ConfigError } from '../config/problems.ts';
import { type Clock, GatewayError } from '../contract/index.ts';
import type { AuditActor } from '../model/audit.ts';
import type { DeviceEdit, DeviceEntry, ReloadReport } from '../model/reload.ts';
import { changeConfigurationFile } from './configuration-file.ts';
import type { Reloader } from './reload.ts';

export interface ConfigurationChangesOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly reloader: Reloader;
  /** Judges a text as the file's. @throws ConfigError */
  readonly load: (text: string) => Promise<LoadedConfig>;
}

/** The configuration file of a running gateway, as it is told to change over HTTP. */
export class ConfigurationChanges {
  readonly #options: ConfigurationChangesOptions;
  #editor: typeof import('../config/device-edit.ts') | undefined;

  constructor(options: ConfigurationChangesOptions) {
    this.#options = options;
  }

  /** What is in effect, to be shown. */
  get current(): Reloader['current'] {
    return this.#options.reloader.current;
  }

  reload(by: AuditActor): Promise<ReloadReport> {
    return this.#options.reloader.reload(by);
  }

  /** Loads what reads and changes the file: hardly any gateway is ever asked to. */
  async ready(): Promise<void> {
    this.#editor ??= await import('../config/device-edit.ts');
  }

  /** The entries of the file as it is now, which need not be what runs. @throws GatewayError `invalid_input` */
  devices(): readonly DeviceEntry[] {
    const { file } = this.#options;
    try {
      return this.#ready.deviceEntries(file, readFileSync(file, 'utf8'));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new GatewayError('invalid_input', `${file} cannot be read: ${why}`, { cause: error });
    }
  }

  /**
   * Changes the file in place and takes it over. Where either fails, neither is done.
   * @throws GatewayError
   */
  async change(by: AuditActor, edit: DeviceEdit): Promise<ReloadReport> {
    const { file, clock, reloader, load } = this.#options;
    await this.ready();
    const { editDevices } = this.#ready;
    return reloader.reload(by, async () => {
      let config: LoadedConfig | undefined;
      const { before, after } = await changeConfigurationFile(file, clock, async (text) => {
        const edited = editDevices(file, text, edit);
        config = await load(edited).catch((error: unknown) => {
          throw asRefusal(error);
        });
        return edited;
      });
      if (config === undefined) throw new Error('the configuration was changed without having been judged');
      return {
        config,
        takeBack: () => changeConfigurationFile(file, clock, async (text) => putBack(text, after, before)),
      };
    });
  }

  get #ready() {
    if (this.#editor === undefined) throw new Error('the configuration was asked for before it was ready');
    return this.#editor;
  }
}

/** @throws GatewayError where somebody else has changed it since */
export function putBack(text: string, after: string, before: string): string {
  if (text === after) return before;
  throw new GatewayError('still_in_use', 'somebody changed the file meanwhile');
}

/** @returns the mistakes in words where the text with the change cannot be used */
export function asRefusal(error: unknown): unknown {
  if (!(error instanceof ConfigError)) return error;
  return new GatewayError(
    'invalid_input',
    `Nothing was changed: the configuration would have mistakes.\n${error.message}`,
    { cause: error },
  );
}
