import type { Logger } from 'pino';
import { z } from 'zod';
import type { Clock, Timer } from '../contract/index.ts';
import type { NoiseThresholdRecord } from '../model/records.ts';
import type { Change, Store } from '../model/store.ts';

/** An episode as it is kept over a restart. Times are milliseconds since the Unix epoch, levels dB. */
const keptEpisode = z.object({ since: z.number(), lastKnown: z.number(), level: z.number(), peak: z.number() });

export type KeptEpisode = z.output<typeof keptEpisode>;

/** How soon an episode that found no room on disk is written again, in milliseconds (a guess). */
const writeAgainMs = 5_000;

/** What of an episode goes to disk, and when: with its events, so that no restart tells one twice. */
export class EpisodeKeeper {
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #log: Logger;
  /** The first one is on its way. */
  readonly #waiting: (readonly Change[])[] = [];
  #again: Timer | undefined;

  constructor({ clock, store, log }: { readonly clock: Clock; readonly store: Store; readonly log: Logger }) {
    this.#clock = clock;
    this.#store = store;
    this.#log = log;
  }

  /** The episode that an earlier run left under way. */
  left({ noiseThresholdId }: NoiseThresholdRecord): KeptEpisode | undefined {
    const text = this.#store.read.fact(nameOf(noiseThresholdId));
    return text === undefined ? undefined : keptEpisode.parse(JSON.parse(text));
  }

  /** @param also committed together with it: the event that tells of its beginning */
  began(threshold: NoiseThresholdRecord, episode: KeptEpisode, also: readonly Change[]): void {
    this.#write([put(threshold, episode), ...also]);
  }

  /** It is still on: how loud it was, and until when it was surely heard. Losing one of these does no harm. */
  goesOn(threshold: NoiseThresholdRecord, episode: KeptEpisode): void {
    if (this.#waiting.length === 0) this.#write([put(threshold, episode)]);
  }

  ended({ noiseThresholdId }: NoiseThresholdRecord, also: readonly Change[]): void {
    this.#write([{ kind: 'fact_removed', name: nameOf(noiseThresholdId) }, ...also]);
  }

  close(): void {
    this.#again?.cancel();
  }

  /** In order, whatever the disk does meanwhile. */
  #write(changes: readonly Change[]): void {
    this.#waiting.push(changes);
    if (this.#waiting.length === 1) void this.#writeFirst();
  }

  async #writeFirst(): Promise<void> {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      try {
        await this.#store.commit(next);
        this.#waiting.shift();
      } catch (error) {
        this.#log.warn({ err: error }, 'a noise episode could not be written; trying again');
        this.#again = this.#clock.setTimer(() => void this.#writeFirst(), writeAgainMs);
        return;
      }
    }
  }
}

const nameOf = (noiseThresholdId: string): string => `noise_episode:${noiseThresholdId}`;

const put = ({ noiseThresholdId }: NoiseThresholdRecord, { since, lastKnown, level, peak }: KeptEpisode): Change => ({
  kind: 'fact_put',
  name: nameOf(noiseThresholdId),
  value: JSON.stringify({ since, lastKnown, level, peak }),
});
