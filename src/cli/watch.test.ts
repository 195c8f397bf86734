import { describe, expect, it } from 'vitest';
import { cliBoxWithGateway, failure, success, wireDevice } from '../../test/kit/command-line/cli-fixture.ts';
import { RecordedTerminal } from '../../test/kit/command-line/recorded-terminal.ts';
import type { Screen } from './terminal.ts';
import { frame, watch } from './watch.ts';
import type { DeviceAnswer, OwnAttempt } from './wire.ts';

const deviceAt = (at: number): DeviceAnswer =>
  ({ ...wireDevice, device_id: `d${at}`, display_name: `Door with a rather long name ${at}` }) as never;
const attemptAt = (at: number): OwnAttempt =>
  ({
    ...{ action_attempt_id: `01a20759-7a3c-7000-8000-${String(at).padStart(12, '0')}`, action_type: 'UNLOCK_DOOR' },
    ...{ status: 'error', result: null, error: { type: 'no_space_for_access_code_on_device', message: '' } },
    ...{ device_id: `d${at}`, accepted_at: '2026-05-01T10:00:00.000Z', by: 'reception' },
  }) as never;
const around = { url: 'http://127.0.0.1:8080', trouble: undefined, isPaused: false, now: 0 };

describe('the screen', () => {
  it.each([
    [80, 24],
    [40, 10],
    [200, 60],
    [20, 3],
    [1, 1],
  ])('of %i by %i is never left', (columns, rows) => {
    for (const many of [0, 1, 7, 300]) {
      const seen = {
        devices: Array.from({ length: many }, (_, at) => deviceAt(at)),
        attempts: Array.from({ length: Math.min(50, many) }, (_, at) => attemptAt(at)),
      };
      const lines = frame(seen, { columns, rows }, around);
      expect(lines.length).toBeLessThanOrEqual(rows);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    }
  });

  it('shows what needs somebody first, and says how many more there are', () => {
    const broken = { ...deviceAt(9), properties: { ...deviceAt(9).properties, online: false } } as DeviceAnswer;
    const devices = [...Array.from({ length: 8 }, (_, at) => deviceAt(at)), broken];
    const lines = frame({ devices, attempts: [attemptAt(1)] }, { columns: 80, rows: 12 }, around);
    expect(lines[1]).toContain('9 devices, 1 not reachable');
    expect(lines.join('\n')).toMatch(/… and \d more/);
  });
});

describe('strikeplate watch', () => {
  async function watched(options: { readonly json?: boolean; readonly screen?: Screen }) {
    const box = await cliBoxWithGateway();
    const terminal = new RecordedTerminal(box.folder, { STRIKEPLATE_URL: box.url, STRIKEPLATE_API_KEY: box.key });
    if (options.screen) Object.assign(terminal, { openScreen: () => options.screen });
    const stop = new AbortController();
    return { ...box, terminal, stop, ended: watch(terminal, options, stop.signal) };
  }
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 10));
  };

  it('tells each change once, a line each, where nobody could press a key', async () => {
    const { terminal, stop, ended, run, gateway } = await watched({});
    await until(() => terminal.outLines.length >= 3);
    gateway.outcome = () => failure('lock_jammed', 'Stuck.');
    await run('unlock', 'front');
    await until(() => terminal.output.includes('UNLOCK_DOOR lock_jammed'));
    stop.abort();
    expect(await ended).toBe(0);
    const told = terminal.outLines.map((line) => line.replace(/^\S+ {2}/, ''));
    expect(new Set(told).size).toBe(told.length);
  });

  it('tells objects where they are asked for', async () => {
    const { terminal, stop, ended, run, gateway } = await watched({ json: true });
    gateway.outcome = () => success(true);
    await run('lock', 'front');
    await until(() => terminal.output.includes('"attempt"'));
    stop.abort();
    await ended;
    for (const line of terminal.outLines) expect(() => JSON.parse(line)).not.toThrow();
  });

  it('draws until q is pressed, and gives the terminal back', async () => {
    const drawn: (readonly string[])[] = [];
    let press: (key: string) => void = () => undefined;
    let isClosed = false;
    const screen: Screen = {
      size: () => ({ columns: 80, rows: 24 }),
      draw: (lines) => drawn.push(lines),
      onKey: (listener) => {
        press = listener;
      },
      onResize: () => undefined,
      close: () => {
        isClosed = true;
      },
    };
    const { ended } = await watched({ screen });
    await until(() => drawn.length > 0);
    press(' ');
    expect(drawn.at(-1)?.[0]).toContain('paused');
    press('q');
    expect([await ended, isClosed]).toEqual([0, true]);
  });
});
