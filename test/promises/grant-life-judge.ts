import { GrantSerializers } from '../../src/wire/serializers.ts';
import type { TimedKeypad } from '../kit/locks/timed-keypad.ts';
import { type GrantWish, slugs } from './grant-life.ts';
import type { House } from './grant-life-run.ts';

const minute = 60_000;

/** How long before its time a code may be on a lock; on one that keeps times it does not open before. */
const leadMs = { plain: 60 * minute, native: 72 * 60 * minute };

const viewer = { may: () => true };

/** What must hold whatever is going on. */
export function brokenAtAnyTime(house: House): string[] {
  return [...gone(house), ...twice(house), ...turns(house)];
}

/** What must hold once nothing has happened for a while: each lock holds what it should, or it is said why not. */
export function brokenWhenQuiet(house: House): string[] {
  return [...brokenAtAnyTime(house), ...missing(house), ...unwanted(house), ...unissued(house), ...untold(house)];
}

/** Whoever listens is told of the end of a grant. */
function untold({ core, wishes }: House): string[] {
  return wishes
    .filter(({ id }) => !core.accessGrants.get(id))
    .filter(({ id }) => !told(core, id).some(({ eventType }) => eventType === 'access_grant.deleted'))
    .map(({ id }) => `${id} is gone, and nobody was told`);
}

const told = (core: House['core'], id: string) => core.events.list({ limit: 10_000, accessGrantIds: [id] });

/** A grant that the gateway has forgotten stands on no lock. */
function gone({ core, doors, wishes }: House): string[] {
  return wishes
    .filter(({ id }) => !core.accessGrants.get(id))
    .flatMap(({ id, pins, isDeleted }) => [
      ...(isDeleted ? [] : [`${id} is forgotten, and nobody deleted it`]),
      ...ours(doors)
        .filter(({ digits }) => pins.has(digits) && !isAnothers(wishes, id, digits))
        .map(({ slug, digits }) => `${digits} of ${id} is left on ${slug}, and the gateway knows nothing of it`),
    ]);
}

/** Digits that somebody asked for may be given again. */
const isAnothers = (wishes: readonly GrantWish[], id: string, digits: string): boolean =>
  wishes.some((other) => other.id !== id && other.pins.has(digits));

/** No door has the PIN of a request twice. */
function twice({ core, doors, wishes, options }: House): string[] {
  return wishes.flatMap(({ id, pins }) => {
    const requests = core.accessGrants.get(id)?.requests.length ?? 0;
    return [...doors].flatMap(([slug, keypad]) => {
      const held = [...keypad.entries.values()].filter(
        ({ by, digits }) => by === 'gateway' && pins.has(digits) && !isAnothers(wishes, id, digits),
      );
      const most = requests * (1 + options.backups);
      return requests > 0 && held.length > most ? [`${slug} holds ${held.length} PINs of ${id}`] : [];
    });
  });
}

/** A door is told as given and as lost by turns, beginning with the first; a grant is created and deleted once. */
function turns({ core, wishes }: House): string[] {
  return wishes.flatMap(({ id }) => {
    const events = told(core, id);
    const times = (type: string) => events.filter(({ eventType }) => eventType === type).length;
    const wrong = slugs.filter((slug) => {
      const ofDoor = events.filter(({ deviceId, eventType }) => deviceId === slug && /_door/.test(eventType));
      return ofDoor.some(({ eventType }, turn) => eventType.endsWith('granted_to_door') !== (turn % 2 === 0));
    });
    return [
      ...wrong.map((slug) => `${slug} was told as given or lost to ${id} twice in a row`),
      ...(times('access_grant.created') === 1 ? [] : [`${id} was told as created other than once`]),
      ...(times('access_grant.deleted') > (core.accessGrants.get(id) ? 0 : 1)
        ? [`${id} was told as deleted wrongly`]
        : []),
    ];
  });
}

/** A door that is wanted opens to a PIN of its grant, or the grant says why not, and it could not be otherwise. */
function missing(house: House): string[] {
  const { now, doors, wishes, core } = house;
  return wishes
    .filter((wish) => isLive(wish, now) && now >= wish.startsAt && !wish.isPartial)
    .flatMap((wish) =>
      [...wantedDoors(house, wish)].flatMap((slug) => {
        const keypad = doors.get(slug);
        if (!keypad || pinsNow(house, wish).some((pin) => keypad.opens(pin))) return [];
        const name = core.devices.get(slug)?.name ?? slug;
        const grant = core.accessGrants.get(wish.id);
        const shown = grant && new GrantSerializers(core).grant(grant, viewer);
        const why = [
          ...(shown?.errors.filter(({ missing_device_ids }) => missing_device_ids?.includes(slug)) ?? []),
          ...(shown?.warnings.filter(({ warning_code }) => warning_code === 'underprovisioned_access') ?? []),
        ].some(({ message }) => message.includes(name));
        if (!why) return [`${slug} does not open to ${wish.id}, and nothing says why`];
        const couldNot =
          !keypad.reachable || keypad.entries.size >= keypad.room || byHand(keypad).some((pin) => wish.pins.has(pin));
        return couldNot ? [] : [`${slug} could hold the PIN of ${wish.id}, and does not`];
      }),
    );
}

/** What stands on a lock is wanted now or soon, is a backup code, or could not be taken off, and the grant says so. */
function unwanted(house: House): string[] {
  const { now, doors, wishes, core, options } = house;
  return [...doors].flatMap(([slug, keypad]) => {
    const lead = keypad.rules.nativeSchedule ? leadMs.native : leadMs.plain;
    const strange = ours(new Map([[slug, keypad]])).filter(({ digits }) => {
      const owners = wishes.filter(({ pins }) => pins.has(digits));
      return !owners.some(
        (wish) => isLive(wish, now) && wantedDoors(house, wish).has(slug) && now >= wish.startsAt - lead,
      );
    });
    const unknown = strange.filter(({ digits }) => !wishes.some(({ pins }) => pins.has(digits)));
    const known = strange.filter((entry) => !unknown.includes(entry));
    return [
      // A backup code that went while nobody could be asked may be on its way out beside its successor.
      ...(unknown.length > options.backups && keypad.reachable
        ? [`${slug} holds ${unknown.map(({ digits }) => digits)}, which nobody asked for`]
        : []),
      ...known.flatMap(({ digits }) => {
        if (keypad.reachable) return [`${slug} holds ${digits}, which nobody wants there now`];
        const codes = core.accessCodes.list(slug);
        const code = codes.find((one) => core.accessCodes.reveal(one)?.reveal() === digits);
        if (!code) return [`${slug} may hold ${digits}, and the gateway knows nothing of it`];
        const isSaid = code.status === 'removing' ? code.warnings.length + code.errors.length > 0 : true;
        return isSaid ? [] : [`${slug} may still take ${digits}, and nothing says so`];
      }),
    ];
  });
}

/** A method is issued when each of its doors holds it, and only then; a door that is told as given opens, or will. */
function unissued(house: House): string[] {
  const { now, core, doors, wishes } = house;
  return wishes
    .filter((wish) => isLive(wish, now) && [...wantedDoors(house, wish)].every((slug) => doors.get(slug)?.reachable))
    .flatMap((wish) =>
      core.accessGrants.methodsOf(wish.id).flatMap((method) => {
        const digits = core.accessGrants.reveal(method)?.reveal() ?? '';
        const own = method.doors.filter(({ replacedBy }) => replacedBy === undefined);
        if (method.removal || own.some(({ deviceId }) => !wantedDoors(house, wish).has(deviceId))) return [];
        const isHeld = own.length > 0 && own.every(({ deviceId }) => held(doors.get(deviceId)).includes(digits));
        return isHeld === (method.issuedAt !== undefined)
          ? []
          : [
              `${digits} of ${wish.id} is ${isHeld ? 'held by all its doors and not' : 'not held by all its doors and'} issued`,
            ];
      }),
    );
}

const isLive = ({ isDeleted, endsAt }: GrantWish, now: number): boolean =>
  !isDeleted && (endsAt === undefined || now < endsAt);

const wantedDoors = ({ spaces }: House, wish: GrantWish): ReadonlySet<string> =>
  new Set([...wish.doors, ...wish.spaces.flatMap((number) => spaces[number] ?? [])]);

/** The PINs that whoever asks now is told. */
const pinsNow = ({ core: { accessGrants } }: House, { id }: GrantWish): string[] =>
  accessGrants.methodsOf(id).flatMap((method) => accessGrants.reveal(method)?.reveal() ?? []);

const held = (keypad: TimedKeypad | undefined): string[] =>
  [...(keypad?.entries.values() ?? [])].flatMap(({ by, digits }) => (by === 'gateway' ? [digits] : []));

const byHand = (keypad: TimedKeypad): string[] =>
  [...keypad.entries.values()].flatMap(({ by, digits }) => (by === 'hand' ? [digits] : []));

const ours = (doors: ReadonlyMap<string, TimedKeypad>) =>
  [...doors].flatMap(([slug, keypad]) =>
    [...keypad.entries.values()].flatMap(({ by, digits }) => (by === 'gateway' ? [{ slug, digits }] : [])),
  );
