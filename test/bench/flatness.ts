import { median } from './statistics.ts';

/** One figure over a soak, and how much of it may be more at the end than it was once everything had been used. */
export interface Course {
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
  /** In the figure's own unit. */
  readonly mayGrow: number;
}

export interface Verdict {
  readonly name: string;
  readonly unit: string;
  /** Medians of the second quarter and of the last one: the first is for warming up. */
  readonly early: number;
  readonly late: number;
  readonly flat: boolean;
}

/** Whether a figure stayed where it was, of enough samples that each quarter has one. */
export function judgeCourse({ name, unit, values, mayGrow }: Course): Verdict {
  const quarter = Math.max(1, Math.floor(values.length / 4));
  const early = median(values.slice(quarter, 2 * quarter));
  const late = median(values.slice(-quarter));
  return { name, unit, early, late, flat: late - early <= mayGrow };
}
