/** A stretch of true time, in milliseconds since the Unix epoch. */
export type Stretch = readonly [from: number, until: number];

/** What is left of a stretch without the parts. */
export function without(whole: Stretch, parts: readonly Stretch[]): Stretch[] {
  let rest: Stretch[] = [whole];
  for (const [from, until] of parts) {
    rest = rest.flatMap(([a, b]): Stretch[] => [
      [a, Math.min(b, from)],
      [Math.max(a, until), b],
    ]);
    rest = rest.filter(([a, b]) => b > a);
  }
  return rest;
}

export const longest = (stretches: readonly Stretch[]): number =>
  stretches.reduce((most, [from, until]) => Math.max(most, until - from), 0);

export const covers = ([from, until]: Stretch, at: number): boolean => at >= from && at < until;
