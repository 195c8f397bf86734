import type { Column } from './columns.ts';
import { rowSum } from './row-sum.mjs';
import type { Row } from './sqlite-rows.ts';

/** Tells whether a row is as it was written. Every row has its sums: one that has none was damaged. */
export type IsWhole = (row: Row) => boolean;

const fits = (sum: Column | undefined, columns: readonly Column[]): boolean => sum === rowSum(columns);

/** The sum is the last column, over all before it. */
export const wholeBySum: IsWhole = (row) => fits(row.at(-1), row.slice(0, -1));

/** Columns that an attempt keeps, and those that change; see {@link attemptSums}. */
const kept = 7;

/** An attempt's two sums: of what it is, and of what became of it. */
export function attemptSums(columns: readonly unknown[]): readonly [sum: number, stateSum: number] {
  const state = {
    intent: columns[kept],
    settledAt: columns[kept + 1],
    result: columns[kept + 2],
    error: columns[kept + 3],
    history: columns[kept + 4],
  };
  return [rowSum(columns, kept), stateSum(state)];
}

/** Whether a command may have left matters while an attempt is pending, and is not known where it is settled. */
export const stateSum = (state: {
  readonly intent: unknown;
  readonly settledAt: unknown;
  readonly result: unknown;
  readonly error: unknown;
  readonly history: unknown;
}): number => {
  const { intent, settledAt, result, error, history } = state;
  return rowSum([settledAt === null ? intent : 'settled', settledAt, result, error, history]);
};

/** Both sums are the last columns. */
export const wholeAttempt: IsWhole = (row) => {
  const [sum, state] = attemptSums(row.slice(0, -2));
  const [keptSum, keptState] = row.slice(-2);
  return keptSum === sum && keptState === state;
};

/** How far it got has a sum of its own: `..., after_seq, sum, progress_sum`. */
export const wholeWebhook: IsWhole = (row) => {
  const afterSeq = row.at(-3) ?? null;
  return fits(row.at(-2), row.slice(0, -3)) && fits(row.at(-1), [afterSeq]);
};
