import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../../driver-testing/simulated-clock.ts';
import { type TelemetryMessage, TelemetryQueue } from './telemetry-client.ts';

const message = (payload: string, qos: 0 | 1 = 0, expiresAt?: number): TelemetryMessage => ({
  topic: 't',
  payload,
  qos,
  retain: false,
  expiresAt,
  contentType: 'application/json',
  userProperties: {},
  tries: 0,
});

function drain(queue: TelemetryQueue): string[] {
  const payloads: string[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) payloads.push(next.payload);
  return payloads;
}

describe('TelemetryQueue', () => {
  it('drops the oldest QoS 0 message first, then the oldest', () => {
    const queue = new TelemetryQueue(3, new SimulatedClock());
    for (const next of [message('a', 1), message('b'), message('c', 1), message('d', 1), message('e', 1)])
      queue.push(next);
    expect(queue.dropped).toBe(2);
    expect(drain(queue)).toEqual(['c', 'd', 'e']);
  });

  it('puts back in front, within its limit', () => {
    const queue = new TelemetryQueue(3, new SimulatedClock());
    queue.push(message('c', 1));
    queue.putBack([message('a', 1), message('b', 0), message('b2', 1)]);
    expect(drain(queue)).toEqual(['a', 'b2', 'c']);
  });

  it('gives a message up that five connections did not survive, and counts it', () => {
    const queue = new TelemetryQueue(3, new SimulatedClock());
    queue.push(message('a', 1));
    queue.push(message('b', 1));
    for (let connection = 0; connection < 5; connection++) {
      const sent = queue.shift();
      if (sent !== undefined) queue.putBack([sent]);
    }
    expect(drain(queue)).toEqual(['b']);
    expect(queue.dropped).toBe(1);
  });

  it('passes over what has expired', async () => {
    const clock = new SimulatedClock();
    const queue = new TelemetryQueue(9, clock);
    queue.push(message('a', 1, 1_000));
    queue.push(message('b', 1, 2_001));
    await clock.advance(2_000);
    expect(drain(queue)).toEqual(['b']);
    expect(queue.dropped).toBe(0);
  });
});
