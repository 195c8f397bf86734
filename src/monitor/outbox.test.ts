import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { RecordingPublisher } from '../../test/kit/broker/recording-publisher.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import { Outbox, type RetainedTopic } from './outbox.ts';
import { topicRules } from './topics.ts';

class Value implements RetainedTopic {
  readonly topic: string;
  readonly rule = topicRules.deviceState;
  value = '0';
  rendered = 0;

  constructor(topic: string) {
    this.topic = topic;
  }

  render(): string {
    this.rendered += 1;
    return this.value;
  }
}

function make(count = 1, kept: () => true | Promise<boolean> = () => true) {
  const clock = new SimulatedClock();
  const publisher = new RecordingPublisher();
  const values = Array.from({ length: count }, (_, index) => new Value(`v/${index}`));
  const written: string[] = [];
  const outbox = new Outbox({
    clock,
    log: pino({}, { write: (line: string) => void written.push(line) }),
    publisher,
    kept,
    gatewayId: 'box7',
    bootId: 'b19',
    all: () => values,
  });
  publisher.onConnect(() => outbox.tellAll());
  const set = (value: string, index = 0) => {
    const topic = values[index];
    if (!topic) throw new Error('no such topic');
    topic.value = value;
    outbox.changed(topic);
  };
  return { clock, publisher, values, outbox, set, written, told: () => publisher.said.map(({ payload }) => payload) };
}

describe('Outbox', () => {
  it('publishes nothing that is not on disk yet, and renders anew what the disk refused', async () => {
    const answers: ((isKept: boolean) => void)[] = [];
    let isKept = false;
    const { clock, publisher, outbox, set, told } = make(2, () =>
      isKept ? true : new Promise<boolean>((resolve) => void answers.push(resolve)),
    );
    publisher.connect();
    let happened = 'to be refused';
    outbox.happened('a', () => outbox.say('t', topicRules.attempt, happened));
    set('to be refused');
    await clock.advance(1_000);
    expect(answers).toHaveLength(1);
    happened = 'a';
    set('1');
    set('2', 1);
    answers[0]?.(false);
    await clock.advance(1_000);
    expect(told()).toEqual([]);
    isKept = true;
    answers[1]?.(true);
    await clock.advance(1_000);
    expect(told().sort()).toEqual(['1', '2', 'a']);
    set('3');
    await clock.advance(1_000);
    expect(told().at(-1)).toBe('3');
  });

  it('publishes nothing in the caller’s turn', async () => {
    const { clock, publisher, outbox } = make();
    publisher.connect();
    outbox.happened('a', () => outbox.say('t', topicRules.attempt, 'x'));
    expect(publisher.said).toEqual([]);
    await clock.advance(5);
    expect(publisher.said.map(({ topic }) => topic)).toEqual(['t', 'v/0']);
  });

  it('publishes a topic that changes ten times in a tick once', async () => {
    const { clock, publisher, set, values, told } = make();
    publisher.connect();
    await clock.advance(1_000);
    for (let change = 1; change <= 10; change++) set(String(change));
    await clock.advance(5);
    expect(told()).toEqual(['0', '10']);
    expect(values[0]?.rendered).toBe(2);
  });

  it('lets a retained topic rest for 100 ms, and tells the latest afterwards', async () => {
    const { clock, publisher, set, told } = make();
    publisher.connect();
    await clock.advance(5);
    for (let change = 1; change <= 95; change++) {
      set(String(change));
      await clock.advance(1);
    }
    expect(told()).toEqual(['0']);
    await clock.advance(15);
    expect(told()).toEqual(['0', '95']);
  });

  it('does not repeat what has not changed', async () => {
    const { clock, publisher, set, told } = make();
    publisher.connect();
    await clock.advance(500);
    set('0');
    await clock.advance(500);
    expect(told()).toEqual(['0']);
    expect(clock.armedTimers).toBe(0);
  });

  it('tells what happened in order, and the later of two of one key in the place of the first', async () => {
    const { clock, publisher, outbox, told } = make(0);
    publisher.connect();
    for (const [key, text] of [
      ['a', 'a1'],
      ['b', 'b1'],
      ['a', 'a2'],
    ] as const)
      outbox.happened(key, () => outbox.say('t', topicRules.attempt, text));
    await clock.advance(5);
    expect(told()).toEqual(['a2', 'b1']);
  });

  it('tells everything again after each connect, as it is then', async () => {
    const { clock, publisher, set, told } = make();
    publisher.connect();
    await clock.advance(5);
    publisher.disconnect();
    set('1');
    set('2');
    await clock.advance(1_000);
    publisher.connect();
    await clock.advance(5);
    publisher.disconnect();
    publisher.connect();
    await clock.advance(5);
    expect(told()).toEqual(['0', '2', '2']);
  });

  it('counts per kind of message, and shows as a gap what nobody wanted to wait for', async () => {
    const { clock, publisher, outbox } = make(0);
    const say = async (...texts: string[]) => {
      for (const text of texts) {
        outbox.happened(text, () => outbox.say('level', topicRules.noiseLevel, text));
        outbox.happened(`${text}!`, () => outbox.say('event', topicRules.event, text));
      }
      await clock.advance(5);
    };
    publisher.connect();
    await say('1');
    publisher.disconnect();
    await say('2', '3');
    publisher.connect();
    await say('4');
    expect(publisher.on('level').map(({ userProperties }) => userProperties.seq)).toEqual(['1', '4']);
    expect(publisher.on('event').map(({ userProperties }) => userProperties.seq)).toEqual(['1', '2', '3', '4']);
  });

  it('keeps retained topics back while many messages wait, at the cost of a mark each', async () => {
    const { clock, publisher, outbox, set, values } = make(500);
    publisher.connect();
    publisher.stalled = true;
    await clock.advance(1_000);
    expect(publisher.queued).toBe(50);
    for (let change = 1; change <= 20; change++) {
      for (let index = 0; index < 500; index++) set(String(change), index);
      await clock.advance(50);
    }
    expect(publisher.queued).toBe(50);
    publisher.flow();
    await clock.advance(1_000);
    expect(publisher.queued).toBe(0);
    for (const { topic } of values) expect(publisher.retained.get(topic)).toBe('20');
    expect(outbox.published).toBe(550);
  });

  it('clears retained messages, once there is a connection and room', async () => {
    const { clock, publisher, outbox } = make(0);
    publisher.retained.set('old/1', 'x').set('old/2', 'y');
    outbox.clear('old/1');
    outbox.clear('old/2');
    await clock.advance(100);
    publisher.connect();
    await clock.advance(5);
    expect(publisher.retained.size).toBe(0);
    expect(publisher.said.map(({ topic, payload, retain, qos }) => [topic, payload, retain, qos])).toEqual([
      ['old/1', '', true, 1],
      ['old/2', '', true, 1],
    ]);
  });

  it('survives a fault in what is told', async () => {
    const { clock, publisher, outbox, written, told } = make(0);
    publisher.connect();
    outbox.happened('a', () => {
      throw new Error('a fault');
    });
    outbox.happened('b', () => outbox.say('t', topicRules.attempt, 'b'));
    await clock.advance(5);
    expect(told()).toEqual(['b']);
    expect(written.join('')).toContain('the monitor failed to tell something');
  });

  it('tells the last changes when it closes, and nothing afterwards', async () => {
    const { clock, publisher, outbox, set, told } = make();
    publisher.connect();
    await clock.advance(5);
    set('1');
    outbox.close();
    expect(told()).toEqual(['0', '1']);
    set('2');
    outbox.happened('a', () => outbox.say('t', topicRules.attempt, 'late'));
    await clock.advance(1_000);
    expect(told()).toEqual(['0', '1']);
    expect(clock.armedTimers).toBe(0);
  });
});
