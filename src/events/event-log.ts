import type { Logger } from 'pino';
import type { Clock, LimitBite, LimitName, Timer, Unsubscribe } from '../contract/index.ts';
import type { EventRecorder } from '../model/event-recorder.ts';
import type { EventDraft } from '../model/event-types.ts';
import type { Events } from '../model/gateway.ts';
import type { EventRecord } from '../model/records.ts';
import type { Change, EventQuery, Store } from '../model/store.ts';

export interface EventLogOptions {
  readonly clock: Clock;
  readonly store: Store;
  readonly log: Logger;
  /** UUIDv7 */
  readonly newId: () => string;
}

/** What happened, in the order in which it reached the disk. */
export class EventLog implements Events, EventRecorder {
  readonly #options: EventLogOptions;
  readonly #listeners = new Set<(event: EventRecord) => void>();
  readonly #stopHearing: Unsubscribe;

  constructor(options: EventLogOptions) {
    this.#options = options;
    this.#stopHearing = options.store.onEvents((events) => {
      for (const event of events) for (const listener of this.#listeners) this.#tell(listener, event);
    });
  }

  record(draft: EventDraft): Change {
    const { clock, newId } = this.#options;
    const { eventType, deviceId, accessCodeId, actionAttemptId, noiseThresholdId, occurredAt } = draft;
    const { accessGrantId, accessMethodId, spaceId } = draft;
    return {
      kind: 'event_put',
      event: {
        eventId: newId(),
        eventType,
        deviceId,
        accessCodeId,
        actionAttemptId,
        noiseThresholdId,
        accessGrantId,
        accessMethodId,
        spaceId,
        occurredAt,
        createdAt: clock.wallTime(),
        details: { ...draft.details },
      },
    };
  }

  /**
   * Writes events down that belong to no commit of somebody's, with what has to be known of them. What finds no room
   * is lost, and the log says so.
   */
  append(drafts: readonly EventDraft[], also: readonly Change[] = []): void {
    if (drafts.length + also.length === 0) return;
    const { store, log } = this.#options;
    store.commit([...drafts.map((draft) => this.record(draft)), ...also]).catch((error: unknown) => {
      const eventTypes = drafts.map(({ eventType }) => eventType);
      log.error({ err: error, eventTypes }, 'events could not be written down and are lost');
    });
  }

  get(eventId: string): EventRecord | undefined {
    return this.#options.store.read.event(eventId);
  }

  list(query: EventQuery): EventRecord[] {
    return this.#options.store.read.events(query);
  }

  after(seq: number, limit: number): EventRecord[] {
    return this.#options.store.read.eventsAfter(seq, limit);
  }

  get highestSeq(): number {
    return this.#options.store.read.highestEventSeq();
  }

  onEvent(listener: (event: EventRecord) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#stopHearing();
  }

  /** One that fails keeps nobody else from hearing, and no commit from being answered. */
  #tell(listener: (event: EventRecord) => void, event: EventRecord): void {
    try {
      listener(event);
    } catch (error) {
      this.#options.log.error({ err: error, eventType: event.eventType }, 'telling of an event failed');
    }
  }
}

/** How often the same limit is logged again while it bites, in milliseconds. */
const TELL_EVERY_MS = 60_000;
/** After so long without a bite the next one is a new incident, with an event of its own. Milliseconds. A guess. */
const OVER_AFTER_MS = 600_000;
/** Sources remembered; a flood from many addresses must not become a flood of log lines either. */
const MAX_SOURCES = 64;

interface Incident {
  bitAt: number;
  toldAt: number;
  /** Bites since it was told last. */
  untold: number;
  last: LimitBite;
}

export interface LimitNoticesOptions {
  readonly clock: Clock;
  readonly log: Logger;
}

/** Tells of limits that bite: a log line at once and then at most each minute, an event for each incident, a count. */
export class LimitNotices {
  readonly #options: LimitNoticesOptions;
  readonly #totals = new Map<LimitName, number>();
  readonly #incidents = new Map<string, Incident>();
  #append: ((drafts: readonly EventDraft[]) => void) | undefined;
  #timer: Timer | undefined;

  constructor(options: LimitNoticesOptions) {
    this.#options = options;
  }

  /** Where events go, once there is a log of events. What bites before is logged and counted alone. */
  tellEvents(append: (drafts: readonly EventDraft[]) => void): void {
    this.#append = append;
  }

  /** How often each limit bit since the start. */
  get totals(): ReadonlyMap<LimitName, number> {
    return this.#totals;
  }

  bit(bite: LimitBite): void {
    const { limit, count = 1 } = bite;
    this.#totals.set(limit, (this.#totals.get(limit) ?? 0) + count);
    const { clock } = this.#options;
    const now = clock.now();
    const incident = this.#incidentOf(bite, now);
    incident.last = bite;
    incident.untold += count;
    incident.bitAt = now;
    if (now - incident.toldAt >= TELL_EVERY_MS) this.#tell(incident, now);
    else this.#timer ??= clock.setTimer(() => this.#tellWaiting(), TELL_EVERY_MS);
  }

  close(): void {
    this.#timer?.cancel();
    this.#append = undefined;
  }

  #incidentOf(bite: LimitBite, now: number): Incident {
    const key = this.#keyOf(bite);
    const known = this.#incidents.get(key);
    if (known !== undefined && now - known.bitAt < OVER_AFTER_MS) return known;
    const incident: Incident = { bitAt: now, toldAt: Number.NEGATIVE_INFINITY, untold: 0, last: bite };
    this.#incidents.set(key, incident);
    const { clock } = this.#options;
    const { limit, source, deviceId, message } = bite;
    this.#append?.([
      {
        eventType: 'strikeplate.gateway.limit_reached',
        ...(deviceId !== undefined && { deviceId }),
        occurredAt: clock.wallTime(),
        details: { limit, source, message },
      },
    ]);
    return incident;
  }

  /** One incident per limit and source; one more for all sources that are too many to be told apart. */
  #keyOf({ limit, source }: LimitBite): string {
    const key = `${limit} ${source}`;
    if (this.#incidents.has(key) || this.#incidents.size < MAX_SOURCES) return key;
    this.#forgetOld();
    return this.#incidents.size < MAX_SOURCES ? key : limit;
  }

  #forgetOld(): void {
    const now = this.#options.clock.now();
    for (const [key, { bitAt, untold }] of this.#incidents)
      if (untold === 0 && now - bitAt >= OVER_AFTER_MS) this.#incidents.delete(key);
  }

  #tellWaiting(): void {
    this.#timer = undefined;
    const now = this.#options.clock.now();
    let waiting = false;
    for (const incident of this.#incidents.values()) {
      if (incident.untold === 0) continue;
      if (now - incident.toldAt >= TELL_EVERY_MS) this.#tell(incident, now);
      else waiting = true;
    }
    this.#forgetOld();
    if (waiting) this.#timer = this.#options.clock.setTimer(() => this.#tellWaiting(), TELL_EVERY_MS);
  }

  #tell(incident: Incident, now: number): void {
    const { limit, source, deviceId, message } = incident.last;
    const times = incident.untold;
    incident.toldAt = now;
    incident.untold = 0;
    this.#options.log.warn({ limit, source, times, ...(deviceId !== undefined && { deviceId }) }, message);
  }
}
