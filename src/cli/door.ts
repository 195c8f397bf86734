import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { ApiConnection } from './api-connection.ts';
import { describeOutcome } from './attempt-words.ts';
import { type ConnectOptions, connect } from './connect.ts';
import { type ExitCode, exitCodes } from './exit.ts';
import { findDevice } from './find-device.ts';
import { json, type Terminal } from './terminal.ts';
import { type AttemptAnswer, attemptAnswer } from './wire.ts';

/** How often an attempt that outlived the held request is asked for, in milliseconds. A guess. */
const pollMs = 250;

/** The longest that the gateway holds a request, in seconds. */
const longestHoldS = 25;

export interface DoorOptions extends ConnectOptions {
  readonly json?: boolean;
  /** Whether to wait for the end of the attempt. */
  readonly wait: boolean;
  /** How long to wait, in seconds. */
  readonly timeout: number;
}

const one = z.object({ action_attempt: attemptAnswer });

/** Locks or unlocks, waits for the end, and tells the truth about it in words and by the exit code. */
export async function commandDoor(
  terminal: Terminal,
  action: 'lock' | 'unlock',
  wanted: string,
  options: DoorOptions,
): Promise<ExitCode> {
  const api = await connect(terminal, options);
  const device = await findDevice(api, wanted);
  const startedAt = performance.now();
  const holdS = options.wait ? Math.min(options.timeout, longestHoldS) : 0;
  const { action_attempt: accepted } = await api.post(`/locks/${action}_door`, { device_id: device.device_id }, one, {
    prefer: holdS === 0 ? 'respond-async' : `wait=${holdS}`,
    'idempotency-key': randomUUID(),
  });
  const attempt = options.wait ? await outcome(api, accepted, startedAt + options.timeout * 1_000) : accepted;
  if (options.json) terminal.out(json(attempt));
  else {
    const { text, good } = describeOutcome(attempt, device, performance.now() - startedAt);
    if (good) terminal.out(text);
    else terminal.err(text);
  }
  if (attempt.status === 'pending') return options.wait ? exitCodes.pending : exitCodes.ok;
  return attempt.status === 'success' ? exitCodes.ok : exitCodes.failed;
}

async function outcome(api: ApiConnection, accepted: AttemptAnswer, until: number): Promise<AttemptAnswer> {
  let attempt = accepted;
  while (attempt.status === 'pending' && performance.now() < until) {
    await sleep(pollMs);
    const query = { action_attempt_id: accepted.action_attempt_id };
    attempt = (await api.get('/action_attempts/get', query, one)).action_attempt;
  }
  return attempt;
}
