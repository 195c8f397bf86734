import { describe, expect, test } from 'vitest';
import type { LimitBite, MqttMessage } from '../../contract/index.ts';
import { SimulatedClock } from '../../driver-testing/simulated-clock.ts';
import { BoundedListener, HeldMessages } from './bounded-listener.ts';

function site(maxBytes = 1_000) {
  const clock = new SimulatedClock();
  const held = new HeldMessages(clock);
  const heard: string[] = [];
  const bites: LimitBite[] = [];
  const host = {
    clock,
    held,
    onLimit: (bite: LimitBite) => void bites.push(bite),
    deviceId: 'd',
    device: 'Hall',
    safely: (heard: (message: MqttMessage) => void, message: MqttMessage) => heard(message),
  };
  const listener = new BoundedListener(
    't',
    ({ topic, payload }) => void heard.push(`${topic} ${payload}`),
    host,
    maxBytes,
  );
  const say = (payload: string, topic = 't') =>
    listener.hear({ topic, payload: Buffer.from(payload), retained: false });
  return { clock, held, heard, bites, listener, say };
}

describe('one that publishes far too much', () => {
  test('is heard at once in a burst, then ten times a second, and always what it said last', async () => {
    const { clock, heard, bites, say } = site();
    for (let second = 0; second < 10; second++)
      for (let each = 0; each < 100; each++) {
        for (let more = 0; more < 10; more++) say(`${second}.${each}.${more}`);
        await clock.advance(10);
      }
    await clock.advance(100);
    expect(heard.length).toBeLessThan(200 + 10 * 21);
    expect(heard.at(-1)).toBe('t 9.99.9');
    const passedOver = bites.reduce((sum, { count = 1 }) => sum + count, 0);
    expect(passedOver + heard.length).toBe(10_000);
    expect(bites[0]).toMatchObject({ limit: 'device_messages', source: 't', deviceId: 'd' });
    expect(clock.armedTimers).toBe(0);
  });

  test('on many topics at once loses none of their newest, and keeps no more than a thousand', async () => {
    const { clock, heard, say, bites } = site();
    for (let topic = 0; topic < 600; topic++) say('a', `t${topic}`);
    await clock.advance(100);
    expect(new Set(heard).size).toBe(600);
    expect(bites).toEqual([]);
    for (let topic = 0; topic < 5_000; topic++) say('b', `t${topic}`);
    await clock.advance(100);
    expect(heard.length).toBeLessThan(600 + 1_250);
    expect(bites[0]?.count).toBeGreaterThan(3_500);
  });

  test('leaves what usual devices say as it is, in order', async () => {
    const { clock, heard, say, bites } = site();
    for (let each = 0; each < 1_000; each++) {
      say(`${each}`);
      await clock.advance(60);
    }
    expect(heard).toEqual(Array.from({ length: 1_000 }, (_, each) => `t ${each}`));
    expect(bites).toEqual([]);
  });
});

test('what waits is handed over before a command leaves, and not after it was called off', async () => {
  const { clock, heard, say, listener } = site();
  for (let each = 0; each < 300; each++) say(`${each}`);
  expect(heard.at(-1)).toBe('t 199');
  listener.flush();
  expect(heard.at(-1)).toBe('t 299');
  say('late');
  listener.close();
  await clock.advance(1_000);
  expect(heard.at(-1)).toBe('t 299');
  expect(clock.armedTimers).toBe(0);
});

test('what is too large is not handed over, and told with its topic', () => {
  const { heard, say, bites } = site(10);
  say('x'.repeat(11));
  say('x'.repeat(10));
  expect(heard).toHaveLength(1);
  expect(bites).toMatchObject([{ limit: 'message_size', source: 't', message: expect.stringContaining('11 bytes') }]);
});

test('does not drown the answer to a command among its own messages, and gains little by it', async () => {
  const { clock, held, heard, say } = site();
  const flood = async (ms: number, answerAt?: number) => {
    for (let at = 0; at < ms; at += 10) {
      for (let each = 0; each < 3; each++) say('{"battery":80}');
      if (at === answerAt) {
        say('{"state":"LOCK"}');
        say('{"battery":81}');
      }
      await clock.advance(10);
    }
  };
  const answers = () => heard.filter((line) => line.includes('state')).length;
  await flood(5_000, 4_500);
  expect(answers()).toBe(0);
  for (let command = 1; command <= 5; command++) {
    const before = heard.length;
    held.expectAnswer();
    await flood(2_000, 400);
    expect(answers()).toBe(command);
    expect(heard.length - before).toBeLessThanOrEqual(2 * 51 + 2 * 21);
  }
});
