import type { SpaceRecord } from '../model/grant-records.ts';
import type { Rewording } from '../model/rewording.ts';
import type { GrantWork } from './grant-work.ts';

/**
 * Takes a name out of keys, customers' data and reasons, also of grants that are gone and only remembered. Names that are
 * sealed are not looked at.
 * @returns how many people, spaces and grants were changed
 * @throws GatewayError `storage_unavailable`, and then nothing was
 */
export async function rewordGrants(work: GrantWork, words: Rewording): Promise<number> {
  const { book } = work.options;
  const draft = book.draft();
  const keyOf = (key: string | undefined) => (key === undefined ? undefined : words.key(key));
  let changed = 0;
  for (const identity of [...book.identities.values()]) {
    const key = keyOf(identity.key);
    if (key === identity.key) continue;
    draft.identity({ ...identity, key });
    changed += 1;
  }
  for (const space of [...book.spaces.values()]) {
    const after: SpaceRecord = {
      ...space,
      key: keyOf(space.key),
      customerKey: keyOf(space.customerKey),
      customerData: space.customerData && words.pairs(space.customerData),
    };
    if (JSON.stringify(after) === JSON.stringify(space)) continue;
    draft.space(after);
    changed += 1;
  }
  for (const grant of [...book.grants.values()]) {
    const refusals = grant.refusals.map((refusal) => ({ ...refusal, message: words.text(refusal.message) }));
    const key = keyOf(grant.key);
    const reservationKey = keyOf(grant.reservationKey);
    const isSame = refusals.every(({ message }, index) => message === grant.refusals[index]?.message);
    if (isSame && key === grant.key && reservationKey === grant.reservationKey) continue;
    draft.grant({ ...grant, key, reservationKey, refusals });
    changed += 1;
  }
  if (!draft.isEmpty) await work.commit(draft);
  return changed;
}
