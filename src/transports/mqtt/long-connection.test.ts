import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { stillHeld } from '../../../test/kit/garbage.ts';
import { systemClock } from '../../clock/system-clock.ts';
import { BrokerConnection } from './broker-connection.ts';
import { placeOf } from './broker-options.ts';
import { startEmbeddedBroker } from './embedded-broker.ts';
import { BrokerFailure } from './failures.ts';

async function connection() {
  const clock = systemClock;
  const log = pino({ level: 'silent' });
  const broker = await startEmbeddedBroker({ port: 0, log });
  onTestFinished(() => broker.close());
  const open = await BrokerConnection.open(
    {
      ...placeOf({ name: 'main', url: broker.url, clientId: 'long', clock, random: Math.random, log }),
      ...{ clientId: 'long', protocolVersion: 4, clock, keepaliveSeconds: 5, answerTimeoutMs: 10_000 },
    },
    { message: () => undefined, acknowledged: () => undefined, oversized: () => undefined },
    new AbortController().signal,
  );
  onTestFinished(() => open.end());
  return open;
}

describe('a connection that lives for years', () => {
  it('keeps nothing of what was waited for on it', async () => {
    const open = await connection();
    const round = async () => {
      const answer = await open.subscribe(['a/b'], 0);
      const flushed = open.flushed();
      await flushed;
      const unsubscribed = open.unsubscribe(['a/b']);
      await unsubscribed;
      return [answer, flushed, unsubscribed].map((one) => new WeakRef(one));
    };
    const answers: WeakRef<object>[] = [];
    for (let number = 0; number < 20; number++) answers.push(...(await round()));
    // The library may still have the last packets in its hands.
    await round();
    expect(await stillHeld(answers)).toBe(0);
  });

  it('lets nobody wait longer than it lives', async () => {
    const open = await connection();
    const asked = open.subscribe(['a/b'], 0).catch((error: unknown) => error);
    const flushed = open.flushed();
    open.reset(new BrokerFailure({ reason: 'silent', hint: 'The broker does not answer.' }));
    expect(await asked).toMatchObject({ reason: 'silent' });
    await flushed;
    await expect(open.subscribe(['a/b'], 0)).rejects.toMatchObject({ reason: 'silent' });
    await open.flushed();
  });
});
