import { test as base, beforeAll, describe, expect } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';
import type { DoomPoint } from '../kit/gateway/doom-points.ts';
import { DoomedBox, type DoomedRun, doorId, pause } from '../kit/gateway/doomed-box.ts';

const doors = ['front', 'side', 'back', 'attic'];

const it = base.extend<{ readonly box: DoomedBox }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture depends on
  box: async ({}, use) => {
    const box = await DoomedBox.make(doors);
    await use(box);
    await box.dispose();
  },
});

beforeAll(ensureBuilt);

const pin = '0472';
const inMinutes = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString();

/** What is asked of a grant over three doors, and what their locks hold once it has come about. */
interface Stage {
  readonly what: string;
  ask(run: DoomedRun, ids: { readonly space: string; readonly grant: string }): Promise<unknown>;
  readonly open: readonly string[];
}

const startsAt = inMinutes(0);
const endsAt = inMinutes(120);
const later = inMinutes(60);

const stages: readonly Stage[] = [
  {
    what: 'creating',
    ask: (run, { space }) =>
      run.ask('/access_grants/create', {
        user_identity: { full_name: 'Ana', user_identity_key: 'ana' },
        space_ids: [space],
        requested_access_methods: [{ mode: 'code', code: pin }],
        access_grant_key: 'stay',
        starts_at: startsAt,
        ends_at: endsAt,
      }),
    open: ['front', 'side', 'back'],
  },
  {
    what: 'putting off',
    ask: (run, { grant }) => run.ask('/access_grants/update', { access_grant_id: grant, starts_at: later }),
    open: [],
  },
  {
    what: 'taking up again',
    ask: (run, { grant }) => run.ask('/access_grants/update', { access_grant_id: grant, starts_at: startsAt }),
    open: ['front', 'side', 'back'],
  },
  {
    what: 'exchanging a door',
    ask: (run, { space }) =>
      run.ask('/spaces/update', { space_id: space, device_ids: ['side', 'back', 'attic'].map(doorId) }),
    open: ['side', 'back', 'attic'],
  },
  {
    what: 'deleting',
    ask: (run, { grant }) => run.ask('/access_grants/delete', { access_grant_id: grant }),
    open: [],
  },
];

/** A life of a grant in which the process is killed once in each of its stages. Answers how often it was. */
async function liveAndDie(box: DoomedBox, points: readonly DoomPoint[]): Promise<number> {
  let run = await box.start();
  await run.linkIsUp();
  const made = await run.call('/spaces/create', {
    name: 'Flat',
    space_key: 'flat',
    device_ids: ['front', 'side', 'back'].map(doorId),
  });
  const ids = { space: made.space?.space_id ?? '', grant: '' };
  let deaths = 0;
  for (const [index, stage] of stages.entries()) {
    const point = points[index % points.length];
    if (point) run.doom(point);
    await stage.ask(run, ids);
    const died = await comeAbout(run, stage).then(
      () => false,
      () => run.died.then(() => true),
    );
    if (died) {
      deaths += 1;
      run = await box.start();
      await run.linkIsUp();
      // Whoever had no answer asks again, as the clients of the API do.
      await stage.ask(run, ids);
      await comeAbout(run, stage);
    }
    ids.grant ||=
      (await run.call('/access_grants/get', { access_grant_key: 'stay' })).access_grant?.access_grant_id ?? '';
    const where = `${stage.what}, killed at ${point}`;
    expect(heldBy(box), where).toEqual(doors.map((slug) => (stage.open.includes(slug) ? [pin] : [])));
    await expectTruth(run, stage, where);
    // Nobody who was to keep it lost it, even for a moment, and nobody was given it twice.
    for (const slug of doors) {
      expect(doings(box, slug), `${slug}, ${where}`).toEqual(expected(slug, index));
    }
  }
  await run.kill();
  return deaths;
}

const heldBy = (box: DoomedBox): string[][] => doors.map((slug) => [...box.lockOf(slug).keypad.codes.values()]);

/** What a lock was told to do, by its own record: a removal that found nothing is none. */
function doings(box: DoomedBox, slug: string): string[] {
  const held = new Set<number>();
  return box.lockOf(slug).keypad.codeCommands.flatMap(({ slot, code, stored }) => {
    if (code !== undefined) {
      held.add(slot);
      return [stored ? `set ${code}` : `refused ${code}`];
    }
    return held.delete(slot) ? ['cleared'] : [];
  });
}

function expected(slug: string, stage: number): string[] {
  let isOpen = false;
  return stages.slice(0, stage + 1).flatMap(({ open }) => {
    if (open.includes(slug) === isOpen) return [];
    isOpen = !isOpen;
    return [isOpen ? `set ${pin}` : 'cleared'];
  });
}

/** Until the gateway says that the stage is over. */
async function comeAbout(run: DoomedRun, { open, what }: Stage): Promise<void> {
  for (;;) {
    await run.allEnded();
    const grants = (await run.call('/access_grants/list')).access_grants ?? [];
    const codes = await Promise.all(doors.map((slug) => run.codes(slug)));
    const isThere = codes.every((ofDoor, door) => {
      const statuses = ofDoor.map(({ status }) => status);
      if (open.includes(doors[door] ?? '')) return statuses.length === 1 && statuses[0] === 'set';
      return what === 'putting off' ? statuses.every((status) => status === 'unset') : statuses.length === 0;
    });
    const isAsked = what === 'deleting' ? grants.length === 0 : grants.length === 1;
    if (isThere && isAsked) return;
    await pause(30);
  }
}

/** What the gateway tells afterwards: no code that it does not know, no door twice, and nothing that did not happen. */
async function expectTruth(run: DoomedRun, { open, what }: Stage, where: string): Promise<void> {
  for (const slug of doors) {
    const { access_codes = [] } = await run.call('/access_codes/unmanaged/list', { device_id: doorId(slug) });
    expect(access_codes, `not ours on ${slug}, ${where}`).toEqual([]);
  }
  const { events = [] } = await run.call('/events/list', { since: startsAt, limit: 2_000 });
  const told = events.filter(
    ({ event_type }) => event_type.startsWith('access_grant.') || event_type === 'space.created',
  );
  for (const slug of doors) {
    const ofDoor = told.filter(({ device_id }) => device_id === doorId(slug)).map(({ event_type }) => event_type);
    const turns = ofDoor.map((type) => type === 'access_grant.access_granted_to_door');
    // By turns, beginning with the first time it was given.
    expect(turns, `${slug}, ${where}`).toEqual(turns.map((_, turn) => turn % 2 === 0));
    expect(turns.at(-1) ?? false, `${slug}, ${where}`).toBe(open.includes(slug));
  }
  expect(told.filter(({ event_type }) => event_type === 'access_grant.created')).toHaveLength(1);
  if (what === 'deleting') {
    expect(told.filter(({ event_type }) => event_type === 'access_grant.deleted')).toHaveLength(1);
    return;
  }
  const [grant] = (await run.call('/access_grants/list')).access_grants ?? [];
  expect(grant?.errors, where).toEqual([]);
  const methods = grant?.access_method_ids ?? [];
  expect(methods, where).toHaveLength(1);
  const { access_method } = await run.call('/access_methods/get', { access_method_id: methods[0] });
  expect(access_method, where).toMatchObject({ code: pin, is_issued: open.length > 0 });
}

/** Up to which step each stage is killed at every point; undefined for one life with a point of each kind. */
const everyStep = process.env.STRIKEPLATE_GRANT_KILLS;

const atStep = (step: number): DoomPoint[] => [
  `before_grant_step_${step}`,
  `after_grant_step_${step}`,
  `command_${step}`,
];

const chosen: readonly (readonly DoomPoint[])[] = everyStep
  ? Array.from({ length: Number(everyStep) }, (_, step) => atStep(step + 1)).flatMap((points) =>
      points.map((point) => [point]),
    )
  : [['after_grant_step_1', 'command_1', 'after_grant_step_4', 'before_grant_step_3', 'command_2']];

describe.concurrent('P8 of a grant over three doors whose process is killed', () => {
  it.for(chosen.map((points) => ({ points, name: points.join(', ') })))(
    '$name: no orphan, nothing lost, no door twice',
    async ({ points, name }, { box }) => {
      const deaths = await liveAndDie(box, points);
      if (everyStep) process.stdout.write(`${name}: ${deaths} deaths\n`);
      else expect(deaths).toBe(stages.length);
    },
  );
});
