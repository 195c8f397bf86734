/** What is counted at a moment: by name and labels, as `/metrics` writes them. */
export interface Sample {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly values: ReadonlyMap<string, number>;
}

/** Reads the Prometheus text format as far as it has plain samples. */
export function readMetrics(text: string, at: number): Sample {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const found = /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/i.exec(line);
    const value = Number(found?.[2]);
    if (found?.[1] !== undefined && !Number.isNaN(value)) values.set(found[1], value);
  }
  return { at, values };
}

/** The sum of all samples of a name, of those whose labels fit. */
export function total({ values }: Sample, name: string, labels?: RegExp): number | undefined {
  let sum: number | undefined;
  for (const [key, value] of values) {
    if (key !== name && !key.startsWith(`${name}{`)) continue;
    if (labels !== undefined && !labels.test(key)) continue;
    sum = (sum ?? 0) + value;
  }
  return sum;
}

/** How fast something that is counted grew between two samples, a second. */
export function rate(before: Sample, after: Sample, name: string, labels?: RegExp): number | undefined {
  const from = total(before, name, labels);
  const to = total(after, name, labels);
  if (from === undefined || to === undefined || after.at <= before.at || to < from) return undefined;
  return ((to - from) * 1_000) / (after.at - before.at);
}
