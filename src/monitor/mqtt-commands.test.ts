import { beforeEach, describe, expect, it } from 'vitest';
import { RecordingPublisher } from '../../test/kit/broker/recording-publisher.ts';
import { base, monitorFixture } from '../../test/kit/gateway/monitor-fixture.ts';

const topic = `${base}/command`;
const pin = '739150';

describe('commands over MQTT', () => {
  let fixture: Awaited<ReturnType<typeof monitorFixture>>;
  let made = 0;
  beforeEach(async () => {
    fixture = await monitorFixture({ commands: true });
    fixture.publisher.connect();
    await fixture.told();
  });

  const now = (offsetMs = 0) => new Date(fixture.clock.wallTime() + offsetMs).toISOString();
  const unlock = (more: object = {}) => ({
    ...{ command: 'UNLOCK', device_id: 'front', id: `command-${++made}`, issued_at: now() },
    ...more,
  });
  async function say(command: object | string, retain = false) {
    fixture.publisher.others(topic, typeof command === 'string' ? command : JSON.stringify(command), retain);
    await fixture.clock.advance(500);
    return fixture.publisher.json(`${base}/command/answers`).at(-1);
  }
  const commands = () => fixture.lock.sent.length;

  it('moves the door, says so, and is in the history as its own actor', async () => {
    const command = unlock();
    const answer = await say(command);
    expect(answer).toMatchObject({ id: command.id, status: 'accepted', device_id: 'front' });
    const attempt = fixture.core.attempts.get(String(answer?.action_attempt_id));
    expect(attempt).toMatchObject({ actionType: 'UNLOCK_DOOR', actor: { kind: 'mqtt', name: 'mqtt/main' } });
    expect(commands()).toBe(1);
  });

  it('moves it once, however often the command comes, and however close together', async () => {
    const command = unlock();
    fixture.publisher.others(topic, JSON.stringify(command));
    const first = await say(command);
    const again = await say(command);
    expect([commands(), again?.action_attempt_id]).toEqual([1, first?.action_attempt_id]);
    expect(await say({ ...command, command: 'LOCK' })).toMatchObject({ error: { type: 'idempotency_key_reused' } });
    expect(commands()).toBe(1);
  });

  it('remembers over a restart what it has done', async () => {
    const command = unlock();
    await say(command);
    await fixture.core.stop(0);
    const { store, clock } = fixture;
    fixture = await monitorFixture({ commands: true, store, clock });
    fixture.publisher.connect();
    await fixture.told();
    expect(await say({ ...command, issued_at: now() })).toMatchObject({ status: 'accepted' });
    expect(commands()).toBe(0);
  });

  it.each([
    ['from before', -10_001, 'expired'],
    ['from after', 10_001, 'expired'],
  ])('does nothing with one %s', async (_, offset, type) => {
    expect(await say(unlock({ issued_at: now(offset) }))).toMatchObject({ status: 'refused', error: { type } });
    expect(commands()).toBe(0);
  });

  it('does nothing with one that is retained, whether it lay there or is just being left there, and takes it away', async () => {
    await say(unlock(), true);
    expect([commands(), fixture.publisher.retained.has(topic)]).toEqual([0, false]);
    fixture.publisher.retained.set(topic, JSON.stringify(unlock()));
    fixture.publisher.disconnect();
    fixture.publisher.connect();
    await fixture.clock.advance(500);
    expect([commands(), fixture.publisher.retained.has(topic)]).toEqual([0, false]);
  });

  it('leaves nothing retained at a broker that does not say so, and obeys once', async () => {
    const publisher = new RecordingPublisher();
    publisher.protocolVersion = 4;
    fixture = await monitorFixture({ commands: true, publisher });
    publisher.connect();
    await fixture.told();
    await say(unlock(), true);
    expect([commands(), publisher.retained.has(topic)]).toEqual([1, false]);
  });

  it.each([
    ['no JSON', '{"command":', 'no JSON'],
    ['no object', '7', 'look at: '],
    ['bare words, as other bridges take them', 'UNLOCK', 'no JSON'],
    ['another command', '{"command":"DANCE","id":"12345678","issued_at":"2026-05-01T10:00:00Z"}', 'look at: command'],
    ['too much', `"${'x'.repeat(5_000)}"`, 'may have 4096 bytes'],
  ])('refuses %s with a sentence', async (_, text, words) => {
    expect(await say(text)).toMatchObject({
      ...{ status: 'refused', error: { type: 'invalid_input', message: expect.stringContaining(words) } },
    });
    expect(commands()).toBe(0);
  });

  it.each(['id', 'issued_at', 'device_id'])('refuses one without %s', async (name) => {
    const { [name as 'id']: _, ...rest } = unlock();
    expect(await say(rest)).toMatchObject({ error: { message: expect.stringContaining(`look at: ${name}`) } });
  });

  it('refuses to open what has a bolt, and what is not there', async () => {
    expect(await say(unlock({ command: 'OPEN' }))).toMatchObject({ error: { type: 'unsupported_action' } });
    expect(await say(unlock({ device_id: 'nobody' }))).toMatchObject({ error: { type: 'device_not_found' } });
  });

  it('turns a threshold', async () => {
    const origin = { actor: { kind: 'cli', name: 'test' } as const, receivedAt: 0 };
    const wish = { deviceId: 'hall', name: 'Night', startsDailyAt: '22:00:00', endsDailyAt: '06:00:00', decibels: 60 };
    const { threshold } = await fixture.core.noise.create(wish, origin);
    const { device_id: _, ...rest } = unlock({
      ...{ command: 'SET_NOISE_THRESHOLD', noise_threshold_id: threshold.noiseThresholdId, decibels: 55.5 },
    });
    expect(await say(rest)).toMatchObject({ status: 'accepted' });
    expect(fixture.core.noise.get(threshold.noiseThresholdId)?.decibels).toBe(55.5);
  });

  it('makes and deletes a code, and tells its digits nobody', async () => {
    const answer = await say(unlock({ command: 'CREATE_ACCESS_CODE', name: 'Guest', code: pin }));
    await fixture.clock.advance(5_000);
    expect(answer).toMatchObject({ status: 'accepted' });
    const [code] = fixture.core.accessCodes.list('front');
    expect(code?.name).toBe('Guest');
    const { device_id: _, ...rest } = unlock({
      ...{ command: 'DELETE_ACCESS_CODE', access_code_id: code?.accessCodeId },
    });
    expect(await say(rest)).toMatchObject({ status: 'accepted' });
    const wrong = await say(unlock({ command: 'CREATE_ACCESS_CODE', code: `${pin}x` }));
    expect(wrong).toMatchObject({ error: { message: expect.stringContaining('look at: code') } });
    expect(JSON.stringify(fixture.publisher.said)).not.toContain(pin);
  });

  it.each([
    ['what is none', () => 'open sesame'],
    ['what is too long', () => JSON.stringify({ ...unlock(), more: 'x'.repeat(1_000_000) })],
    ['what comes too late', () => JSON.stringify(unlock({ issued_at: now(-60_000) }))],
  ])('looks at so many a second of %s, tells of the rest, and obeys afterwards', async (_, what) => {
    const answered = () => fixture.publisher.json(`${base}/command/answers`).length;
    const payload = what();
    for (let sent = 0; sent < 1_000; sent++) fixture.publisher.others(topic, payload);
    await fixture.clock.advance(100);
    expect(answered()).toBeLessThanOrEqual(202);
    expect(fixture.bites.length).toBeGreaterThanOrEqual(798);
    expect(fixture.bites[0]).toMatchObject({ limit: 'device_messages', source: topic });
    await fixture.clock.advance(1_000);
    expect(await say(unlock())).toMatchObject({ status: 'accepted' });
    expect(commands()).toBe(1);
  });

  it('does not read what is longer than any command, not even for its id', async () => {
    const answer = await say(unlock({ more: 'x'.repeat(100_000) }));
    expect(answer).toMatchObject({ id: null, status: 'refused', error: { type: 'invalid_input' } });
    expect(commands()).toBe(0);
  });
});
