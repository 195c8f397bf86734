import { describe, expect, it } from 'vitest';
import type { Claim, Goal, Input, Plan, Traits, Verdict } from './claims.ts';
import { judge } from './judge.ts';
import { afterWord, asAnswer, begin, freshMemory, type Memory, type State } from './state.ts';

const plan: Plan = {
  firstAskMs: 3_000,
  betweenMs: 1_000,
  longestBetweenMs: 1_000,
  patienceMs: 2_000,
  travelMs: 3_000,
  halfWayMs: 1_500,
  witnessMs: 1_000,
  reasonMs: 400,
  knownForMs: 5_000,
};

const bridge: Traits = {
  answers: 'mixed',
  lateByMs: 10_000,
  oldByMs: 300,
  acknowledgedBy: 'middleman',
  tellsChanges: true,
  echoes: false,
};

const node: Traits = { ...bridge, answers: 'correlated', lateByMs: 0, oldByMs: 10_000, acknowledgedBy: 'nobody' };
const session: Traits = { ...node, oldByMs: 0, acknowledgedBy: 'device' };

const bolt = (value: string): Goal => ({ proof: [{ about: 'bolt', value }] });
const LOCK = bolt('locked');
const UNLOCK = bolt('unlocked');

/** One command on a clock of its own: what is heard is scripted, questions are answered by `answer`. */
class Story {
  now = 100_000;
  memory: Memory = freshMemory(0);
  readonly traits: Traits;
  readonly goal: Goal;
  state: State<string> | undefined;
  verdict: Verdict<string> | undefined;
  questions: number[] = [];
  /** How a question is answered: after so long, with this; undefined when it is not. */
  answer: (n: number) => { readonly after: number; readonly value: string } | undefined = () => undefined;
  readonly #script: { at: number; input: () => Input<string> }[] = [];

  constructor(traits: Traits, goal: Goal) {
    this.traits = traits;
    this.goal = goal;
  }

  claim(value: string, more: Partial<Claim> = {}): Claim {
    return { about: 'bolt', value, at: this.now, ...more };
  }

  /** Heard before the send, `ago` milliseconds. */
  heard(value: string, ago: number): this {
    this.memory = afterWord(this.memory, { about: 'bolt', value, at: this.now - ago }, this.traits.lateByMs);
    // It was sure from an answer long ago.
    this.memory = asAnswer(this.memory, 'bolt');
    return this;
  }

  /** `after` the send. */
  at(after: number, input: Input<string> | (() => Input<string>)): this {
    this.#script.push({ at: this.now + after, input: typeof input === 'function' ? input : () => input });
    return this;
  }

  told(after: number, value: string, more: Partial<Claim> = {}): this {
    return this.at(after, () => ({ kind: 'told', claims: [this.claim(value, more)] }));
  }

  every(ms: number, value: string, until = 9_000): this {
    for (let after = ms; after < until; after += ms) this.told(after, value);
    return this;
  }

  run(endAfter = 9_000, given: Plan = plan): Verdict<string> {
    const end = this.now + endAfter;
    const { traits, goal, memory } = this;
    let state = begin<string>({ traits, goal, plan: given, memory, end });
    this.at(0, () => ({ kind: 'sent', at: this.now }));
    if (traits.acknowledgedBy !== 'nobody') this.at(20, () => ({ kind: 'acknowledged', at: this.now }));
    let wakeAt = this.now;
    for (;;) {
      this.#script.sort((a, b) => a.at - b.at);
      const next = this.#script[0];
      const isScript = next !== undefined && next.at <= wakeAt;
      this.now = isScript ? next.at : wakeAt;
      if (isScript) this.#script.shift();
      const judged = judge(state, isScript ? next.input() : { kind: 'time' }, this.now);
      state = judged.state;
      wakeAt = judged.wakeAt;
      if (judged.verdict !== undefined) return judged.verdict;
      if (judged.ask !== undefined) this.#put(judged.ask.id);
    }
  }

  #put(id: number): void {
    this.questions.push(this.now);
    this.at(0, { kind: 'put', question: id, at: this.now });
    const answer = this.answer(this.questions.length);
    if (answer === undefined) return;
    if (this.traits.answers === 'mixed') this.told(answer.after, answer.value);
    else this.at(answer.after, () => ({ kind: 'answer', question: id, claims: [this.claim(answer.value)] }));
  }
}

describe('behind a bridge whose answers look like its cache', () => {
  it('a change after the send is seen', () => {
    expect(new Story(bridge, UNLOCK).heard('locked', 60_000).told(860, 'unlocked').run()).toEqual({
      end: 'confirmed',
      by: 'change',
    });
  });

  it('chatter that was there before proves nothing, whatever is asked', () => {
    const story = new Story(bridge, LOCK);
    for (let ago = 30_100; ago > 0; ago -= 700) story.heard('locked', ago);
    expect(story.every(700, 'locked').run()).toEqual({ end: 'unknown', why: 'silent' });
  });

  it('chatter of a lock that moves after five seconds does not hide it', () => {
    const story = new Story(bridge, UNLOCK);
    for (let ago = 30_100; ago > 0; ago -= 700) story.heard('locked', ago);
    story.every(700, 'locked', 5_000).told(5_000, 'unlocked').told(5_700, 'unlocked');
    expect(story.run()).toEqual({ end: 'confirmed', by: 'change' });
  });

  it('two answers of a quiet lock are answers: it stands as asked, and nobody can tell since when', () => {
    const story = new Story(bridge, LOCK).heard('locked', 60_000);
    story.answer = () => ({ after: 150, value: 'locked' });
    expect(story.run()).toEqual({ end: 'unconfirmed' });
    expect(story.questions).toHaveLength(2);
  });

  it('two answers that show the old place end a LOCK early, and say so only then', () => {
    const story = new Story(bridge, LOCK).heard('unlocked', 60_000);
    story.answer = () => ({ after: 150, value: 'unlocked' });
    expect(story.run(9_000, { ...plan, earlyUntil: Number.POSITIVE_INFINITY })).toEqual({
      end: 'not_reached',
      value: 'unlocked',
    });
  });

  it('silence is no answer', () => {
    expect(new Story(bridge, UNLOCK).heard('locked', 60_000).run()).toEqual({ end: 'unknown', why: 'silent' });
  });

  it('a place that is not known any more is no unlocked bolt', () => {
    const story = new Story(bridge, UNLOCK).heard('locked', 60_000).told(900, 'not_known');
    story.answer = () => ({ after: 150, value: 'not_known' });
    expect(story.run()).toEqual({ end: 'unknown', why: 'not_known' });
  });

  it('what was under way before the acknowledgement is of before', () => {
    const story = new Story(bridge, LOCK).heard('unlocked', 60_000).told(10, 'locked');
    expect(story.run()).toEqual({ end: 'unknown', why: 'silent' });
  });

  it('a bolt that stays half way is stuck, one that goes on is not', () => {
    const stays = new Story(bridge, LOCK).heard('unlocked', 60_000).told(900, 'half_way');
    stays.answer = () => ({ after: 150, value: 'half_way' });
    expect(stays.run()).toEqual({ end: 'stuck' });
    const goesOn = new Story(bridge, LOCK).heard('unlocked', 60_000).told(900, 'half_way').told(2_000, 'locked');
    expect(goesOn.run()).toEqual({ end: 'confirmed', by: 'change' });
  });

  it('a write that the bridge echoes is believed after two answers, closer together than it ever speaks', () => {
    const slot = { ...bridge, echoes: true };
    const story = new Story(slot, bolt('ours')).heard('free', 30_000).told(350, 'ours');
    expect(story.run()).toEqual({ end: 'unknown', why: 'silent' });
    const answered = new Story(slot, bolt('ours')).heard('free', 30_000).told(350, 'ours');
    answered.answer = () => ({ after: 150, value: 'ours' });
    expect(answered.run()).toEqual({ end: 'confirmed', by: 'change' });
  });
});

describe('where answers belong to their questions, and reports are told again', () => {
  it('a report of before the send only wakes: the answer decides', () => {
    const story = new Story(node, LOCK).heard('unlocked', 60_000).told(500, 'locked');
    story.answer = () => ({ after: 100, value: 'unlocked' });
    expect(story.run()).toMatchObject({ end: 'not_reached' });
    expect(story.questions[0]).toBe(100_500);
  });

  it('an answer that differs from one of just before the send is a change', () => {
    const story = new Story(node, LOCK);
    story.memory = { ...story.memory, known: new Map() };
    story.heard('unlocked', 100);
    story.answer = (n) => ({ after: 100, value: n < 3 ? 'unlocked' : 'locked' });
    expect(story.run()).toEqual({ end: 'confirmed', by: 'change' });
  });

  it('a refusal names the command, and waits for its reason', () => {
    const story = new Story(node, LOCK).at(100, { kind: 'said', word: 'refused', reason: 'busy' });
    story.answer = () => ({ after: 50, value: 'unlocked' });
    expect(story.run()).toEqual({ end: 'refused', reason: 'busy' });
  });

  it('the node’s word for a bolt that stood there already, together with an answer', () => {
    const story = new Story(node, LOCK).heard('locked', 60_000).at(80, { kind: 'said', word: 'done' });
    story.answer = () => ({ after: 50, value: 'locked' });
    expect(story.run()).toEqual({ end: 'confirmed', by: 'word' });
  });

  it('a jam told again from before does not end a good command', () => {
    const story = new Story(node, LOCK).heard('unlocked', 8_000).heard('stuck', 5_000).heard('unlocked', 4_000);
    story.told(300, 'stuck');
    story.answer = (n) => ({ after: 100, value: n < 2 ? 'unlocked' : 'locked' });
    expect(story.run()).toEqual({ end: 'confirmed', by: 'change' });
  });
});

describe('on a connection of one’s own', () => {
  const latch: Goal = { proof: [{ about: 'latch', value: 'pulled' }], isMomentary: true };

  it('a latch that nobody saw pulled was not seen, however unlocked the door is', () => {
    const story = new Story(session, latch).heard('unlocked', 60_000).told(2_000, 'unlocked');
    story.answer = () => ({ after: 100, value: 'unlocked' });
    expect(story.at(2_100, { kind: 'said', word: 'done' }).run()).toMatchObject({ end: 'unknown' });
  });

  it('a latch that was seen pulled was', () => {
    const story = new Story(session, latch).heard('unlocked', 100);
    story.memory = asAnswer(
      afterWord(story.memory, { about: 'latch', value: 'rest', at: story.now - 100 }, 0),
      'latch',
    );
    story.at(900, () => ({ kind: 'told', claims: [{ about: 'latch', value: 'pulled', at: story.now }] }));
    story.at(1_900, { kind: 'said', word: 'done' });
    expect(story.run()).toMatchObject({ end: 'confirmed' });
  });
});

it('after a gap the first word that says what was asked may be the middleman’s own, and is no answer', () => {
  const story = new Story({ ...bridge, echoes: true }, bolt('ours')).heard('free', 6_000);
  story.at(5, { kind: 'gap' }).at(10, { kind: 'reachable' });
  story.told(1_020, 'ours').told(1_600, 'ours');
  expect(story.run(3_000)).toMatchObject({ end: 'unknown' });
});

it('a word that says otherwise between two answers parts them', () => {
  const story = new Story({ ...bridge, echoes: true }, bolt('free')).heard('ours', 6_000);
  // The bridge's echo, a report of before, and the lock's own word after it.
  story.told(100, 'free').told(130, 'free').told(140, 'ours');
  story.answer = (n) => (n === 2 ? { after: 170, value: 'free' } : undefined);
  expect(story.run(3_000)).toMatchObject({ end: 'unknown' });
});

describe('a word that may be of an earlier command', () => {
  const again = { cause: 'remote_again', carried: true } as const;

  it('of a place where it stood shows that it still does, when nothing says otherwise', () => {
    expect(new Story(bridge, UNLOCK).heard('unlocked', 4_000).told(860, 'unlocked', again).run()).toEqual({
      end: 'unconfirmed',
    });
  });

  it.each([
    ['it stood elsewhere', (story: Story) => story.heard('locked', 4_000).told(860, 'unlocked', again)],
    ['nobody knows where it stood', (story: Story) => story.told(860, 'unlocked', again)],
    ['it came before the send was acknowledged', (story: Story) => stood(story).told(10, 'unlocked', again)],
    ['it was kept', (story: Story) => stood(story).told(860, 'unlocked', { ...again, kept: true })],
    ['it is of another place', (story: Story) => stood(story).told(860, 'locked', again)],
  ])('proves nothing where %s', (_, tell) => {
    expect(tell(new Story(bridge, UNLOCK)).run()).toMatchObject({ end: 'unknown' });
  });

  it('does not outweigh what is answered', () => {
    const story = stood(new Story(bridge, UNLOCK)).told(860, 'unlocked', again);
    story.answer = () => ({ after: 150, value: 'locked' });
    expect(story.run()).toEqual({ end: 'not_reached', value: 'locked' });
  });

  it('says nothing of a device that does not tell every change', () => {
    expect(
      stood(new Story({ ...node, lateByMs: 0 }, UNLOCK))
        .told(860, 'unlocked', again)
        .run(),
    ).toMatchObject({
      end: 'unknown',
    });
  });
});

const stood = (story: Story): Story => story.heard('unlocked', 7_000);

describe('on a line whose answers carry no number', () => {
  const line: Traits = { ...node, answers: 'in_turn', lateByMs: 2_000, oldByMs: 0, tellsChanges: false };
  const pulse: Goal = { proof: [{ about: 'bolt', value: 'on' }], lastsMs: 3_000 };
  const quick: Plan = { ...plan, firstAskMs: 0, betweenMs: 100, travelMs: 500, earlyUntil: Number.POSITIVE_INFINITY };

  it('a relay that comes on is seen', () => {
    const story = new Story(line, pulse).heard('off', 50);
    story.memory = new Story(line, pulse).heard('off', 50).memory;
    story.answer = (n) => ({ after: 30, value: n > 1 ? 'on' : 'off' });
    expect(story.run(9_000, quick)).toEqual({ end: 'confirmed', by: 'change' });
  });

  it('a question that was under way when the line broke may be answered in the place of the next', () => {
    const story = new Story(line, bolt('off')).heard('off', 50);
    story.at(10, { kind: 'gap' }).at(20, { kind: 'reachable' });
    // Somebody switched it on in between; the first answer is of before that, and is the second to come.
    story.answer = (n) => (n === 1 ? undefined : { after: 30, value: n === 2 ? 'on' : 'off' });
    expect(story.run(1_500, quick)).not.toMatchObject({ end: 'confirmed' });
  });

  it('a pulse that could be over before it was looked at is not known', () => {
    const story = new Story(line, pulse).heard('off', 50);
    story.answer = (n) => (n === 1 ? { after: 3_200, value: 'off' } : undefined);
    expect(story.run(9_000, quick)).toEqual({ end: 'unknown', why: 'too_late' });
  });

  it('a relay that stays off was not released', () => {
    const story = new Story(line, pulse).heard('off', 50);
    story.answer = () => ({ after: 30, value: 'off' });
    expect(story.run(9_000, quick)).toEqual({ end: 'not_reached', value: 'off' });
  });
});
