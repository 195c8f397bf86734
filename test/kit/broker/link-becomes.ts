import type { Link, LinkState } from '../../../src/contract/index.ts';

/** Resolves when the link is in such a state. */
export function becomes(
  link: Pick<Link, 'state' | 'onStateChange'>,
  status: LinkState['status'],
  reason?: string,
): Promise<LinkState> {
  const fits = (state: LinkState) =>
    state.status === status && (reason === undefined || (state.status === 'down' && state.reason === reason));
  return new Promise((resolve) => {
    if (fits(link.state)) {
      resolve(link.state);
      return;
    }
    const stop = link.onStateChange((state) => {
      if (!fits(state)) return;
      stop();
      resolve(state);
    });
  });
}
