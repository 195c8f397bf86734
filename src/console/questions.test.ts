import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from './api.ts';
import { AGAIN_MS, type Loaded, Questions } from './questions.ts';

const away = new ApiError('unreachable', 0, '');

/** Questions whose answers come when and as the test says. */
class Asked {
  readonly told: Loaded<string>[] = [];
  readonly open: {
    readonly answer: (value: string) => Promise<void>;
    readonly fail: (error?: ApiError) => Promise<void>;
  }[] = [];
  readonly hungUp: AbortSignal[] = [];
  now = 1_000;
  readonly questions = new Questions<string>(
    (state) => this.told.push(state),
    () => this.now,
  );

  ask(question = 'all'): void {
    this.questions.ask(question, (signal) => {
      this.hungUp.push(signal);
      return new Promise((resolve, reject) => {
        const settled = async (settle: () => void) => {
          settle();
          await Promise.resolve();
          await Promise.resolve();
        };
        this.open.push({
          answer: (value) => settled(() => resolve(value)),
          fail: (error = away) => settled(() => reject(error)),
        });
      });
    });
  }

  get last(): Loaded<string> | undefined {
    return this.told.at(-1);
  }
}

describe('a question of the console, asked again and again', () => {
  let asked: Asked;
  beforeEach(() => {
    vi.useFakeTimers();
    asked = new Asked();
  });
  afterEach(() => {
    asked.questions.close();
    vi.useRealTimers();
  });

  it('shows no older answer after a newer one, whichever comes first', async () => {
    asked.ask();
    asked.ask();
    await asked.open[1]?.answer('newer');
    await asked.open[0]?.answer('older');
    expect(asked.last).toMatchObject({ status: 'ready', value: 'newer' });
  });

  it('shows an older answer while the newer one hangs: a stream of events is no reason to show nothing', async () => {
    asked.ask();
    asked.ask();
    await asked.open[0]?.answer('older');
    expect(asked.last).toMatchObject({ status: 'ready', value: 'older' });
    await asked.open[1]?.answer('newer');
    expect(asked.last).toMatchObject({ status: 'ready', value: 'newer' });
  });

  it('has two under way at most, and asks once more for all that came meanwhile', async () => {
    for (let burst = 0; burst < 20; burst += 1) asked.ask();
    expect(asked.open).toHaveLength(2);
    await asked.open[0]?.answer('first');
    expect(asked.open).toHaveLength(3);
    await asked.open[1]?.answer('second');
    await asked.open[2]?.answer('third');
    expect(asked.open).toHaveLength(3);
    expect(asked.last).toMatchObject({ status: 'ready', value: 'third' });
  });

  it.each([
    ['not reached', away],
    ['asked too much', new ApiError('rate_limit_exceeded', 429, 'Wait.')],
    ['broken', new ApiError('internal_error', 500, '')],
    ['without a disk', new ApiError('storage_unavailable', 503, '')],
  ])(
    'keeps what was known while the gateway is %s, says from when it is, and asks again by itself',
    async (_, error) => {
      asked.ask();
      await asked.open[0]?.answer('known');
      asked.now = 9_000;
      asked.ask();
      await asked.open[1]?.fail(error);
      expect(asked.last).toEqual({ status: 'ready', value: 'known', asOf: 1_000, failed: error });
      vi.advanceTimersByTime(AGAIN_MS);
      await asked.open[2]?.fail(error);
      expect(asked.last).toMatchObject({ value: 'known', asOf: 1_000, failed: error });
      vi.advanceTimersByTime(AGAIN_MS);
      await asked.open[3]?.answer('new');
      expect(asked.last).toEqual({ status: 'ready', value: 'new', asOf: 9_000 });
      vi.advanceTimersByTime(AGAIN_MS * 3);
      expect(asked.open).toHaveLength(4);
    },
  );

  it.each([400, 401, 403, 404])(
    'takes away what was known when the answer is %i: it is not there, or not for this key',
    async (status) => {
      asked.ask();
      await asked.open[0]?.answer('known');
      asked.ask();
      const error = new ApiError('refused', status, '');
      await asked.open[1]?.fail(error);
      expect(asked.last).toEqual({ status: 'failed', error });
    },
  );

  it('says why the first did not come, and shows what comes when it is asked again', async () => {
    asked.ask();
    await asked.open[0]?.fail();
    expect(asked.last).toEqual({ status: 'failed', error: away });
    asked.ask();
    await asked.open[1]?.answer('there');
    expect(asked.last).toMatchObject({ status: 'ready', value: 'there' });
  });

  it('says nothing of a failure that a newer question overtook', async () => {
    asked.ask();
    await asked.open[0]?.answer('known');
    asked.ask();
    asked.ask();
    await asked.open[1]?.fail();
    expect(asked.last).toEqual({ status: 'ready', value: 'known', asOf: 1_000 });
    await asked.open[2]?.answer('new');
    expect(asked.last).toMatchObject({ value: 'new' });
  });

  it('shows the answer to another question only as one to what was asked before, and never afterwards', async () => {
    asked.ask('of today');
    await asked.open[0]?.answer('today');
    asked.ask('of today');
    asked.ask('of yesterday');
    expect(asked.last).toMatchObject({ value: 'today', isBefore: true });
    expect(asked.hungUp[1]?.aborted).toBe(true);
    await asked.open[1]?.answer('today again');
    expect(asked.last).toMatchObject({ value: 'today', isBefore: true });
    await asked.open[2]?.fail();
    expect(asked.last).toEqual({ status: 'failed', error: away });
    asked.ask('of yesterday');
    await asked.open[3]?.answer('yesterday');
    expect(asked.last).toEqual({ status: 'ready', value: 'yesterday', asOf: 1_000 });
  });

  it('tells nothing more once nobody looks', async () => {
    asked.ask();
    await asked.open[0]?.answer('known');
    asked.ask();
    asked.questions.close();
    const told = asked.told.length;
    await asked.open[1]?.answer('late');
    vi.advanceTimersByTime(AGAIN_MS);
    expect(asked.told).toHaveLength(told);
    expect(asked.hungUp[1]?.aborted).toBe(true);
  });
});
