import type { AccessLists } from '../access.ts';
import type { CodesOfLocks, Grant, Person, Space } from '../objects.ts';
import type { Loaded } from '../questions.ts';
import { events } from '../state.ts';
import { together, useCall } from './use-list.ts';

const touches = /^(access_(code|grant|method)|space)\./;
const MOST = 1_000;

/** Everything about who may enter, asked for anew whenever an event says that it changed. */
export function useAccess(): { readonly state: Loaded<AccessLists>; readonly again: () => void } {
  const newest = events.value.find(({ event_type: type }) => touches.test(type))?.event_id;
  const codes = useCall<CodesOfLocks>('/strikeplate/access_codes/list', {}, [newest]);
  const grants = useCall<{ access_grants: Grant[] }>('/access_grants/list', { limit: MOST }, [newest]);
  const people = useCall<{ user_identities: Person[] }>('/user_identities/list', { limit: MOST }, [newest]);
  const spaces = useCall<{ spaces: Space[] }>('/spaces/list', { limit: MOST }, [newest]);
  const again = () => {
    for (const one of [codes, grants, people, spaces]) one.again();
  };
  const state = together(
    [codes.state.value, grants.state.value, people.state.value, spaces.state.value],
    (c, { access_grants }, { user_identities }, s) => ({
      codes: c,
      grants: access_grants,
      people: user_identities,
      spaces: s.spaces,
    }),
  );
  return { state, again };
}
