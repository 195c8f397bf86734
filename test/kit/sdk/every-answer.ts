import { appendFileSync } from 'node:fs';
import { ServerResponse } from 'node:http';
import { afterAll } from 'vitest';
import { EventLog } from '../../../src/events/event-log.ts';
import type { EventRecord } from '../../../src/model/records.ts';

/*
 * Every test file is set up with this: each answer of a gateway that runs in the test's process, and each event that is
 * written down, is held against the published schemas when the file's tests are over. Nobody has to remember it.
 */

const answers = new Map<string, Set<string>>();
const events = new Map<string, EventRecord>();
let answered = 0;
let happened = 0;

/** Over a socket the body comes with the end, in a request without one with a write before it. */
function noted(response: ServerResponse, body: unknown): void {
  // Tests also play servers that are no gateway; each answer of a gateway says `ok`, which the route table holds it to.
  const isAnswer = typeof body === 'string' && body.startsWith('{') && body.includes('"ok":true');
  if (response.statusCode !== 200 || !isAnswer) return;
  const path = (response.req?.url ?? '').split('?', 1)[0] ?? '';
  const bodies = answers.get(path) ?? new Set();
  answers.set(path, bodies.add(body));
  answered++;
}

const { write, end } = ServerResponse.prototype;
for (const [method, original] of Object.entries({ write, end })) {
  Object.defineProperty(ServerResponse.prototype, method, {
    configurable: true,
    writable: true,
    value(this: ServerResponse, ...args: unknown[]) {
      noted(this, args[0]);
      return Reflect.apply(original, this, args);
    },
  });
}

const { record } = EventLog.prototype;
EventLog.prototype.record = function (this: EventLog, draft) {
  const change = Reflect.apply(record, this, [draft]);
  if (change.kind === 'event_put') {
    const { event } = change;
    const shape = `${event.eventType} ${Object.keys(event.details).sort()} ${event.deviceId === undefined} ${event.accessCodeId === undefined}`;
    events.set(shape, { ...event, seq: 0 });
    happened++;
  }
  return change;
};

afterAll(async () => {
  // The process may go on with another file, which has its own.
  Object.assign(ServerResponse.prototype, { write, end });
  if (answers.size + events.size === 0) return;
  const { knownDifferences, PublishedSchemas } = await import('./published-schemas.ts');
  const { eventAsShown } = await import('./event-as-shown.ts');
  const schemas = new PublishedSchemas();
  const known = knownDifferences();
  const unexplained = new Set<string>();
  const kinds = new Set<string>();
  const judge = (what: string, differences: ReturnType<typeof schemas.event>) => {
    if (differences === undefined) return;
    kinds.add(what);
    for (const { at, how, found } of differences) {
      const anyMember = `${at.split('.').slice(0, -1).join('.')}.*`;
      if (!known.has(`${at} ${how}`) && !known.has(`${anyMember} ${how}`)) unexplained.add(`${at} ${how} (${found})`);
    }
  };
  for (const [path, bodies] of answers) {
    for (const body of bodies) {
      const parsed: unknown = JSON.parse(body);
      const ofEvents = eventsIn(parsed);
      if (ofEvents.length === 0) judge(path, schemas.answer(path, parsed));
      for (const event of ofEvents) judge(`event ${event.event_type}`, schemas.event(event));
    }
  }
  for (const event of events.values()) judge(`event ${event.eventType}`, schemas.event(eventAsShown(event)));
  const figures = process.env.STRIKEPLATE_SCHEMA_FIGURES;
  if (figures !== undefined) {
    appendFileSync(
      figures,
      `${JSON.stringify({ kinds: [...kinds], answered, happened, unexplained: [...unexplained] })}\n`,
    );
  }
  if (unexplained.size > 0) {
    throw new Error(
      `Not as ${schemas.source} has it, and not in docs/http-api.md, "Beside the published schema":\n  ` +
        [...unexplained].sort().join('\n  '),
    );
  }
});

function eventsIn(body: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (typeof body !== 'object' || body === null) return [];
  if ('events' in body && Array.isArray(body.events)) return body.events;
  if ('event' in body && typeof body.event === 'object' && body.event !== null) return [{ ...body.event }];
  return [];
}
