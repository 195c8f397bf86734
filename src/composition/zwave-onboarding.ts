import { yamlString } from '../config/yaml-text.ts';
import { GatewayError, type Secret } from '../contract/index.ts';
import type { OnboardingFinding, OnboardingKind, OnboardingRequest } from '../model/onboarding.ts';
import type { OnboardingPlan, OnboardingTalk } from '../onboarding/onboarding-desk.ts';
import {
  dskProblem,
  exclude,
  type IncludedNode,
  include,
  pinProblem,
  rebuildRoutes,
  removeFailed,
  replace,
  smartStart,
  type ZwaveStick,
} from '../transports/zwave/index.ts';
import type { Links } from './links.ts';
import type { Reloader } from './reload.ts';

export type ZwaveKind = Extract<OnboardingKind, `zwave_${string}`>;

interface Parts {
  readonly links: Links;
  readonly reloader: Reloader;
}

/** @throws GatewayError `invalid_input` for a PIN or a DSK that is none; `link_unavailable` */
export function zwavePlan(
  kind: ZwaveKind,
  name: string,
  { answers, node }: OnboardingRequest,
  { links, reloader }: Parts,
): Pick<OnboardingPlan, 'message' | 'tooLate' | 'work'> {
  const { pin, dsk } = checked(kind, answers);
  const stick = links.stick(name);
  // A stick that is away is said before anybody goes to the device.
  void stick.open;
  const told = (talk: OnboardingTalk, joined: IncludedNode): string => {
    const known = reloader.config.devices.find(
      ({ link }) => link.kind === 'zwave' && link.name === name && link.node === joined.node,
    );
    const finding = joinedFinding(name, joined, known?.slug);
    talk.find(finding);
    const security = joined.security === undefined ? 'in the clear' : `with the keys ${joined.security}`;
    return `${finding.what} has joined ${security}${finding.note === undefined ? '' : `; ${finding.note}`}.`;
  };
  switch (kind) {
    case 'zwave_inclusion':
      return {
        message: 'The stick is told to take a device in.',
        tooLate: 'No device has joined. Exclude it first, even if it is new, and bring it close to the stick.',
        work: async (talk) => told(talk, await include(stick.open, { pin, dsk }, talk)),
      };
    case 'zwave_smart_start':
      return {
        message: 'The device is put on the stick’s list.',
        tooLate: 'The device did not announce itself, and is off the list again. Give it power, and try again.',
        work: async (talk) => told(talk, await smartStart(stick.open, required(dsk), talk)),
      };
    case 'zwave_replacement': {
      const number = nodeOf(node, stick);
      return {
        message: `Node ${number} is to be replaced.`,
        tooLate: `No device took the place of node ${number}. Bring the new one close to the stick, and try again.`,
        work: async (talk) => told(talk, await replace(stick.open, number, { pin, dsk }, talk)),
      };
    }
    case 'zwave_exclusion':
      return {
        message: 'The stick is told to let a device go.',
        tooLate: 'No device has left. Do what its manual says for exclusion, close to the stick.',
        work: async (talk) => {
          const gone = await exclude(stick.open, talk);
          return gone === undefined
            ? 'The device has left a network that was not this one; it can be included now.'
            : `Node ${gone} has left the network. Take it out of the configuration.`;
        },
      };
    case 'zwave_removal': {
      const number = nodeOf(node, stick);
      return {
        message: `Node ${number} is to be forgotten.`,
        tooLate: `Node ${number} was not removed in time. Try again.`,
        work: async (talk) => {
          await removeFailed(stick.open, number, talk);
          return `Node ${number} is forgotten. Take it out of the configuration.`;
        },
      };
    }
    case 'zwave_route_rebuild': {
      const number = node === undefined ? undefined : nodeOf(node, stick);
      return {
        message: 'Nodes are to look for their neighbours.',
        tooLate: 'It took too long. Routes that were found are used; begin again for the rest.',
        work: async (talk) => {
          const { done, of } = await rebuildRoutes(stick.open, number, talk);
          if (done === of) return `${of === 1 ? 'The node has' : `All ${of} nodes have`} new routes.`;
          if (done === 0 && of === 1)
            throw new GatewayError('device_offline', 'The node did not answer. Check its battery, and try again.');
          return `${done} of ${of} nodes have new routes; the others did not answer, or sleep.`;
        },
      };
    }
  }
}

/** @throws GatewayError `invalid_input` */
function checked(kind: ZwaveKind, answers: ReadonlyMap<string, Secret>) {
  const joins = kind === 'zwave_inclusion' || kind === 'zwave_replacement';
  const allowed = joins ? ['pin', 'dsk'] : kind === 'zwave_smart_start' ? ['dsk'] : [];
  for (const name of answers.keys())
    if (!allowed.includes(name))
      throw new GatewayError('invalid_input', `${kind} asks for no "${name}"; for ${allowed.join(', ') || 'nothing'}.`);
  const pin = answers.get('pin');
  const dsk = answers.get('dsk');
  const wrong = (pin && pinProblem(pin.reveal())) ?? (dsk && dskProblem(dsk.reveal()));
  if (wrong !== undefined) throw new GatewayError('invalid_input', wrong);
  if (kind === 'zwave_smart_start') required(dsk);
  return { pin, dsk };
}

function required(dsk: Secret | undefined): Secret {
  if (dsk !== undefined) return dsk;
  throw new GatewayError(
    'invalid_input',
    `SmartStart needs the device’s DSK (answers: { dsk }). ${dskProblem('') ?? ''}`,
  );
}

/** @throws GatewayError `invalid_input` */
function nodeOf(node: number | undefined, { open, name }: ZwaveStick): number {
  const nodes = [...open.driver.controller.nodes.keys()].filter((id) => id !== open.driver.controller.ownNodeId);
  if (node !== undefined && nodes.includes(node)) return node;
  throw new GatewayError(
    'invalid_input',
    `${node === undefined ? 'Say which node is meant (node).' : `The network of ${name} has no node ${node}.`} There are: ${nodes.join(', ') || 'none'}.`,
  );
}

/** Slots that a fragment asks for: people may want some of a lock's for themselves. */
const SLOTS = 10;

function joinedFinding(stick: string, joined: IncludedNode, configuredAs: string | undefined): OnboardingFinding {
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
    `    name: ${yamlString(product_words === '' ? `Node ${node}` : product_words)}`,
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
