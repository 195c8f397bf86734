import { beforeEach, describe, expect, it } from 'vitest';
import { GatewayError, Secret, sleep } from '../contract/index.ts';
import { recordLog } from '../driver-testing/recorded-log.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import type { AuditEntry } from '../model/audit.ts';
import type { EventDraft } from '../model/event-types.ts';
import { OnboardingDesk, type OnboardingPlan, type OnboardingTalk, type OnboardingWork } from './onboarding-desk.ts';
import { untilAborted } from './until-aborted.ts';

const by = { kind: 'api_key', api_key_id: 'key_1', address: '192.0.2.7' } as const;

describe('the desk', () => {
  let clock: SimulatedClock;
  let desk: OnboardingDesk;
  let events: EventDraft[];
  let audited: Omit<AuditEntry, 'at'>[];
  let log: ReturnType<typeof recordLog>;
  beforeEach(() => {
    clock = new SimulatedClock();
    events = [];
    audited = [];
    log = recordLog();
    let made = 0;
    desk = new OnboardingDesk({
      ...{ clock, log: log.logger },
      newId: () => `onboarding_${++made}`,
      tell: (drafts) => events.push(...drafts),
      audit: { append: (entry) => audited.push(entry) },
    });
  });

  const plan = (work: OnboardingWork, more: Partial<OnboardingPlan> = {}): OnboardingPlan => ({
    ...{ kind: 'zwave_inclusion', radio: 'zwave/stick', deviceId: undefined, seconds: 60, work },
    ...{ message: 'It begins.', tooLate: 'Nobody came.' },
    ...more,
  });
  const begin = (work: OnboardingWork, more: Partial<OnboardingPlan> = {}) =>
    desk.begin(plan(work, more), by).onboardingId;
  const told = () => events.map(({ details }) => details);

  it('tells each step as it comes, the end, and who asked for it', async () => {
    const id = begin(async ({ say }) => {
      say('joining', 'Node 9 joins.');
      say('joining', 'Node 9 joins.');
      await sleep(clock, 1_000);
      return 'Node 9 has joined.';
    });
    await clock.advance(1_000);
    const about = { onboarding_id: id, onboarding_kind: 'zwave_inclusion', radio: 'zwave/stick' };
    expect(told()).toEqual([
      { ...about, status: 'running', step: 'starting', message: 'It begins.' },
      { ...about, status: 'running', step: 'joining', message: 'Node 9 joins.' },
      { ...about, status: 'succeeded', step: 'done', message: 'Node 9 has joined.' },
    ]);
    expect(audited).toEqual([{ kind: 'onboarding_ended', by, details: { ...about, status: 'succeeded' } }]);
  });

  it('lends a radio to one at a time, and another radio to another', async () => {
    const first = begin(({ signal }) => untilAborted(signal));
    await clock.advance(20_000);
    expect(() => begin(async () => 'done')).toThrow(
      expect.objectContaining({ type: 'onboarding_under_way', retryAfterSeconds: 40 }),
    );
    expect(desk.get(begin(async () => 'done', { radio: 'ble/radio' })).status).toBe('running');
    await desk.cancel(first);
    expect(desk.get(begin(async () => 'done')).status).toBe('running');
  });

  it('keeps the radio until the work has put it back', async () => {
    let putBack: () => void = () => undefined;
    const id = begin(async ({ signal }) => {
      await untilAborted(signal).catch(() => undefined);
      await new Promise<void>((resolve) => {
        putBack = resolve;
      });
      throw signal.reason;
    });
    const cancelled = desk.cancel(id);
    await clock.settle();
    expect(() => begin(async () => 'done')).toThrow(/taken by another onboarding/);
    putBack();
    expect(await cancelled).toMatchObject({ status: 'cancelled' });
    begin(async () => 'done');
  });

  it('gives one up that does not let go, and says so in the log', async () => {
    const id = begin(() => new Promise(() => undefined));
    await clock.advance(60_000 + 14_000);
    expect(desk.get(id).status).toBe('running');
    await clock.advance(2_000);
    expect(desk.get(id)).toMatchObject({ status: 'failed', error: { type: 'expired', message: 'Nobody came.' } });
    expect(log.text).toContain('did not end as it was told to');
  });

  it.each([
    ['a scan whose time is over has done what it should', undefined, { status: 'succeeded', error: undefined }],
    ['a device that did not come is a failure', 'Nobody came.', { status: 'failed', error: { type: 'expired' } }],
  ])('%s', async (_, tooLate, end) => {
    const id = begin(({ signal }) => untilAborted(signal), { tooLate });
    await clock.advance(59_999);
    expect(desk.get(id).status).toBe('running');
    await clock.advance(1);
    expect(desk.get(id)).toMatchObject(end);
  });

  it('says what the work says of a late end, rather than that it is late', async () => {
    const id = begin(async ({ signal }) => {
      await untilAborted(signal).catch(() => undefined);
      throw new GatewayError('device_not_ready', 'It was heard, and nobody held its button.');
    });
    await clock.advance(60_000);
    expect(desk.get(id).error).toEqual({
      type: 'device_not_ready',
      message: 'It was heard, and nobody held its button.',
    });
  });

  describe('that asks for a PIN', () => {
    const pin = '48151';
    let talk: OnboardingTalk;
    let given: string | undefined;
    let id: string;
    beforeEach(async () => {
      given = undefined;
      id = begin(async (own) => {
        talk = own;
        const check = (answer: Secret) => (/^\d{5}$/.test(answer.reveal()) ? undefined : 'A PIN has five digits.');
        given = (await own.ask({ name: 'pin', text: 'The PIN:', isSecret: true }, check)).reveal();
        return 'done';
      });
      await clock.settle();
    });

    it.each([
      ['another question', new Map([['dsk', new Secret(pin)]]), 'asks for "pin" alone'],
      ['a PIN that is none', new Map([['pin', new Secret('4815')]]), 'A PIN has five digits.'],
    ])('refuses %s, and asks on', (_, answers, sentence) => {
      expect(() => desk.answer(id, answers)).toThrow(sentence);
      expect(desk.get(id).question).toEqual({ name: 'pin', text: 'The PIN:', isSecret: true });
    });

    it('hands it on once, and keeps it nowhere', async () => {
      expect(desk.answer(id, new Map([['pin', new Secret(pin)]])).question).toBeUndefined();
      await clock.settle();
      expect(given).toBe(pin);
      expect(() => desk.answer(id, new Map([['pin', new Secret(pin)]]))).toThrow('asks nothing at the moment');
      for (const text of [log.text, JSON.stringify([events, audited, desk.list()])]) expect(text).not.toContain(pin);
    });

    it('asks no more when it is withdrawn, or cancelled', async () => {
      talk.withdraw();
      expect(desk.get(id).question).toBeUndefined();
      expect((await desk.cancel(id)).status).toBe('cancelled');
    });
  });

  it('remembers the last twenty that ended, and each one that runs', async () => {
    const running = begin(({ signal }) => untilAborted(signal), { radio: 'ble/radio', seconds: 10_000 });
    for (let time = 0; time < 30; time++) {
      begin(async () => 'done');
      await clock.settle();
    }
    begin(({ signal }) => untilAborted(signal));
    expect(desk.list()).toHaveLength(22);
    expect(desk.get(running).status).toBe('running');
    expect(() => desk.get('onboarding_2')).toThrow(expect.objectContaining({ type: 'onboarding_not_found' }));
  });

  it('ends them all when the gateway stops', async () => {
    const ids = ['a', 'b'].map((radio) => begin(({ signal }) => untilAborted(signal), { radio }));
    await desk.close();
    expect(ids.map((id) => desk.get(id).status)).toEqual(['cancelled', 'cancelled']);
    expect(clock.armedTimers).toBe(0);
  });
});
