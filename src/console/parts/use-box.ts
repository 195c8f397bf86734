import { useEffect } from 'preact/hooks';
import type { Box } from '../objects.ts';
import { box } from '../state.ts';
import { type Loaded, useCall } from './use-list.ts';

/** How the box is: asked for when it is looked at and after something was done, and told each ten seconds. */
export function useBox(): { readonly state: Loaded<Box>; readonly again: () => void } {
  const { state, again } = useCall<{ gateway: Box }>('/strikeplate/gateway/get', {}, []);
  const asked = state.value.status === 'ready' ? state.value.value.gateway : undefined;
  useEffect(() => {
    if (asked !== undefined) box.value = asked;
  }, [asked]);
  const current = box.value ?? asked;
  if (current !== undefined) return { state: { status: 'ready', value: current }, again };
  return { state: state.value.status === 'failed' ? state.value : { status: 'loading' }, again };
}
