import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/contract/index.ts';
import { fc } from '../../../test/kit/seeded-properties.ts';
import { complaintAbout } from './bridge-complaint.ts';
import { doorCommand, parseOnline, parseState, pinClear, pinRead, pinWrite, stateRead } from './codec.ts';

interface StateVector {
  readonly payload: string;
  readonly bolt?: string;
  readonly battery?: number;
  readonly noise?: number;
  readonly event?: object;
  readonly slots?: Record<string, string>;
}
interface LogVector {
  readonly message: string;
  readonly reason: string;
  readonly verb?: string;
  readonly key?: string;
}

const vectors = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`./vectors/${name}`, import.meta.url), 'utf8'));
const states = vectors('states.json') as { messages: StateVector[]; notMessages: string[] };
const logging = vectors('bridge-logging.json') as { about: string; lines: LogVector[]; notAbout: string[] };
const logLine = (message: unknown, level = 'error') => Buffer.from(JSON.stringify({ level, message }));

describe('what is sent', () => {
  it('is exactly what Zigbee2MQTT takes', () => {
    expect(doorCommand('UNLOCK')).toBe('{"state":"UNLOCK"}');
    expect(stateRead).toBe('{"state":""}');
    expect(pinRead(1)).toBe('{"pin_code":{"user":1}}');
    expect(pinClear(1)).toBe('{"pin_code":{"user":1,"pin_code":null}}');
    expect(pinWrite(1, new Secret('0472'))).toBe(
      '{"pin_code":{"user":1,"user_type":"unrestricted","user_enabled":true,"pin_code":"0472"}}',
    );
  });
});

describe('what is heard', () => {
  it.each(states.messages)('is read: $payload', ({ payload, slots = {}, event, ...expected }) => {
    const message = parseState(Buffer.from(payload));
    const { bolt, battery, noise } = message ?? {};
    expect({ bolt, battery, noise }).toEqual({ bolt: undefined, battery: undefined, noise: undefined, ...expected });
    expect(message?.event).toEqual(event);
    expect(Object.fromEntries([...(message?.slots ?? [])].map(([slot, { status }]) => [slot, status]))).toEqual(slots);
  });

  it.each(states.notMessages)('is left alone when it is no message: %j', (payload) => {
    expect(parseState(Buffer.from(payload))).toBeUndefined();
  });

  it('a code that is shown is a secret, and one beside an empty slot is old', () => {
    const message = parseState(
      Buffer.from('{"users":{"1":{"status":"enabled","pin_code":"0472"},"2":{"status":"available","pin_code":5}}}'),
    );
    expect(message?.slots.get(1)?.code?.reveal()).toBe('0472');
    expect(message?.slots.get(2)?.code).toBeUndefined();
    expect(JSON.stringify([...(message?.slots ?? [])])).not.toContain('0472');
  });

  it.each([
    ['{"state":"online"}', 'online'],
    ['{"state":"offline"}', 'offline'],
    ['online', 'online'],
    ['{"state":"asleep"}', undefined],
    ['', undefined],
  ])('availability %s is %s', (payload, expected) => {
    expect(parseOnline(Buffer.from(payload))).toBe(expected);
  });

  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    action: ['', 5, null, [], {}],
    battery: ['87', -1, 101, true, null, []],
    battery_low: ['true', 1, null],
    tamper: ['on', 0, null],
    door_state: ['', 1, false],
    auto_relock_time: [-1, 1.5, '30', 1e300, null],
    noise: ['loud', '', '1e3', '--5', null, true],
    device: [null, [], 'lock', {}, { ieeeAddr: 5 }],
    last_seen: [true, null, {}],
    linkquality: ['120', null, []],
    last_unlock_user: [1.5, '', 'x', '-1', null],
    last_lock_source: ['', 3, null],
    users: [null, [], 'all', 3],
  };
  it.each(Object.entries(wrong).flatMap(([key, values]) => values.map((value) => [key, value])))(
    'leaves out %s where it is %j, and reads the rest',
    (key, value) => {
      const read = (more: object) => parseState(Buffer.from(JSON.stringify({ state: 'LOCK', ...more })));
      expect({ ...read({ [String(key)]: value }), kept: undefined }).toEqual({ ...read({}), kept: undefined });
    },
  );

  it.each([
    ['battery', 0, { battery: 0 }],
    ['battery', 100, { battery: 100 }],
    ['noise', '-3.5', { noise: -3.5 }],
    ['noise', 41, { noise: 41 }],
    ['auto_relock_time', 0, { autoRelockS: 0 }],
    ['last_seen', '', { lastSeen: '' }],
    ['last_seen', 1_700, { lastSeen: 1_700 }],
    ['linkquality', 0, { linkQuality: 0 }],
    ['device', { ieeeAddr: '0xAB' }, { ieeeAddress: '0xab' }],
    ['last_unlock_user', '7', { lastUnlock: { method: 'unknown', slot: undefined } }],
  ])('reads %s of %j', (key, value, expected) => {
    expect(parseState(Buffer.from(JSON.stringify({ [key]: value })))).toMatchObject(expected);
  });

  it('never throws, whatever somebody publishes', () => {
    const key = fc.constantFrom(
      'state',
      'lock_state',
      'users',
      'action',
      'action_user',
      'battery',
      'noise',
      '__proto__',
    );
    const anything = fc.oneof(
      fc.json(),
      fc.dictionary(key, fc.jsonValue()).map((value) => JSON.stringify(value)),
      fc.string(),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          anything.map((text) => Buffer.from(text)),
          fc.uint8Array().map(Buffer.from),
        ),
        (payload) => {
          parseState(payload);
          parseOnline(payload);
          complaintAbout('Front Door', payload);
        },
      ),
    );
  });
});

describe('the bridge’s error log', () => {
  it.each(logging.lines)('is understood: $message', ({ message, reason, verb, key }) => {
    expect(complaintAbout(logging.about, logLine(message))).toEqual({ reason, verb, key });
    expect(complaintAbout(logging.about, logLine(message, 'info'))).toBeUndefined();
  });

  it.each(logging.notAbout)('is not taken for another device’s: %s', (message) => {
    expect(complaintAbout(logging.about, logLine(message))).toBeUndefined();
  });

  it('matches exactly the quoted name, whatever other names contain', () => {
    const name = fc.string({ minLength: 1 });
    fc.assert(
      fc.property(name, name, (ours, theirs) => {
        fc.pre(ours !== theirs && !theirs.includes("'"));
        const line = logLine(`z2m: Publish 'set' 'state' to '${theirs}' failed: 'Error: timed out after 10000ms'`);
        expect(complaintAbout(ours, line)).toBeUndefined();
        expect(complaintAbout(theirs, line)).toMatchObject({ reason: 'no_answer' });
      }),
    );
  });
});
