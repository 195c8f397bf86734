import { beforeEach, describe, it } from 'vitest';

/** What a suite is written with: vitest's own, or one that only collects. */
export interface Runner {
  readonly describe: (title: string, body: () => void) => void;
  readonly it: typeof it;
  readonly beforeEach: (before: () => Promise<void>) => void;
}

export const vitestRunner: Runner = { describe, it, beforeEach };

/** One check of a suite, to be run by itself. */
export interface Check {
  readonly name: string;
  /** @throws what the check found */
  run(): Promise<void>;
}

const SKIPPED = Symbol('skipped');
const skip = (): never => {
  throw SKIPPED;
};

/** The checks of suites, not run yet: whoever plants a defect runs them and looks which find it. */
export function collectChecks(register: (runner: Runner) => void): readonly Check[] {
  const checks: Check[] = [];
  const titles: string[] = [];
  const befores: (() => Promise<void>)[] = [];
  type Body = (...args: unknown[]) => unknown;
  const add = (title: string, body: Body, args: readonly unknown[]) => {
    const mine = [...befores];
    checks.push({
      name: [...titles, title].join(' > '),
      async run() {
        try {
          for (const before of mine) await before();
          await body(...args, { skip });
        } catch (error) {
          if (error !== SKIPPED) throw error;
        }
      },
    });
  };
  const many = (isSpread: boolean) => (cases: readonly unknown[]) => (title: string, body: Body) => {
    for (const one of cases) {
      const args = isSpread && Array.isArray(one) ? one : [one];
      add(title.replace('%s', String(Array.isArray(one) ? one[0] : one)), body, args);
    }
  };
  const one = (title: string, body: Body) => add(title, body, []);
  register({
    it: Object.assign(one, { each: many(true), for: many(false) }) as unknown as typeof it,
    beforeEach: (before) => void befores.push(before),
    describe: (title, body) => {
      titles.push(title);
      const depth = befores.length;
      body();
      befores.length = depth;
      titles.pop();
    },
  });
  return checks;
}
