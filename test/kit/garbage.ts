import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
/** Collects what nobody holds at this moment. */
export const collect = runInNewContext('gc') as () => void;

/** How many are still held by somebody, some turns of the event loop later. */
export async function stillHeld(things: Iterable<WeakRef<object>>): Promise<number> {
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return [...things].filter((thing) => thing.deref() !== undefined).length;
}
