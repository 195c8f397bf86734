/**
 * A signal that aborts with the first of several. Unlike `AbortSignal.any` it lets go of them: one of these may live as
 * long as the process.
 */
export function joinSignals(signals: readonly AbortSignal[]): {
  readonly signal: AbortSignal;
  /** Stops following; what aborted stays so. */
  release(): void;
} {
  const controller = new AbortController();
  const followed = signals.map((signal) => {
    const follow = () => controller.abort(signal.reason);
    if (signal.aborted) follow();
    else signal.addEventListener('abort', follow, { once: true });
    return () => signal.removeEventListener('abort', follow);
  });
  return {
    signal: controller.signal,
    release: () => {
      for (const letGo of followed) letGo();
    },
  };
}

/** Runs `work` under a signal that aborts with the first of several, and lets go of them when it is over. */
export async function underSignals<T>(
  signals: readonly AbortSignal[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { signal, release } = joinSignals(signals);
  try {
    return await work(signal);
  } finally {
    release();
  }
}
