import type { AccessLists } from '../access.ts';
import type { CodesOfLocks, Grant, Person, Space } from '../objects.ts';
import { events } from '../state.ts';
import { type Loaded, useCall } from './use-list.ts';

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
  const all = [codes.state.value, grants.state.value, people.state.value, spaces.state.value] as const;
  const [c, g, p, s] = all;
  if (c.status === 'ready' && g.status === 'ready' && p.status === 'ready' && s.status === 'ready')
    return {
      state: {
        status: 'ready',
        value: {
          codes: c.value,
          grants: g.value.access_grants,
          people: p.value.user_identities,
          spaces: s.value.spaces,
        },
      },
      again,
    };
  for (const one of all) if (one.status === 'failed') return { state: one, again };
  return { state: { status: 'loading' }, again };
}
