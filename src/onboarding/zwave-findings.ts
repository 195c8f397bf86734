import { stringify } from 'yaml';
import type { OnboardingFinding } from '../model/onboarding.ts';

/** A node that has joined, as far as lines for the configuration need it. */
export interface JoinedNode {
  readonly node: number;
  readonly security: string | undefined;
  readonly isInterviewed: boolean;
  readonly kind: 'lock' | 'noise' | undefined;
  readonly codes: number;
  readonly maker: string | undefined;
  readonly model: string | undefined;
  readonly product: string | undefined;
}

/** Slots that a fragment asks for: people may want some of a lock's for themselves. */
const SLOTS = 10;

export function joinedFinding(stick: string, joined: JoinedNode, configuredAs: string | undefined): OnboardingFinding {
  const { node, security, isInterviewed, kind, codes, maker, model, product } = joined;
  const product_words = [maker, model].filter((word) => word !== undefined).join(' ');
  const what = `${kind === 'noise' ? 'noise sensor' : (kind ?? 'device')} ${node}${product_words === '' ? '' : ` (${product_words})`}`;
  const settings = {
    ...(kind === 'noise' && { kind }),
    ...(maker !== undefined && { manufacturer: maker }),
    ...(model !== undefined && { model }),
    ...(product !== undefined && { product }),
    ...(codes > 0 && { pin_slots: { first: 1, count: Math.min(codes, SLOTS) } }),
  };
  const lines = [
    'devices:',
    `  - id: node-${node}`,
    `    name: ${stringify(product_words === '' ? `Node ${node}` : product_words).trim()}`,
    '    driver: zwave/node',
    `    link: { zwave: ${stick}, node: ${node} }`,
    `    settings: ${JSON.stringify(settings)}`,
  ];
  return {
    address: String(node),
    what,
    driver: kind === undefined ? undefined : 'zwave/node',
    note: isInterviewed ? undefined : 'it is still asked what it can do; that goes on by itself',
    configuredAs,
    configuration: kind === undefined || configuredAs !== undefined ? [] : lines,
    details: { node, security: security ?? null, interviewed: isInterviewed, codes },
  };
}
