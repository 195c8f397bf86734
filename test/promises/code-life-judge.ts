import type { KeypadChange } from '../kit/locks/timed-keypad.ts';
import { type LifeTrace, ladderMs, type RequestedCode, type Trouble } from './code-life.ts';
import { covers, longest, type Stretch, without } from './stretches.ts';

const minute = 60_000;

/** What a gateway may take over a change on a lock that is well: a few exchanges, and a try that has just begun. */
const promptMs = 2 * minute;

/** A battery lock is asked for all it holds this long after it was last, when it or the gateway comes back... */
const betweenLooksMs = 15 * minute;

/** ...and this long after it was last in any case. */
const dayMs = 24 * 60 * minute;

/** What somebody does while the gateway is in the middle of the same slot cannot be helped. */
const sameMomentMs = 5_000;

/** By when a clock that is right again is believed. */
const confirmedMs = minute + sameMomentMs;

/** How long before its time a code may be on a lock; on one that keeps times it does not open before. */
const leadMs = { plain: 60 * minute, native: 72 * 60 * minute };

/**
 * Every broken promise of a life, by what stood on the keypad over true time; empty when all were kept. Never by what
 * the gateway's own repository says.
 */
export function brokenCodePromises(trace: LifeTrace): string[] {
  const all = new Set([...trace.wishes.map(({ digits }) => digits), ...byGateway(trace)]);
  return [
    ...[...all].flatMap((digits) => [...unwanted(trace, digits), ...missing(trace, digits), ...revived(trace, digits)]),
    ...strangers(trace),
    ...goneTooSoon(trace),
    ...byDoubtfulTime(trace),
    ...falseTidings(trace),
    ...inTheEnd(trace),
    ...foreignInTheEnd(trace),
  ];
}

const byGateway = ({ keypad }: LifeTrace): string[] =>
  keypad.changes.filter(({ by, present }) => by === 'gateway' && present).map(({ digits }) => digits);

/** No code outlives its end, or comes before its time, by more than the trouble lasted; and nothing unknown is written. */
function unwanted(trace: LifeTrace, digits: string): string[] {
  const allowed = trace.wishes.filter((wish) => wish.digits === digits).map((wish) => wantedDuring(wish, trace));
  // A write that was cut short, and that the lock stored wrong, cannot be told from what somebody put there by hand: it
  // is shown, and left alone.
  const isCutShort = ([from]: Stretch) =>
    trace.trouble.some(
      ({ what, stretch }) =>
        (what === 'dead' || what === 'away') && covers([stretch[0] - sameMomentMs, stretch[1] + sameMomentMs], from),
    );
  const inTime = trace.wishes.filter((wish) => wish.digits === digits).map((wish) => wantedDuring(wish, trace, 0));
  const { nativeSchedule } = trace.keypad.rules;
  return [
    ...presentDuring(trace, digits, 'gateway').flatMap((stretch) => without(stretch, allowed)),
    // Only a lock that keeps times holds a code that does not open the door yet.
    ...(nativeSchedule ? opensDuring(trace, digits, 'gateway').flatMap((stretch) => without(stretch, inTime)) : []),
  ]
    .filter((stretch) => allowed.length > 0 || !isCutShort(stretch))
    .filter((stretch) => longest(without(stretch, troubles(trace, ['away', 'dead', 'time']))) > promptMs)
    .map((stretch) => `${digits} stood on the keypad unwanted ${inWords(trace, stretch)}`);
}

/** A wanted code is there, or the lock has no room and an event says so. */
function missing(trace: LifeTrace, digits: string): string[] {
  const present = presentDuring(trace, digits);
  const opens = opensDuring(trace, digits);
  return trace.wishes
    .filter((wish) => wish.digits === digits)
    .flatMap((wish) => {
      const kinds: Trouble['what'][] = wish.endsAt === undefined ? ['away', 'dead'] : ['away', 'dead', 'time'];
      return [...without(wantedDuring(wish, trace), present), ...without(wantedDuring(wish, trace, 0), opens)]
        .map(([from, until]): Stretch => [seen(trace, digits, from), until])
        .filter((stretch) => longest(without(stretch, troubles(trace, kinds))) > promptMs)
        .filter((stretch) => !explained(trace, wish, stretch))
        .map((stretch) => `${digits} was wanted and missing ${inWords(trace, stretch)}, and no event says why`);
    });
}

/** By when the absence of digits must have been noticed: at once, unless somebody took them away and nobody said so. */
function seen(trace: LifeTrace, digits: string, at: number): number {
  const last = trace.keypad.changes.filter((change) => change.digits === digits && change.at <= at).at(-1);
  if (last?.by !== 'hand' || last.present || isHeardOut(trace, last)) return at;
  return Math.max(at, lookedAfter(trace, last.at));
}

/** Whether the lock told of it, and neither it nor the gateway went away over it. */
const isHeardOut = ({ heard, trouble }: LifeTrace, change: KeypadChange): boolean =>
  heard.has(change) &&
  !trouble.some(
    ({ what, stretch: [from] }) =>
      (what === 'dead' || what === 'away') && from >= change.at && from < change.at + promptMs,
  );

/** By when a lock that said nothing has been asked for all it holds, after a time. */
const lookedAfter = ({ comebacks }: LifeTrace, at: number): number =>
  Math.min(at + dayMs, ...comebacks.filter((back) => back >= at).map((back) => back + betweenLooksMs));

/** The end of a code is final: whatever a clock shows later, it is not written again. */
function revived(trace: LifeTrace, digits: string): string[] {
  const wishes = trace.wishes.filter((wish) => wish.digits === digits);
  return presentDuring(trace, digits, 'gateway').flatMap(([from]) => {
    const since = Math.max(...wishes.map((wish) => wantedDuring(wish, trace)[1]));
    const awake = longest(without([since, from], troubles(trace, ['dead', 'time'])));
    return wishes.length > 0 && from > since && awake > promptMs
      ? [`${digits} was written again ${inWords(trace, [since, from])} after its end`]
      : [];
  });
}

/** What people put on the lock themselves is never touched, unless somebody asks for it. */
function strangers({ keypad, givenUp, comebacks }: LifeTrace): string[] {
  // A lock that tells of no code whose it is: who fills the very slot in which a write is in doubt cannot be known.
  const doubts = keypad.tellsWhose ? [] : [...keypad.faulted, ...comebacks].map((at): Stretch => [at, at + ladderMs]);
  const standing = new Map<string, KeypadChange>();
  return keypad.changes.flatMap((change) => {
    const { digits, present, by, at } = change;
    const put = standing.get(digits);
    if (present) standing.set(digits, change);
    else standing.delete(digits);
    if (present || by === 'hand' || put?.by !== 'hand' || givenUp.has(digits)) return [];
    if (doubts.some((doubt) => covers(doubt, put.at))) return [];
    return at - put.at > sameMomentMs ? [`${digits}, not ours, was removed at ${at}`] : [];
  });
}

/** In an update the new code stands before the old one goes, where there is room for both. */
function goneTooSoon(trace: LifeTrace): string[] {
  return trace.keypad.changes.flatMap(({ slot, digits, present, by, at }, index) => {
    if (present || by === 'hand') return [];
    const put = trace.keypad.changes.slice(0, index).findLast((change) => change.slot === slot)?.at ?? 0;
    // Written without an answer, to a lock that does not show what it stored: nobody knows that it is the old code.
    const isDoubtful = trace.keypad.faulted.some((fault) => covers([fault, fault + sameMomentMs], put));
    if (isDoubtful && !trace.keypad.showsCodes) return [];
    return (
      trace.wishes
        .filter((old) => old.digits === digits && old.until !== undefined && old.until > put && old.until <= at)
        // Unwanted for its times, or to be written anew with others, it may have been on its way out already.
        .filter((old) => old.since <= put && covers(wantedDuring(old, trace), (old.until ?? 0) - 1))
        .flatMap((old) => trace.wishes.filter((next) => next.id === old.id && next.since === old.until))
        .filter((next) => next.digits !== digits && covers(wantedDuring(next, trace), at))
        // It may have been seen there, and taken away by somebody in the next moment.
        .filter((next) => !presentDuring(trace, next.digits).some(([from, until]) => from <= at && until > next.since))
        .filter(() => !crowded(trace).some((stretch) => covers(stretch, at)))
        .map((next) => `${digits} went ${inWords(trace, [next.since, at])}, before ${next.digits} stood in its place`)
    );
  });
}

/** While nobody knows what time it is, no code that stands goes for its times. */
function byDoubtfulTime(trace: LifeTrace): string[] {
  const slow = trace.trouble.filter(({ what }) => what === 'slow').map(({ stretch }) => stretch);
  const doubts = trace.trouble.flatMap(({ what, stretch }) => (what === 'time' ? without(stretch, slow) : []));
  const excused = trace.keypad.faulted.map((at): Stretch => [at, at + ladderMs]);
  return trace.keypad.changes.flatMap(({ digits, present, by, at }) => {
    const doubt = doubts.find(([from, until]) => covers([from + sameMomentMs, until - confirmedMs], at));
    if (present || by === 'hand' || !doubt || excused.some((stretch) => covers(stretch, at))) return [];
    const wishes = trace.wishes.filter((wish) => wish.digits === digits && wish.since <= at);
    const isOver = ({ id, endsAt, startsAt, until }: RequestedCode) =>
      (until !== undefined && until <= at) ||
      trace.wishes.some((other) => other.id === id && other.since <= at && other.startsAt !== startsAt) ||
      (endsAt !== undefined && endsAt <= doubt[0]);
    return wishes.length === 0 || wishes.some(isOver)
      ? []
      : [`${digits} went ${inWords(trace, [doubt[0], at])} by a clock in doubt`];
  });
}

/** Nobody is told that others took a code away, or changed one, when nobody did. */
function falseTidings({ events, keypad, wishes }: LifeTrace): string[] {
  const ids = [...new Set(wishes.map(({ id }) => id))];
  return ids.flatMap((id) => {
    const digits = wishes.filter((wish) => wish.id === id).map((wish) => wish.digits);
    const told = events.filter(
      ({ accessCodeId, eventType }) => accessCodeId === id && eventType === 'access_code.deleted_external_to_seam',
    );
    const taken = keypad.changes.filter(
      ({ by, present, digits: own }) => by === 'hand' && !present && digits.includes(own),
    );
    return told.length > taken.length ? [`${digits.at(-1)} is told as taken away ${told.length} times`] : [];
  });
}

/** When all trouble is over, the lock holds exactly what is wanted, and the gateway says so. */
function inTheEnd(trace: LifeTrace): string[] {
  const { until, told, keypad, events } = trace;
  const ids = [...new Set(trace.wishes.map(({ id }) => id))];
  return ids.flatMap((id) => {
    const wish = trace.wishes.filter((one) => one.id === id).at(-1);
    if (!wish) return [];
    const { digits } = wish;
    const ends = Math.min(wish.until ?? Number.POSITIVE_INFINITY, wish.endsAt ?? Number.POSITIVE_INFINITY);
    const said = told.find((code) => code.id === id);
    const deleted = events.filter((event) => event.accessCodeId === id && event.eventType === 'access_code.deleted');
    if (ends < until - promptMs) {
      return said || deleted.length !== 1
        ? [`${digits} is over, and the gateway shows it as ${said?.status}, told as deleted ${deleted.length} times`]
        : [];
    }
    if (ends <= until) return [];
    if (!said || deleted.length > 0) return [`${digits} is wanted, and the gateway has forgotten it`];
    const stands = [...keypad.entries.values()].some((entry) => entry.digits === digits);
    if (said.status === 'set' && !stands && seen(trace, digits, until) < until - promptMs)
      return [`${digits} is told as set, and does not stand on the keypad`];
    if (covers(wantedDuring(wish, trace, 0), until - 1) && said.status !== 'set' && said.problems.length === 0)
      return [`${digits} is ${said.status}, and nothing says why`];
    return [];
  });
}

/** What strangers put on the lock is shown once the lock was asked. */
function foreignInTheEnd(trace: LifeTrace): string[] {
  const { keypad, shownAsForeign, until } = trace;
  return [...keypad.entries].flatMap(([slot, { by, digits }]) => {
    const isWanted = trace.wishes.some(
      (wish) => wish.digits === digits && covers(wantedDuring(wish, trace), until - 1),
    );
    if (by === 'gateway' && isWanted && shownAsForeign.some((one) => one.slot === slot)) {
      return [`${digits}, ours, is shown as a stranger's`];
    }
    const put = keypad.changes.findLast((change) => change.slot === slot);
    if (by !== 'hand' || !put || lookedAfter(trace, put.at) > until - 15 * minute) return [];
    const shown = shownAsForeign.find((one) => one.slot === slot);
    return shown && (shown.digits ?? digits) === digits ? [] : [`${digits}, not ours, is not shown`];
  });
}

/** When a wish is to stand on the lock: from its lead on. */
function wantedDuring(wish: RequestedCode, trace: LifeTrace, lead?: number): Stretch {
  const before = lead ?? (trace.keypad.rules.nativeSchedule ? leadMs.native : leadMs.plain);
  const from = Math.max(wish.since, wish.startsAt === undefined ? Number.NEGATIVE_INFINITY : wish.startsAt - before);
  const until = Math.min(wish.endsAt ?? trace.until, wish.until ?? trace.until, trace.until);
  return [from, Math.max(from, until)];
}

/** When digits stood on the lock, as far as the times it was given with them let them open the door. */
function opensDuring(trace: LifeTrace, digits: string, by?: 'gateway'): Stretch[] {
  const { changes } = trace.keypad;
  return presentDuring(trace, digits, by).flatMap(([from, until]): Stretch[] => {
    const schedule = changes.find((one) => one.digits === digits && one.present && one.at === from)?.schedule;
    const opens: Stretch = [Math.max(from, schedule?.startsAt ?? from), Math.min(until, schedule?.endsAt ?? until)];
    return opens[0] < opens[1] ? [opens] : [];
  });
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

/**
 * When the lock was full as far as the gateway can have known: what went without a word counts until it is looked for.
 */
function crowded(trace: LifeTrace): Stretch[] {
  const { changes, room } = trace.keypad;
  const moves = changes
    .map((change) => {
      const { present, at, by } = change;
      const isKnown = present || by === 'gateway' || isHeardOut(trace, change);
      return { step: present ? 1 : -1, at: isKnown ? at : lookedAfter(trace, at) };
    })
    .sort((one, other) => one.at - other.at);
  const stretches: Stretch[] = [];
  let count = 0;
  let since: number | undefined;
  for (const { step, at } of moves) {
    count += step;
    if (count >= room) since ??= at;
    else if (since !== undefined) {
      stretches.push([since, at + ladderMs]);
      since = undefined;
    }
  }
  if (since !== undefined) stretches.push([since, trace.until]);
  return stretches;
}

const troubles = ({ trouble, keypad }: LifeTrace, kinds: readonly Trouble['what'][]): Stretch[] => [
  ...trouble.filter(({ what }) => kinds.includes(what === 'slow' ? 'time' : what)).map(({ stretch }) => stretch),
  ...keypad.faulted.map((at): Stretch => [at, at + ladderMs]),
];

const reasons = new Set(['access_code.failed_to_set_on_device', 'access_code.delay_in_setting_on_device']);
const whereabouts = new Set([...reasons, 'access_code.set_on_device', 'access_code.removed_from_device']);

function explained(trace: LifeTrace, { id }: RequestedCode, [from, until]: Stretch): boolean {
  const meets = ([a, b]: Stretch) => a < until && b > from;
  const isDated = (at: number) => at >= from - dayMs && at <= until;
  const hasWrongClock = trace.trouble.some(
    ({ what, stretch }) => (what === 'time' || what === 'slow') && meets(stretch),
  );
  const told = trace.events.filter(({ accessCodeId, occurredAt }) => accessCodeId === id && occurredAt <= until);
  // What was told once holds until something else is told.
  const last = told.findLast(({ eventType }) => whereabouts.has(eventType));
  return (
    crowded(trace).some(meets) &&
    ((last !== undefined && reasons.has(last.eventType)) ||
      trace.events.some(
        ({ accessCodeId, eventType, occurredAt }) =>
          accessCodeId === id && reasons.has(eventType) && (isDated(occurredAt) || hasWrongClock),
      ))
  );
}

const inWords = ({ from: zero }: LifeTrace, [from, until]: Stretch): string =>
  `from ${((from - zero) / minute).toFixed(1)} to ${((until - zero) / minute).toFixed(1)} min`;
