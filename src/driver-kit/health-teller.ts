import type { Health, OpenContext } from '../contract/index.ts';

/** Tells the gateway a device's health, each time it is another one. */
export function healthTeller(ctx: Pick<OpenContext, 'report'>): (health: Health) => void {
  let last: string | undefined;
  return (health) => {
    const text = JSON.stringify(health);
    if (text === last) return;
    last = text;
    ctx.report({ kind: 'health', health });
  };
}
