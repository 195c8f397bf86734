import { batch } from '@preact/signals';
import { ApiError, call, sessionHeaders } from './api.ts';
import type { Attempt, Box, Device, GatewayEvent } from './objects.ts';
import { box, connection, isLoaded, putAttempts, putDevices, putEvents, replaceDevices, session } from './state.ts';

/** The gateway gives a sign of life each 10 s; a connection without one for longer is dead, in milliseconds. */
const SILENCE_MS = 22_000;
const AGAIN_MS = [300, 700, 1_500, 2_000] as const;

interface Message {
  readonly event: string;
  readonly data: unknown;
}

let stop: AbortController | undefined;

/** Follows the gateway until the session ends. */
export function follow(): void {
  stop?.abort();
  stop = new AbortController();
  void followUntil(stop.signal);
}

export function unfollow(): void {
  stop?.abort();
  stop = undefined;
}

async function followUntil(signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    const began = Date.now();
    try {
      await followOnce(signal);
    } catch {
      // What happened is seen by the next try.
    }
    if (signal.aborted) return;
    if (Date.now() - began > 30_000) failures = 0;
    if (connection.value.status !== 'lost') connection.value = { status: 'lost', since: Date.now() };
    await pause(AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)] ?? 2_000, signal);
    failures += 1;
  }
}

async function followOnce(signal: AbortSignal): Promise<void> {
  const silence = new AbortController();
  let watchdog = setTimeout(() => silence.abort(), SILENCE_MS);
  const both = AbortSignal.any([signal, silence.signal]);
  try {
    const response = await fetch('/strikeplate/live', { headers: sessionHeaders, cache: 'no-store', signal: both });
    if (response.status === 401) {
      session.value = undefined;
      return;
    }
    if (!response.ok || response.body === null) return;
    // What comes while the lists are loaded is newer than they are, and waits for them.
    const early: Message[] = [];
    let deliver = (message: Message): void => void early.push(message);
    const loaded = load().then(() => {
      deliver = gather;
      for (const message of early) gather(message);
      batch(() => {
        isLoaded.value = true;
        connection.value = { status: 'live' };
      });
    });
    // A list that did not come ends the connection: the next one tries again.
    loaded.catch(() => silence.abort());
    for await (const message of messages(response.body)) {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => silence.abort(), SILENCE_MS);
      deliver(message);
    }
  } finally {
    clearTimeout(watchdog);
  }
}

async function load(): Promise<void> {
  const [{ devices }, { attempts }] = await Promise.all([
    listDevices(),
    call<{ attempts: Attempt[] }>('/strikeplate/attempts/list', { limit: 50, doors_only: true }).catch((error) => {
      if (error instanceof ApiError && error.status === 403) return { attempts: [] };
      throw error;
    }),
  ]);
  replaceDevices(devices);
  putAttempts(attempts, { areNew: true });
}

const listDevices = () => call<{ devices: Device[] }>('/devices/list', { limit: 1_000 });

const devicesAgain = (): Promise<void> =>
  listDevices().then(
    ({ devices }) => putDevices(devices),
    // The next connection brings them.
    () => undefined,
  );

async function* messages(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Message> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) };
    }
  }
}

let gathered: Message[] = [];

/** Everything that comes within one frame is drawn once. */
function gather(message: Message): void {
  gathered.push(message);
  if (gathered.length > 1) return;
  // A page in the background has no frames, and must not gather for ever.
  if (document.hidden) setTimeout(apply, 250);
  else requestAnimationFrame(apply);
}

function apply(): void {
  const now = gathered;
  gathered = [];
  batch(() => {
    for (const { event, data } of now) {
      if (event === 'devices') putDevices((data as { devices: Device[] }).devices);
      else if (event === 'attempts') putAttempts((data as { attempts: Attempt[] }).attempts, { areNew: true });
      else if (event === 'events') {
        const { events } = data as { events: GatewayEvent[] };
        putEvents(events);
        // A device that comes to a space or leaves it is not told of by itself.
        if (events.some(({ event_type: type }) => type.startsWith('space.'))) void devicesAgain();
      } else if (event === 'box') box.value = data as Box;
    }
  });
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
