import type { InclusionState, ZWaveNode } from 'zwave-js';
import { unlessAborted } from '../../contract/index.ts';
import { busy, listen, type OpenStick, rejectOn, stickRefused } from './controller-events.ts';
import type { InclusionTalk } from './inclusion.ts';

/** Takes one device out of whatever network it is in. Resolves with its number in ours, if it had one. */
export async function exclude({ driver, library, lost }: OpenStick, talk: InclusionTalk): Promise<number | undefined> {
  const { controller } = driver;
  const events = new AbortController();
  const refused = (error: unknown) =>
    stickRefused(error, 'The stick did not exclude the device. Try again, with the device close to the stick');
  try {
    return await new Promise((resolve, reject) => {
      const gone = ({ id }: ZWaveNode) => resolve(id === 0 ? undefined : id);
      listen(controller, 'node removed', gone, events.signal);
      // A device of another network leaves it without being named.
      const changed = (state: InclusionState) => {
        if (state === library.InclusionState.Idle) resolve(undefined);
      };
      listen(controller, 'inclusion state changed', changed, events.signal);
      listen(controller, 'exclusion failed', () => reject(refused(undefined)), events.signal);
      rejectOn(talk.signal, reject, events.signal);
      rejectOn(lost, reject, events.signal);
      controller.beginExclusion().then(
        (begun) => {
          if (!begun) reject(busy());
          talk.say('excluding', 'The stick waits: do at the device what its manual says for exclusion.');
        },
        (error: unknown) => reject(refused(error)),
      );
    });
  } finally {
    events.abort();
    if (!lost.aborted) await controller.stopExclusion().catch(() => false);
  }
}

/** Forgets a node that does not answer any more. */
export async function removeFailed({ driver }: OpenStick, node: number, talk: InclusionTalk): Promise<void> {
  talk.say('asking', `Node ${node} is asked whether it is still there.`);
  const removed = driver.controller.removeFailedNode(node).catch((error: unknown) => {
    throw stickRefused(error, `Node ${node} was not removed: it answers, or the stick is busy. Exclude what answers`);
  });
  await unlessAborted(removed, talk.signal);
}

/** What became of each node. */
type Progress = ReadonlyMap<number, 'pending' | 'done' | 'failed' | 'skipped'>;

/** Finds new ways through the network. Resolves with how many nodes got them, of how many. */
export async function rebuildRoutes(
  { driver, lost }: OpenStick,
  node: number | undefined,
  talk: InclusionTalk,
): Promise<{ readonly done: number; readonly of: number }> {
  const { controller } = driver;
  if (node !== undefined) {
    talk.say('rebuilding', `Node ${node} looks for its neighbours.`);
    const rebuilt = controller.rebuildNodeRoutes(node).catch((error: unknown) => {
      throw stickRefused(error, `The routes of node ${node} were not rebuilt. Check that it has power`);
    });
    return { done: (await unlessAborted(rebuilt, talk.signal)) ? 1 : 0, of: 1 };
  }
  const events = new AbortController();
  try {
    return await new Promise((resolve, reject) => {
      const count = (progress: Progress, state: string) => [...progress.values()].filter((one) => one === state).length;
      const tell = (progress: Progress) =>
        talk.say(
          'rebuilding',
          `${progress.size - count(progress, 'pending')} of ${progress.size} nodes have looked for their neighbours.`,
        );
      const end = (progress: Progress) => resolve({ done: count(progress, 'done'), of: progress.size });
      listen(controller, 'rebuild routes progress', tell, events.signal);
      listen(controller, 'rebuild routes done', end, events.signal);
      rejectOn(talk.signal, reject, events.signal);
      rejectOn(lost, reject, events.signal);
      if (!controller.beginRebuildingRoutes()) reject(busy());
    });
  } finally {
    events.abort();
    if (!lost.aborted && controller.isRebuildingRoutes) controller.stopRebuildingRoutes();
  }
}
