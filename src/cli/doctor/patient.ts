import type { GatewayTarget } from '../../config/load.ts';
import type { LoadedConfig } from '../../config/loaded-config.ts';
import type { ConfigProblem } from '../../config/problems.ts';

/** A gateway that is looked at: its configuration, or what is wrong with it and what can be read all the same. */
export interface Patient {
  /** Absolute. */
  readonly configFile: string;
  readonly config: LoadedConfig | undefined;
  readonly problems: readonly ConfigProblem[];
  /** Undefined when not even that can be read. */
  readonly target: GatewayTarget | undefined;
  /** Whom the state belongs to, and who runs the service: a name, or a number where it has none. */
  readonly user: string;
  readonly uid: number;
  /** Of this program. */
  readonly version: string;
}
