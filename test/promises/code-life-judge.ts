import type { LifeTrace, Wish } from './code-life-run.ts';

type Stretch = readonly [from: number, until: number];

const minute = 60_000;

/** What a gateway may take over a change on a lock that is well: an exchange, a few more, a look every ten minutes. */
const promptMs = 11 * minute;

/** A lock that lost its codes without a word is asked 15 minutes after the last survey at the soonest, when it comes back. */
const lossMs = 24 * 60 * minute + promptMs;

/** How long before its time a code may be on a lock; on one that keeps times it does not open before. */
const leadMs = { plain: 60 * minute, native: 72 * 60 * minute };

/**
 * Every broken promise of a life, by what stood on the keypad over true time; empty when all were kept. Never by what
 * the gateway's own book says.
 */
export function brokenCodePromises(trace: LifeTrace): string[] {
  const all = new Set([...trace.wishes.map(({ digits }) => digits), ...byGateway(trace)]);
  return [
    ...[...all].flatMap((digits) => [...unwanted(trace, digits), ...missing(trace, digits)]),
    ...others(trace),
    ...inTheEnd(trace),
  ];
}

const byGateway = ({ keypad }: LifeTrace): string[] =>
  keypad.changes.filter(({ by, present }) => by === 'gateway' && present).map(({ digits }) => digits);

/** No code outlives its end, or comes before its time, by more than the trouble lasted; and nothing unknown is written. */
function unwanted(trace: LifeTrace, digits: string): string[] {
  const lead = trace.keypad.rules.nativeSchedule ? leadMs.native : leadMs.plain;
  const allowed = trace.wishes.filter((wish) => wish.digits === digits).map((wish) => wantedDuring(wish, trace, lead));
  // A write that was cut short, and that the lock stored wrong, cannot be told from what somebody put there by hand: it
  // is shown, and left alone.
  if (allowed.length === 0 && trace.shownAsForeign.includes(digits)) return [];
  const present = presentDuring(trace, digits, 'gateway');
  return present
    .flatMap((stretch) => without(stretch, allowed))
    .filter((stretch) => well(trace, stretch) > promptMs)
    .map((stretch) => `${digits} stood on the keypad unwanted ${inWords(trace, stretch)}`);
}

/** A wanted code is there, or an event says why it is not. */
function missing(trace: LifeTrace, digits: string): string[] {
  const present = presentDuring(trace, digits);
  return trace.wishes
    .filter((wish) => wish.digits === digits)
    .flatMap((wish) => {
      const [from, until] = wantedDuring(wish, trace, 0);
      return without([from, until], present)
        .filter((stretch) => well(trace, stretch) > (wasLost(trace, digits, stretch) ? lossMs : promptMs))
        .filter((stretch) => !explained(trace, wish, stretch))
        .map((stretch) => `${digits} was wanted and missing ${inWords(trace, stretch)}, and no event says why`);
    });
}

/** What people put on the lock themselves is never touched. */
function others({ keypad }: LifeTrace): string[] {
  const standing = new Map<string, 'gateway' | 'hand'>();
  return keypad.changes.flatMap(({ digits, present, by, at }) => {
    const owner = standing.get(digits);
    if (present) standing.set(digits, by);
    else standing.delete(digits);
    return !present && by === 'gateway' && owner === 'hand' ? [`${digits}, not ours, was removed at ${at}`] : [];
  });
}

/** When all trouble is over, the lock holds exactly what is wanted, and the gateway says so. */
function inTheEnd(trace: LifeTrace): string[] {
  const { until, told, keypad } = trace;
  const wanted = trace.wishes.filter((wish) => {
    const [from] = wantedDuring(wish, trace, 0);
    return from < until && wish.until === undefined && (wish.endsAt === undefined || wish.endsAt > until);
  });
  return wanted.flatMap(({ digits }) => {
    const said = told.find((code) => code.digits === digits);
    if (!said) return [`${digits} is wanted, and the gateway has forgotten it`];
    const stands = [...keypad.entries.values()].some((entry) => entry.digits === digits);
    if (said.status === 'set' && !stands && !isLossUnseen(trace, digits)) {
      return [`${digits} is told as set, and does not stand on the keypad`];
    }
    if (said.status !== 'set' && said.problems.length === 0)
      return [`${digits} is ${said.status}, and nothing says why`];
    return [];
  });
}

/** A lock that lost a code and did not say so is not asked again within the day. */
const isLossUnseen = (trace: LifeTrace, digits: string): boolean => {
  const last = trace.keypad.changes.filter((change) => change.digits === digits).at(-1);
  return last?.by === 'hand' && !last.present;
};

function wantedDuring(wish: Wish, trace: LifeTrace, lead: number): Stretch {
  const from = Math.max(wish.since, wish.startsAt === undefined ? Number.NEGATIVE_INFINITY : wish.startsAt - lead);
  const until = Math.min(wish.endsAt ?? trace.until, wish.until ?? trace.until, trace.until);
  return [from, Math.max(from, until)];
}

function presentDuring({ keypad, until }: LifeTrace, digits: string, by?: 'gateway'): Stretch[] {
  const stretches: Stretch[] = [];
  let since: number | undefined;
  for (const change of keypad.changes) {
    if (change.digits !== digits) continue;
    if (change.present && (by === undefined || change.by === by)) since ??= change.at;
    else if (!change.present && since !== undefined) {
      stretches.push([since, change.at]);
      since = undefined;
    }
  }
  if (since !== undefined) stretches.push([since, until]);
  return stretches;
}

function without(whole: Stretch, parts: readonly Stretch[]): Stretch[] {
  let rest: Stretch[] = [whole];
  for (const [from, until] of parts) {
    rest = rest.flatMap(([a, b]): Stretch[] => [
      [a, Math.min(b, from)],
      [Math.max(a, until), b],
    ]);
    rest = rest.filter(([a, b]) => b > a);
  }
  return rest;
}

/** How long of a stretch nothing was wrong. */
const well = ({ trouble }: LifeTrace, stretch: Stretch): number =>
  without(stretch, trouble).reduce((sum, [from, until]) => Math.max(sum, until - from), 0);

/** Whether somebody else, or the lock itself, took the digits away before a stretch without them. */
function wasLost({ keypad }: LifeTrace, digits: string, [from]: Stretch): boolean {
  const last = keypad.changes.filter((change) => change.digits === digits && change.at <= from).at(-1);
  return last?.by === 'hand' && !last.present;
}

const reasons = new Set([
  'access_code.failed_to_set_on_device',
  'access_code.delay_in_setting_on_device',
  'access_code.modified_external_to_seam',
]);

const explained = ({ events }: LifeTrace, { id }: Wish, [from, until]: Stretch): boolean =>
  events.some(
    ({ accessCodeId, eventType, occurredAt }) =>
      accessCodeId === id && reasons.has(eventType) && occurredAt >= from - 24 * 60 * minute && occurredAt <= until,
  );

const inWords = ({ from: zero }: LifeTrace, [from, until]: Stretch): string =>
  `from ${((from - zero) / minute).toFixed(1)} to ${((until - zero) / minute).toFixed(1)} min`;
