import { useEffect } from 'preact/hooks';
import type { Box } from '../objects.ts';
import { isPassing, type Loaded } from '../questions.ts';
import { box, boxAsOf, putBox } from '../state.ts';
import { useCall } from './use-list.ts';

/** How the box is: asked for when it is looked at and after something was done, and told each ten seconds. */
export function useBox(): { readonly state: Loaded<Box>; readonly again: () => void } {
  const { state, again } = useCall<{ gateway: Box }>('/strikeplate/gateway/get', {}, []);
  const asked = state.value;
  const answer = asked.status === 'ready' ? asked.value.gateway : undefined;
  useEffect(() => {
    if (answer !== undefined) putBox(answer);
  }, [answer]);
  const current = box.value ?? answer;
  if (current === undefined) return { state: asked.status === 'ready' ? { status: 'loading' } : asked, again };
  if (asked.status === 'failed' && !isPassing(asked.error)) return { state: asked, again };
  const failed = asked.status === 'failed' ? asked.error : asked.status === 'ready' ? asked.failed : undefined;
  return { state: { status: 'ready', value: current, asOf: boxAsOf.value, ...(failed && { failed }) }, again };
}
