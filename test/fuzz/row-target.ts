import { readRow } from '../../src/store/read-row.ts';
import { rowSum } from '../../src/store/row-sum.mjs';
import * as rows from '../../src/store/sqlite-rows.ts';
import { attemptSums } from '../../src/store/whole-rows.ts';
import { wireAccessCode } from '../../src/wire/access-code.ts';
import { actionAttempt, attemptHistory } from '../../src/wire/action-attempt.ts';
import { type EventSurroundings, wireEvent } from '../../src/wire/event.ts';
import { wireNoiseThreshold } from '../../src/wire/noise-threshold.ts';
import { wireSpace } from '../../src/wire/space.ts';
import { parseMarked } from './marked-bytes.ts';

type Row = rows.Row;

const around = {
  workspaceId: 'w',
  digits: null,
  deviceErrors: [],
  deviceWarnings: [],
  isBackupAvailable: false,
  nameOfGrant: undefined,
};
const surroundings: EventSurroundings = {
  workspaceId: 'w',
  digits: () => null,
  methodDigits: () => null,
  deviceErrors: () => [],
  deviceWarnings: () => [],
  link: () => undefined,
  accountErrors: () => [],
  deviceMetadata: () => undefined,
  isManagedCode: () => true,
  userIdentityId: () => undefined,
};
const withSum = (columns: Row): Row => [...columns, rowSum(columns)];

/** A kind of row: the sums that make it one of ours as far as a sum can tell, and what is made of its record. */
interface Kind {
  sealed(columns: Row): Row;
  read(row: Row): string | undefined;
}

function kind<T>(read: (row: Row) => T, use: (record: T) => unknown, sealed = withSum): Kind {
  return {
    sealed,
    read: (row) => {
      const { record, place } = readRow(read, row);
      if (place === undefined) use(record);
      return place;
    },
  };
}

/** What may be asked of every record: to be told of, and to be written again. */
const kinds: readonly Kind[] = [
  kind(
    rows.attemptOf,
    (attempt) => {
      actionAttempt(attempt, (_attempt, result) => ({ ...result }));
      attemptHistory(attempt, attempt.history);
    },
    (columns) => [...columns, ...attemptSums(columns)],
  ),
  kind(rows.codeOf, (code) => wireAccessCode(code, around)),
  kind(rows.unmanagedOf, ({ name, createdAt }) => [name?.length, new Date(createdAt).toISOString()]),
  kind(rows.thresholdOf, (threshold) => wireNoiseThreshold(threshold, false)),
  kind(rows.eventOf, (event) => wireEvent(event, surroundings)),
  kind(
    rows.webhookOf,
    ({ eventTypes, sealedSecret }) => [eventTypes.includes('*'), sealedSecret.length],
    (columns) => {
      const afterSeq = columns.at(-1) ?? null;
      return [...columns, rowSum(columns.slice(0, -1)), rowSum([afterSeq])];
    },
  ),
  kind(rows.deliveryOf, ({ nextAt }) => new Date(nextAt).toISOString()),
  kind(rows.idempotencyOf, ({ createdAt }) => new Date(createdAt).toISOString()),
  kind(rows.identityOf, ({ sealedPerson, deviceIds }) => [sealedPerson.length, deviceIds.includes('a')]),
  kind(rows.spaceOf, (space) => wireSpace(space, undefined, 'w')),
  kind(rows.grantOf, ({ requests, startsAt }) => [
    requests.map(({ without }) => without.includes('a')),
    new Date(startsAt).toISOString(),
  ]),
  kind(rows.methodOf, ({ doors, sealedCode }) => [doors.map(({ deviceId }) => deviceId.length), sealedCode.length]),
];

/**
 * A line with the kind's number and then a column a line, as JSON; bytes are `{"hex": …}`.
 * @throws what a reader must not throw: it would take everything that lies beside the row away
 */
export function databaseRow(input: Buffer): void {
  const [number = '', ...lines] = input.toString().split('\n');
  const of = kinds[Math.abs(Number.parseInt(number, 10) || 0) % kinds.length];
  if (of === undefined) return;
  const columns = lines.map((line): Row[number] => {
    const value = parseMarked(line);
    if (value === null || typeof value === 'number' || value instanceof Uint8Array) return value;
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
  of.read(of.sealed(columns));
  // Without its sums it is left out, and has a name.
  const damaged = of.read([...columns, 0]);
  if (damaged === undefined && rowSum(columns) !== 0) throw new Error('a damaged row was taken');
}
