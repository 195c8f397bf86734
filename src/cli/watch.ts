import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { ApiConnection } from './api-connection.ts';
import { outcomeInShort } from './attempt-words.ts';
import { type ConnectOptions, connect } from './connect.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { allDevices, slugOf } from './find-device.ts';
import { clip, columnsOf, localTime, shortId, type Terminal, table } from './terminal.ts';
import { type DeviceAnswer, type OwnAttempt, ownAttempt } from './wire.ts';

/** How often the gateway is asked, in milliseconds. A guess: quick to the eye, and two requests a second. */
const EVERY_MS = 1_000;
/** Attempts that are asked for. */
const ATTEMPTS = 50;

export interface WatchOptions extends ConnectOptions {
  readonly json?: boolean;
}

interface Seen {
  readonly devices: readonly DeviceAnswer[];
  readonly attempts: readonly OwnAttempt[];
}

/**
 * Doors and attempts as they change: a screen where there is one, which `q` ends; elsewhere a line for each change, until
 * it is stopped.
 */
export async function watch(terminal: Terminal, options: WatchOptions, signal: AbortSignal): Promise<ExitCode> {
  const api = await connect(terminal, options);
  const { openScreen } = terminal;
  if (openScreen === undefined || options.json) return tellChanges(terminal, api, options, signal);
  let seen = await look(api);
  let trouble: string | undefined;
  let isPaused = false;
  const quit = new AbortController();
  const stop = () => quit.abort();
  signal.addEventListener('abort', stop, { once: true });
  const screen = openScreen();
  const draw = () => screen.draw(frame(seen, screen.size(), { url: api.url, trouble, isPaused, now: Date.now() }));
  screen.onResize(draw);
  screen.onKey((key) => {
    if (key === 'q' || key === '\u0003') stop();
    if (key === ' ' || key === 'p') isPaused = !isPaused;
    draw();
  });
  try {
    while (!quit.signal.aborted) {
      draw();
      await sleep(EVERY_MS, undefined, { signal: quit.signal }).catch(() => undefined);
      if (isPaused || quit.signal.aborted) continue;
      try {
        seen = await look(api);
        trouble = undefined;
      } catch (error) {
        // A gateway that is being restarted is looked for again.
        if (!(error instanceof CommandError) || error.exitCode !== exitCodes.unreachable) throw error;
        trouble = error.message;
      }
    }
    return exitCodes.ok;
  } finally {
    signal.removeEventListener('abort', stop);
    screen.close();
  }
}

async function look(api: ApiConnection): Promise<Seen> {
  const [devices, { attempts }] = await Promise.all([
    allDevices(api),
    api.get('/strikeplate/attempts/list', { limit: String(ATTEMPTS) }, z.object({ attempts: z.array(ownAttempt) })),
  ]);
  return { devices, attempts };
}

interface Around {
  readonly url: string;
  readonly trouble: string | undefined;
  readonly isPaused: boolean;
  readonly now: number;
}

/** What the screen shows: no line is wider, and there are no more lines, than there is room for. */
export function frame(
  { devices, attempts }: Seen,
  { columns, rows }: { readonly columns: number; readonly rows: number },
  { url, trouble, isPaused, now }: Around,
): string[] {
  const offline = devices.filter(({ properties }) => !properties.online).length;
  const pending = attempts.filter(({ status }) => status === 'pending').length;
  const head = [
    `${url}  ${localTime(now)}${isPaused ? '  paused' : ''}`,
    trouble ??
      `${devices.length} devices, ${offline} not reachable, ${pending} attempts under way   q ends, space pauses`,
    '',
  ];
  const room = Math.max(0, rows - head.length);
  // Half of the screen is the doors' at most, so that what happens to them has the rest.
  const doors = deviceRows(devices);
  const doorRoom = Math.min(doors.length, Math.max(2, Math.floor(room / 2)));
  const names = new Map(devices.map((device) => [device.device_id, slugOf(device)]));
  const told = attemptRows(attempts, names).slice(0, Math.max(0, room - doorRoom - 1));
  const more = doors.length > doorRoom ? [`… and ${doors.length - doorRoom + 1} more`] : [];
  const shown = [...doors.slice(0, doorRoom - more.length), ...more];
  return [...head, ...shown, '', ...told].slice(0, rows).map((line) => clip(line, columns));
}

/** Those that need somebody first. */
function deviceRows(devices: readonly DeviceAnswer[]): string[] {
  const sorted = [...devices].sort((a, b) => Number(a.properties.online) - Number(b.properties.online));
  return table([
    ['DEVICE', 'STATE', 'DOOR', 'BATTERY', 'HEALTH'],
    ...sorted.map((device) => [slugOf(device), ...stateOf(device)]),
  ]);
}

export function stateOf({ properties }: DeviceAnswer): [state: string, door: string, battery: string, health: string] {
  const {
    strikeplate_metadata: own,
    noise_level_decibels: noise,
    battery_level: battery,
    door_open: door,
  } = properties;
  const state = noise === undefined ? (own.lock_state ?? '-') : `${noise.toFixed(1)} ${own.noise_metric ?? 'dB'}`;
  const health = own.out_of_service
    ? 'out of service'
    : own.health_reason === null
      ? own.health
      : `${own.health} (${own.health_reason})`;
  return [
    state,
    door === undefined ? '-' : door ? 'open' : 'closed',
    battery === undefined ? '-' : `${Math.round(battery * 100)} %`,
    health,
  ];
}

function attemptRows(attempts: readonly OwnAttempt[], names: ReadonlyMap<string, string>): string[] {
  return table([
    ['TIME', 'DEVICE', 'ACTION', 'OUTCOME', 'ID'],
    ...attempts.map((attempt) => [
      localTime(Date.parse(attempt.accepted_at)),
      names.get(attempt.device_id) ?? '-',
      attempt.action_type,
      outcomeInShort(attempt),
      shortId(attempt.action_attempt_id),
    ]),
  ]);
}

/** For a file or a pipe: what changed, a line each. */
async function tellChanges(
  terminal: Terminal,
  api: ApiConnection,
  { json = false }: WatchOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  const told = new Map<string, string>();
  const width = columnsOf(terminal);
  const tell = (key: string, words: string, whole: unknown) => {
    if (told.get(key) === words) return;
    told.set(key, words);
    terminal.out(json ? JSON.stringify(whole) : clip(`${localTime(Date.now())}  ${words}`, width));
  };
  while (!signal.aborted) {
    const { devices, attempts } = await look(api);
    const names = new Map(devices.map((device) => [device.device_id, slugOf(device)]));
    for (const device of devices) {
      const [state, door, , health] = stateOf(device);
      // A level changes all the time: of a sensor its health alone is a change.
      const said = device.properties.noise_level_decibels === undefined ? `${state}, door ${door}, ` : '';
      tell(device.device_id, `${slugOf(device)}: ${said.replace(', door -', '')}${health}`, { device });
    }
    for (const attempt of [...attempts].reverse()) {
      const name = names.get(attempt.device_id) ?? attempt.device_id;
      const words = `${name}: ${attempt.action_type} ${outcomeInShort(attempt)} (${shortId(attempt.action_attempt_id)})`;
      tell(attempt.action_attempt_id, words, { attempt });
    }
    await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
  return exitCodes.ok;
}
