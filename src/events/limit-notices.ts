import type { Logger } from 'pino';
import type { Clock, LimitBite, LimitName, Timer } from '../contract/index.ts';
import type { EventDraft } from '../model/event-types.ts';

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
