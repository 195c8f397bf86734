import { batch } from '@preact/signals';
import { ApiError, call, sessionHeaders } from './api.ts';
import type { Attempt, Box, Device, GatewayEvent } from './objects.ts';
import {
  connection,
  deviceOf,
  endSession,
  isLoaded,
  putAttempts,
  putBox,
  putDevices,
  putEvents,
  replaceDevices,
  returns,
} from './state.ts';

/** The gateway gives a sign of life each 10 s; a connection without one for longer is dead, in milliseconds. */
const SILENCE_MS = 22_000;
const AGAIN_MS = [300, 700, 1_500, 2_000] as const;

interface Message {
  readonly event: string;
  readonly data: unknown;
}

let stop: AbortController | undefined;

let gathered: Message[] = [];

/** Follows the gateway until the session ends. */
export function follow(): void {
  stop?.abort();
  stop = new AbortController();
  void followUntil(stop.signal);
}

export function unfollow(): void {
  stop?.abort();
  stop = undefined;
  gathered = [];
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
      if (!signal.aborted) endSession();
      return;
    }
    if (!response.ok || response.body === null) return;
    // What comes while the lists are loaded is newer than they are, and waits for them.
    const early: Message[] = [];
    let deliver = (message: Message): void => void early.push(message);
    const loaded = load(both).then((put) => {
      // Of a session that is over, or of a connection that is.
      if (both.aborted) return;
      deliver = gather;
      batch(() => {
        put();
        isLoaded.value = true;
        if (connection.value.status === 'lost') returns.value += 1;
        connection.value = { status: 'live' };
      });
      for (const message of early) gather(message);
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

async function load(signal: AbortSignal): Promise<() => void> {
  const wanted = { limit: 50, doors_only: true };
  const [{ devices }, { attempts }] = await Promise.all([
    listDevices(signal),
    call<{ attempts: Attempt[] }>('/strikeplate/attempts/list', wanted, {}, signal).catch((error) => {
      if (error instanceof ApiError && error.status === 403) return { attempts: [] };
      throw error;
    }),
  ]);
  return () => {
    replaceDevices(devices);
    putAttempts(attempts, { areNew: true });
  };
}

const listDevices = (signal: AbortSignal) => call<{ devices: Device[] }>('/devices/list', { limit: 1_000 }, {}, signal);

let asking: AbortController | undefined;

/** In which spaces the devices are. All else of a device comes live, and may be newer there than in the list. */
function spacesAgain(): void {
  const session = stop?.signal;
  if (session === undefined) return;
  // A newer question: what the older one would answer is old.
  asking?.abort();
  asking = new AbortController();
  const signal = AbortSignal.any([session, asking.signal]);
  listDevices(signal).then(
    ({ devices }) => {
      if (signal.aborted) return;
      putDevices(
        devices.flatMap((listed) => {
          const known = deviceOf(listed.device_id)?.value;
          if (known === undefined) return listed;
          return listed.space_ids === undefined ? [] : { ...known, space_ids: listed.space_ids };
        }),
      );
    },
    // The next connection brings them.
    () => undefined,
  );
}

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
        if (events.some(({ event_type: type }) => type.startsWith('space.'))) spacesAgain();
      } else if (event === 'box') putBox(data as Box);
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
