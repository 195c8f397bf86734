import type { Logger } from 'pino';
import type { Clock, Unsubscribe } from '../contract/index.ts';
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
