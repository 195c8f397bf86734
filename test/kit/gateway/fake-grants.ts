import { pino } from 'pino';
import { AccessGrantService } from '../../../src/access-grants/access-grant-service.ts';
import { GrantRepository } from '../../../src/access-grants/grant-repository.ts';
import { GrantWork } from '../../../src/access-grants/grant-work.ts';
import { SpaceService } from '../../../src/access-grants/space-service.ts';
import { UserIdentityService } from '../../../src/access-grants/user-identity-service.ts';
import { type Clock, GatewayError, Secret } from '../../../src/contract/index.ts';
import type { EventDraft } from '../../../src/model/event-types.ts';
import type { EventRecord } from '../../../src/model/records.ts';
import { MemoryStore } from '../../../src/store/memory-store.ts';
import { aCode } from '../store/store-records.ts';
import type { FakeAccessCodes, FakeHost } from './fake-access-codes.ts';

/** The real services over codes that are on no lock: `device()` knows which doors there are. */
export function fakeGrants(
  host: Pick<FakeHost, 'device'> & { readonly clock: Clock },
  accessCodes: FakeAccessCodes,
  happen: (event: Partial<EventRecord> & Pick<EventRecord, 'eventType'>) => EventRecord,
) {
  // The host's clock is set after its parts are made.
  const clock: Clock = {
    now: () => host.clock.now(),
    wallTime: () => host.clock.wallTime(),
    setTimer: (run, ms) => host.clock.setTimer(run, ms),
  };
  const store = new MemoryStore({ clock });
  let ids = 0;
  const newId = () => `0198a000-0000-7000-8000-${String(++ids).padStart(12, '0')}`;
  const repository = new GrantRepository(store.read, {
    record: (draft: EventDraft) => {
      const { seq: _, ...event } = happen({ ...draft, details: { ...draft.details } });
      return { kind: 'event_put', event };
    },
  });
  const nothing = () => undefined;
  const work = new GrantWork({
    clock,
    log: pino({ level: 'silent' }),
    store,
    repository,
    newId,
    moment: () => ({ at: host.clock.wallTime(), sure: true }),
    vault: {
      seal: (secret) => Buffer.from(secret.reveal()),
      open: (sealed) => new Secret(Buffer.from(sealed).toString()),
    },
    registry: { onReport: () => nothing },
    capabilitiesKnown: () => true,
    codes: {
      target: (deviceId) => {
        const { name, capabilities } = host.device(deviceId);
        if (!capabilities.accessCodes) throw new GatewayError('unsupported_action', `${name} takes no access codes.`);
        return { name, rules: capabilities.accessCodes, isTaken: () => false };
      },
      choose: () => new Secret('582913'),
      assertTakes: nothing,
      get: (id) => accessCodes.get(id),
      reveal: (code) => accessCodes.reveal(code),
      add: ({ deviceId, digits, times, grant }) => {
        const accessCodeId = newId();
        const createdAt = host.clock.wallTime();
        const sealedCode = Buffer.from(digits.reveal());
        const status = 'set' as const;
        accessCodes.put(
          aCode(0, { accessCodeId, deviceId, name: undefined, sealedCode, createdAt, status, grant, ...times }),
        );
        return {
          code: accessCodes.get(accessCodeId) ?? aCode(0),
          changes: [],
          undo: () => accessCodes.forget(accessCodeId),
        };
      },
      assertRetimable: nothing,
      retime: (code, times) => {
        const after = { ...code, ...times };
        accessCodes.put(after);
        return { code: after, changes: [], undo: () => accessCodes.put(code) };
      },
      remove: (code) => {
        accessCodes.forget(code.accessCodeId);
        return { code, changes: [], undo: () => accessCodes.put(code) };
      },
      hasBackup: () => false,
      pull: () => {
        throw new GatewayError('invalid_input', 'There is no backup code.');
      },
      commit: (_ids, changes) => store.commit(changes),
      follow: nothing,
    },
  });
  const userIdentities = new UserIdentityService(work);
  const spaces = new SpaceService(work);
  return { userIdentities, spaces, accessGrants: new AccessGrantService(work, userIdentities, spaces) };
}
