import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { base, monitorFixture } from '../../test/kit/gateway/monitor-fixture.ts';
import { fc } from '../../test/kit/seeded-properties.ts';
import { GatewayError } from '../contract/index.ts';
import { maskedLine } from './gateway-topics.ts';
import { LogTap } from './log-tap.ts';

const names = new Set(['room-1204']);

/** What pino makes of it, and what the monitor tells of that. */
function told(log: (logger: ReturnType<typeof pino>) => void): string[] {
  const lines: string[] = [];
  log(pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) }));
  return lines.map((line) => JSON.stringify(maskedLine(line, names)));
}

describe('the log topic', () => {
  it('tells warnings and errors only', async () => {
    const { log, publisher, clock } = await monitorFixture();
    publisher.connect();
    log.info('nothing');
    log.debug('less');
    log.warn({ device: 'front', why: 'it hangs' }, 'device is closed and opened again');
    log.error(
      { err: new GatewayError('misconfigured', 'Key refused. Pair it again.') },
      'the device could not be opened',
    );
    await clock.advance(5);
    expect(publisher.json(`${base}/log`)).toEqual([
      { ts: expect.any(String), level: 'warn', msg: 'device is closed and opened again', device: 'front' },
      {
        ts: expect.any(String),
        level: 'error',
        msg: 'the device could not be opened',
        error: { type: 'GatewayError', message: 'Key refused. Pair it again.' },
      },
    ]);
    const [said] = publisher.on(`${base}/log`);
    expect(said).toMatchObject({ qos: 0, retain: false, expirySeconds: 60 });
  });

  it('tells of errors that are not ours their kind alone', () => {
    expect(told((log) => log.error({ err: new TypeError('Unexpected "pin":"12"') }, 'a driver failed'))).toEqual([
      expect.stringMatching(/"msg":"a driver failed","error":\{"type":"TypeError"\}\}$/),
    ]);
  });

  it('keeps names of the configuration and ids', () => {
    const actionAttemptId = '019a0b1c-1234-7000-8000-000000000042';
    expect(told((log) => log.warn({ device: 'room-1204', actionAttemptId }, 'x'))).toEqual([
      expect.stringContaining(`"device":"room-1204","action_attempt_id":"${actionAttemptId}"`),
    ]);
  });

  it('never tells digits that could be a code, whatever is logged', () => {
    const code = fc.stringMatching(/^\d{4,12}$/);
    const field = fc.constantFrom('device', 'driver', 'link', 'broker', 'reason', 'actionAttemptId', 'code', 'payload');
    fc.assert(
      fc.property(code, field, fc.string(), fc.string(), (digits, name, before, after) => {
        const text = `${before}${digits}${after}`;
        class Spoken extends Error {
          override readonly name = text;
        }
        const lines = told((log) => {
          log.error({ [name]: text, err: new GatewayError('device_rejected', text) }, text);
          log.warn({ err: new Spoken(text), nested: { [name]: text } }, text);
          log.fatal({ err: { type: text, message: text, stack: text } }, text);
        });
        expect(lines).toHaveLength(3);
        // The moment is a number of its own, and no text of anybody's.
        for (const line of lines) expect(line.replace(/"ts":"[^"]*"/, '')).not.toMatch(/\d{4}/);
      }),
      { numRuns: 300 },
    );
  });

  it('says how many lines it left out when they come thick', async () => {
    const { log, publisher, clock } = await monitorFixture();
    publisher.connect();
    for (let line = 0; line < 200; line++) log.warn('again');
    await clock.advance(1_000);
    expect(publisher.on(`${base}/log`)).toHaveLength(20);
    log.warn('at last');
    await clock.advance(5);
    expect(publisher.json(`${base}/log`).at(-1)).toMatchObject({ msg: 'at last', left_out: 180 });
  });

  it('tells the last ones after a connect, in their own time', async () => {
    const { log, publisher, clock } = await monitorFixture();
    for (let line = 0; line < 100; line++) log.warn('again');
    await clock.advance(5);
    expect(publisher.queued).toBe(24);
    publisher.connect();
    expect(publisher.on(`${base}/log`)).toHaveLength(20);
  });
});

describe('LogTap', () => {
  it('keeps the first warnings until somebody listens', () => {
    const tap = new LogTap();
    const log = pino({}, tap.stream);
    log.info('quiet');
    log.warn('early');
    const heard: string[] = [];
    const stop = tap.listen((line) => heard.push(JSON.parse(line).msg));
    log.error('later');
    stop();
    log.error('too late');
    expect(heard).toEqual(['early', 'later']);
  });
});
