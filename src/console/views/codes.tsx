import { type Access, type AccessLists, accessesOf, nextOf, sorted } from '../access.ts';
import { words } from '../languages/index.ts';
import { CodeRow, times } from '../parts/code-row.tsx';
import { DoorChip } from '../parts/door-chip.tsx';
import { Grouped } from '../parts/grouped.tsx';
import { Icon } from '../parts/icon.tsx';
import { NewAccess, useAccess } from '../parts/new-access.tsx';
import { Empty, Shown } from '../parts/states.tsx';
import { Tabs } from '../parts/tabs.tsx';
import type { PartOf } from '../places.ts';
import { linkTo } from '../router.ts';
import { allDevices, isLoaded, may } from '../state.ts';
import { ago, dayAndTime, now } from '../time.ts';
import { CodesByDoor } from './codes-by-door.tsx';
import { People, Spaces } from './people.tsx';

/** Who may enter: now, next, and how it stands on each lock. */
export function CodesView({ id: part }: { readonly id: string | undefined }) {
  const { codes: text } = words();
  const keypads = allDevices().filter((device) => device.can_program_online_access_codes);
  const { state, again } = useAccess();
  const lists = state.status === 'ready' ? state.value : undefined;
  const tab = (name: PartOf<'codes'> | undefined, label: string, count?: number) => ({
    href: linkTo('codes', name),
    name: label,
    isOpen: part === name,
    count,
  });
  return (
    <>
      <h1>{text.title}</h1>
      <Tabs
        tabs={[
          tab(undefined, text.access, lists && accessesOf(lists).length),
          tab('doors', text.byDoor, keypads.length),
          tab('people', text.people, lists?.people.length),
          tab('spaces', text.spaces, lists?.spaces.length),
        ]}
      />
      {isLoaded.value && keypads.length === 0 && <Empty icon="key">{text.noKeypads}</Empty>}
      <Shown of={state} again={again} rows={6}>
        {(ready) =>
          part === 'doors' ? (
            <CodesByDoor keypads={keypads} lists={ready} again={again} />
          ) : part === 'people' ? (
            <People lists={ready} again={again} />
          ) : part === 'spaces' ? (
            <Spaces lists={ready} again={again} />
          ) : (
            <Accesses lists={ready} again={again} hasKeypads={keypads.length > 0} />
          )
        }
      </Shown>
    </>
  );
}

function Accesses({
  lists,
  again,
  hasKeypads,
}: {
  readonly lists: AccessLists;
  readonly again: () => void;
  readonly hasKeypads: boolean;
}) {
  const { codes: text } = words();
  const groups = sorted(accessesOf(lists), now.value);
  const [next] = groups.next;
  const nextAt = next && nextOf(next, now.value);
  const group = (key: string, title: string, list: readonly Access[]) => ({
    key,
    heading: <h2>{title}</h2>,
    rows: list.map((access) =>
      access.code === undefined ? (
        <GrantRow key={access.id} access={access} />
      ) : (
        <CodeRow key={access.id} code={access.code} codes={lists.codes} onChange={again} />
      ),
    ),
  });
  const isNobody = Object.values(groups).every((list) => list.length === 0);
  return (
    <>
      <div class="summary">
        <p>
          <strong>{groups.now.length + groups.attention.length}</strong> {text.haveNow}
        </p>
        <p>
          <strong>{groups.next.length}</strong> {text.toCome}
          {nextAt !== undefined && <small> {text.nextOne(next?.name ?? '', dayAndTime(nextAt))}</small>}
        </p>
        <p class={groups.attention.length > 0 ? 'bad' : ''}>
          <strong>{groups.attention.length}</strong> {text.needSomebody}
        </p>
      </div>
      {may('codes') && hasKeypads && <NewAccess lists={lists} onCreated={again} />}
      {isNobody && hasKeypads && <Empty icon="key">{text.empty}</Empty>}
      <Grouped
        groups={[
          group('attention', text.attention, groups.attention),
          group('now', text.now, groups.now),
          group('next', text.next, groups.next),
          group('ending', text.going, groups.ending),
        ]}
      />
    </>
  );
}

export function GrantRow({ access }: { readonly access: Access }) {
  const { codes: text } = words();
  const isToCome = access.startsAt !== undefined && Date.parse(access.startsAt) > now.value;
  return (
    <li class={`row grant ${access.problems.length > 0 ? 'bad' : ''}`}>
      <a href={linkTo('grant', access.id)}>
        <Icon name="people" />
        <span class="what">
          <strong>{access.name}</strong>
          {access.person !== undefined && <span>{access.person}</span>}
        </span>
        <span class="how">
          {times(isToCome ? access.startsAt : undefined, access.endsAt, access.schedule)}
          {!isToCome && access.startsAt !== undefined && access.schedule === undefined && (
            <small>{text.hasSince(ago(access.startsAt))}</small>
          )}
        </span>
        <ul class="chips">
          {access.doors.map((door) => (
            <DoorChip key={door.deviceId} door={door} />
          ))}
        </ul>
        {access.problems.map((problem, index) => (
          <p key={index} class="problem">
            <Icon name="warning" /> <span>{problem.message}</span>
          </p>
        ))}
      </a>
    </li>
  );
}
