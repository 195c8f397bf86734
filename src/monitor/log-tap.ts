import type { Unsubscribe } from '../contract/index.ts';

/** pino's number for `warn`: https://github.com/pinojs/pino/blob/main/docs/api.md#levels */
const WARN = 40;
/** Of lines that come faster, this many are kept for the next tick; a guess. */
const AT_MOST = 100;

/**
 * A second destination of the gateway's log, through which the monitor hears its warnings and errors. It stands before
 * the monitor does, so it keeps the first lines until somebody listens.
 */
export class LogTap {
  readonly #early: string[] = [];
  #listener: ((line: string) => void) | undefined;

  /** For pino's multistream, at level `warn`. */
  readonly stream = {
    write: (line: string): void => {
      if (levelOf(line) < WARN) return;
      if (this.#listener) this.#listener(line);
      else if (this.#early.length < AT_MOST) this.#early.push(line);
    },
  };

  listen(listener: (line: string) => void): Unsubscribe {
    this.#listener = listener;
    for (const line of this.#early.splice(0)) listener(line);
    return () => {
      if (this.#listener === listener) this.#listener = undefined;
    };
  }
}

/** pino writes the level first; a line without one is let through and judged when it is read. */
function levelOf(line: string): number {
  const found = /^\{"level":(\d+)/.exec(line);
  return found ? Number(found[1]) : WARN;
}
