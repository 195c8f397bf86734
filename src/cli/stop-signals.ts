import { constants } from 'node:os';

/** The wish of whoever runs the program that it ends. */
export interface Stop {
  /** Resolves with the signal's name at the first one. */
  readonly requested: Promise<string>;
}

/**
 * Takes SIGTERM and SIGINT: the first asks for an orderly end, a second one of either ends the process at once, with
 * the shell's code for a process that a signal ended.
 */
export function onStopSignals(process: NodeJS.Process): Stop {
  let asked = false;
  return {
    requested: new Promise((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const)
        process.on(signal, () => {
          if (asked) process.exit(128 + constants.signals[signal]);
          asked = true;
          resolve(signal);
        });
    }),
  };
}
