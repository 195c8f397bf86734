import type { DeviceConfig } from '../config/loaded-config.ts';
import type { PlayedDevice } from '../model/sandbox.ts';

/** A device as it is configured: enough to tell whether a simulated one is meant. */
export type ConfiguredDevice = Pick<DeviceConfig, 'link' | 'settings'> & {
  readonly driver: Pick<DeviceConfig['driver'], 'id'>;
};

/** What can be done to the device that is configured so; undefined when it is another one. */
export type Player = (device: ConfiguredDevice) => PlayedDevice | undefined;

/** Everything that the simulation plays in this process. */
export class PlayedDevices {
  readonly #players = new Set<Player>();

  /** @returns takes them back */
  add(players: readonly Player[]): () => void {
    for (const player of players) this.#players.add(player);
    return () => {
      for (const player of players) this.#players.delete(player);
    };
  }

  find(device: ConfiguredDevice | undefined): PlayedDevice | undefined {
    if (device === undefined) return undefined;
    for (const player of this.#players) {
      const played = player(device);
      if (played) return played;
    }
    return undefined;
  }
}
