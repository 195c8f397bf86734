import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fc } from '../../test/kit/seeded-properties.ts';
import { openSqliteStore, temporaryDirectory } from '../../test/kit/store/sqlite-bench.ts';
import {
  aCode,
  accepted,
  aGrant,
  aMethod,
  happened as anEventPut,
  anIdempotencyRecord,
  anIdentity,
  anUnmanagedCode,
  aSpace,
  aThreshold,
  deviceA,
  deviceB,
  settled,
  uuid,
} from '../../test/kit/store/store-records.ts';
import { SimulatedClock } from '../driver-testing/simulated-clock.ts';
import type { Change, Store } from '../model/store.ts';
import { MemoryStore } from './memory-store.ts';
import type { SqliteStore } from './sqlite-store.ts';

/** Everything a reader can tell. */
function told(store: Store, base: number) {
  const ids = Array.from({ length: 8 }, (_, index) => base + index);
  return {
    attempts: store.read.attempts({ limit: 4, beforeSeq: base + 6 }).filter(({ seq }) => seq >= base),
    ofA: store.read.attempts({ limit: 3, deviceId: deviceA }).filter(({ seq }) => seq >= base),
    byId: ids.map((id) => store.read.attempt(uuid(id))),
    pending: store.read.pendingAttempts().filter(({ seq }) => seq >= base),
    lastSettled: [deviceA, deviceB].map((id) => {
      const last = store.read.lastSettledAttempt(id);
      return last && last.seq >= base ? last : undefined;
    }),
    codes: store.read.accessCodes().filter(({ commonCodeKey }) => commonCodeKey === `stay-${base}`),
    codesOfB: store.read.accessCodes(deviceB).filter(({ commonCodeKey }) => commonCodeKey === `stay-${base}`),
    thresholds: store.read.noiseThresholds().filter(({ sustainedMs }) => sustainedMs === base),
    unmanaged: store.read.unmanagedCodes(`device-${base}`),
    idempotency: ids.map((id) => store.read.idempotency(`scope-${id}`)),
    fact: store.read.fact(`fact-${base}`),
    events: store.read.events({ limit: 5, eventTypes: [`${base}`] }),
    eventsOfB: store.read.events({ limit: 50, deviceIds: [deviceB], eventTypes: [`${base}`] }),
    eventsById: ids.map((id) => store.read.event(uuid(id, 3))),
    identities: store.read.userIdentities().filter(({ createdAt }) => createdAt === base),
    spaces: store.read.spaces().filter(({ createdAt }) => createdAt === base),
    grants: store.read.accessGrants().filter(({ createdAt }) => createdAt === base),
    methods: store.read.accessMethods().filter(({ createdAt }) => createdAt === base),
    eventsOfGrant: store.read.events({ limit: 50, accessGrantIds: [uuid(base, 7), uuid(base + 1, 7)] }),
    eventsOfSpace: store.read.events({ limit: 50, accessMethodIds: [uuid(base, 8)], spaceIds: [uuid(base, 6)] }),
    highestEvent: store.read.highestEventSeq(),
  };
}

const small = fc.integer({ min: 0, max: 7 });
const device = fc.constantFrom(deviceA, deviceB);
const order = small;

/** Changes that often collide: 8 attempts, codes, thresholds and slots, 2 devices. Numbers count from a base. */
const change: fc.Arbitrary<(base: number) => Change> = fc.oneof(
  fc.tuple(small, small, device).map(
    ([seq, id, deviceId]) =>
      (base: number): Change =>
        accepted(base + seq, { actionAttemptId: uuid(base + id), deviceId }),
  ),
  small.map(
    (seq) =>
      (base: number): Change =>
        accepted(base + seq),
  ),
  small.map(
    (seq) =>
      (base: number): Change =>
        settled(base + seq),
  ),
  small.map(
    (seq) =>
      (base: number): Change => ({
        kind: 'attempt_intent',
        actionAttemptId: uuid(base + seq),
        history: [{ state: 'sending', at: seq, reason: '' }],
      }),
  ),
  fc.tuple(order, device).map(
    ([at, deviceId]) =>
      (base: number): Change => ({
        kind: 'access_code_put',
        code: aCode(base + at, { commonCodeKey: `stay-${base}`, deviceId }),
      }),
  ),
  order.map(
    (at) =>
      (base: number): Change => ({
        kind: 'access_code_removed',
        accessCodeId: aCode(base + at).accessCodeId,
      }),
  ),
  fc.tuple(order, device).map(
    ([at, deviceId]) =>
      (base: number): Change => ({
        kind: 'noise_threshold_put',
        threshold: aThreshold(base + at, { sustainedMs: base, deviceId }),
      }),
  ),
  order.map(
    (at) =>
      (base: number): Change => ({
        kind: 'noise_threshold_removed',
        noiseThresholdId: aThreshold(base + at).noiseThresholdId,
      }),
  ),
  small.map(
    (slot) =>
      (base: number): Change => ({
        kind: 'unmanaged_code_put',
        code: anUnmanagedCode(base + slot, { deviceId: `device-${base}` }),
      }),
  ),
  small.map(
    (slot) =>
      (base: number): Change => ({
        kind: 'unmanaged_code_removed',
        accessCodeId: anUnmanagedCode(base + slot).accessCodeId,
      }),
  ),
  fc.tuple(small, fc.constantFrom(undefined, 'guest')).map(
    ([at, key]) =>
      (base: number): Change => ({
        kind: 'user_identity_put',
        identity: anIdentity(base + at, { createdAt: base, key }),
      }),
  ),
  small.map(
    (at) =>
      (base: number): Change => ({ kind: 'user_identity_removed', userIdentityId: uuid(base + at, 5) }),
  ),
  fc.tuple(small, fc.constantFrom(undefined, { address: null })).map(
    ([at, customerData]) =>
      (base: number): Change => ({ kind: 'space_put', space: aSpace(base + at, { createdAt: base, customerData }) }),
  ),
  small.map(
    (at) =>
      (base: number): Change => ({ kind: 'space_removed', spaceId: uuid(base + at, 6) }),
  ),
  fc.tuple(small, fc.constantFrom(undefined, 5)).map(
    ([at, endsAt]) =>
      (base: number): Change => ({
        kind: 'access_grant_put',
        grant: aGrant(base + at, {
          createdAt: base,
          endsAt,
          requests: [{ createdAt: 1, sealedCode: undefined, isWithdrawn: true, without: [deviceA] }],
        }),
      }),
  ),
  small.map(
    (at) =>
      (base: number): Change => ({ kind: 'access_grant_removed', accessGrantId: uuid(base + at, 7) }),
  ),
  small.map(
    (at) =>
      (base: number): Change => ({ kind: 'access_method_put', method: aMethod(base + at, { createdAt: base }) }),
  ),
  small.map(
    (at) =>
      (base: number): Change => ({ kind: 'access_method_removed', accessMethodId: uuid(base + at, 8) }),
  ),
  fc.tuple(small, fc.string()).map(
    ([seq, fingerprint]) =>
      (base: number): Change => ({
        kind: 'idempotency_put',
        record: anIdempotencyRecord(base + seq, { fingerprint }),
      }),
  ),
  fc.tuple(small, device).map(
    ([at, deviceId]) =>
      (base: number): Change =>
        anEventPut(base + at, {
          deviceId,
          eventType: `${base}`,
          accessGrantId: uuid(base + (at % 2), 7),
          ...(at > 3 && { accessMethodId: uuid(base, 8), spaceId: uuid(base + (at % 3), 6) }),
        }),
  ),
  fc.string().map(
    (value) =>
      (base: number): Change => ({ kind: 'fact_put', name: `fact-${base}`, value }),
  ),
);

/** What happened: groups that are committed together, of commits, of changes. */
const happened = fc.array(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 4 }), { maxLength: 12 });

describe.each([1, 3, 512])('the store that indexes %i rows together, and its twin', (rowsPerIndexing) => {
  const directory = temporaryDirectory();
  const memory = new MemoryStore({ clock: new SimulatedClock() });
  const open = () => openSqliteStore(join(directory.path, 'strikeplate.db'), { rowsPerIndexing });
  let sqlite: SqliteStore;
  beforeAll(async () => {
    sqlite = await open();
  });
  afterAll(async () => {
    await sqlite.close();
    directory.dispose();
  });

  it('tell the same after any changes, in any groups', async () => {
    // Each history has numbers of its own, so that one database does for all.
    let base = 0;
    await fc.assert(
      fc.asyncProperty(happened, async (groups) => {
        base += 100;
        for (const group of groups) {
          const commits = group.map((changes) => changes.map((at) => at(base)));
          const outcomes = (store: Store) => Promise.allSettled(commits.map((changes) => store.commit(changes)));
          const [inMemory, onDisk] = await Promise.all([outcomes(memory), outcomes(sqlite)]);
          expect(onDisk).toEqual(inMemory);
        }
        expect(told(sqlite, base)).toEqual(told(memory, base));
      }),
      { numRuns: 100 },
    );
    await sqlite.close();
    sqlite = await open();
    for (let each = 100; each <= base; each += 100) expect(told(sqlite, each)).toEqual(told(memory, each));
  });
});
