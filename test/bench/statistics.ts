/** The value below which the share lies; `sorted` ascending. NaN of nothing. */
export const percentile = (sorted: readonly number[], share: number): number =>
  sorted.length === 0 ? Number.NaN : (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);

export const median = (values: readonly number[]): number =>
  percentile(
    values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b),
    0.5,
  );
