import type { InclusionOptions, InclusionUserCallbacks, ReplaceNodeOptions, ZWaveNode } from 'zwave-js';
import { GatewayError, Secret } from '../../contract/index.ts';
import { featuresOf } from './calls.ts';
import { busy, listen, type OpenStick, onceAborted, rejectOn, stickRefused } from './controller-events.ts';
import { dskFrom, pinProblem } from './dsk.ts';
import type { ZwaveLibrary } from './library.ts';

/** How somebody who stands at the device is told of it, and asked. */
export interface InclusionTalk {
  readonly signal: AbortSignal;
  say(step: string, message: string): void;
  ask(
    question: { readonly name: string; readonly text: string; readonly isSecret: boolean },
    check: (answer: Secret) => string | undefined,
  ): Promise<Secret>;
  withdraw(): void;
}

/** A node that is in the network. */
export interface IncludedNode {
  readonly node: number;
  /** `S2_AccessControl`, `S0_Legacy`; undefined: it talks in the clear. */
  readonly security: string | undefined;
  /** Whether it said all about itself; what it can do is known by then. */
  readonly isInterviewed: boolean;
  readonly kind: 'lock' | 'noise' | undefined;
  /** Places for codes that it has. */
  readonly codes: number;
  readonly maker: string | undefined;
  readonly model: string | undefined;
  readonly product: string | undefined;
}

/** Security classes by the library's numbers (`SecurityClass`, which its main entry does not export). */
const classNames: ReadonlyMap<number, string> = new Map([
  [0, 'S2_Unauthenticated'],
  [1, 'S2_Authenticated'],
  [2, 'S2_AccessControl'],
  [7, 'S0_Legacy'],
]);

interface Request {
  readonly pin: Secret | undefined;
  readonly dsk: Secret | undefined;
}

/** Adds one node. @throws GatewayError; what joined without its keys is named, with what to do about it */
export function include(stick: OpenStick, request: Request, talk: InclusionTalk): Promise<IncludedNode> {
  const { driver, library } = stick;
  const dsk = request.dsk && dskFrom(request.dsk.reveal());
  const userCallbacks = callbacks(request, talk);
  const { Default, Security_S2 } = library.InclusionStrategy;
  const options: InclusionOptions =
    dsk === undefined ? { strategy: Default, userCallbacks } : { strategy: Security_S2, dsk, userCallbacks };
  return joining(stick, talk, async () => {
    if (!(await driver.controller.beginInclusion(options))) throw busy();
    talk.say('including', 'The stick waits for a device: do at the device what its manual says for inclusion.');
  });
}

/** Puts a new device into the place of one that does not answer any more. */
export function replace(stick: OpenStick, node: number, request: Request, talk: InclusionTalk): Promise<IncludedNode> {
  const { driver, library } = stick;
  const dsk = request.dsk && dskFrom(request.dsk.reveal());
  const options: ReplaceNodeOptions = {
    strategy: library.InclusionStrategy.Security_S2,
    userCallbacks: callbacks({ ...request, pin: request.pin ?? pinOf(dsk) }, talk),
  };
  return joining(stick, talk, async () => {
    talk.say('looking for the old one', `Node ${node} is asked whether it is still there.`);
    if (!(await driver.controller.replaceFailedNode(node, options))) throw busy();
    talk.say('including', `The stick waits for the device that takes the place of node ${node}.`);
  });
}

/** Lets the device with this DSK join by itself, as soon as it has power. */
export async function smartStart(stick: OpenStick, dsk: Secret, talk: InclusionTalk): Promise<IncludedNode> {
  const { driver } = stick;
  const text = dskFrom(dsk.reveal()) ?? '';
  const { controller } = driver;
  if (controller.getProvisioningEntry(text) !== undefined)
    throw new GatewayError('invalid_input', 'This DSK is on the stick’s list already: the device has joined, or will.');
  let hasJoined = false;
  try {
    const node = await joining(stick, talk, async () => {
      controller.provisionSmartStartNode({
        dsk: text,
        securityClasses: [2, 1, 0],
      });
      talk.say('waiting', 'Give the device power: it joins by itself, within some minutes.');
    });
    hasJoined = true;
    return node;
  } finally {
    // Nothing joins later, when nobody looks.
    if (!hasJoined && !stick.lost.aborted) controller.unprovisionSmartStartNode(text);
  }
}

/** Runs what lets a node join, until it is in the network and has said what it is. */
async function joining(stick: OpenStick, talk: InclusionTalk, begin: () => Promise<void>): Promise<IncludedNode> {
  const { driver, library, lost } = stick;
  const { controller } = driver;
  const events = new AbortController();
  let isFound = false;
  const refused = (error: unknown) =>
    stickRefused(error, 'The stick did not include the device. Exclude it first, and bring it close to the stick');
  try {
    const added = await new Promise<{ readonly node: ZWaveNode; readonly lowSecurity: number | undefined }>(
      (resolve, reject) => {
        const found = ({ id }: { readonly id: number }) => {
          isFound = true;
          talk.say('joining', `A device joins as node ${id}, and agrees on keys.`);
        };
        const isIn = (
          node: ZWaveNode,
          result: { readonly lowSecurity?: boolean; readonly lowSecurityReason?: number },
        ) => resolve({ node, lowSecurity: result.lowSecurity === true ? (result.lowSecurityReason ?? -1) : undefined });
        listen(controller, 'node found', found, events.signal);
        listen(controller, 'node added', isIn, events.signal);
        listen(controller, 'inclusion failed', () => reject(refused(undefined)), events.signal);
        rejectOn(lost, reject, events.signal);
        // A node that was found is in the network by now: its end is waited for, so that it can be told of.
        onceAborted(
          talk.signal,
          () => {
            if (!isFound) reject(talk.signal.reason);
          },
          events.signal,
        );
        begin().catch((error: unknown) => reject(refused(error)));
      },
    );
    if (added.lowSecurity !== undefined) throw unsafe(added.node.id, added.lowSecurity, library);
    const isInterviewed = await interviewed(added.node, talk, lost);
    return described(added.node, isInterviewed);
  } finally {
    events.abort();
    if (!lost.aborted && !isFound) await controller.stopInclusion().catch(() => false);
  }
}

/** False when it took too long: it goes on by itself. */
async function interviewed(node: ZWaveNode, talk: InclusionTalk, lost: AbortSignal): Promise<boolean> {
  if (node.ready) return true;
  talk.say(
    'interviewing',
    `Node ${node.id} has joined, and is asked what it can do. For a lock this takes some minutes.`,
  );
  const events = new AbortController();
  try {
    return await new Promise<boolean>((resolve) => {
      listen(node, 'ready', () => resolve(true), events.signal);
      onceAborted(talk.signal, () => resolve(false), events.signal);
      onceAborted(lost, () => resolve(false), events.signal);
    });
  } finally {
    events.abort();
  }
}

function described(node: ZWaveNode, isInterviewed: boolean): IncludedNode {
  const { lock, codes, loudness, product } = featuresOf(node);
  const security = node.getHighestSecurityClass();
  return {
    node: node.id,
    security: security === undefined ? undefined : classNames.get(security),
    isInterviewed,
    kind: lock !== undefined ? 'lock' : loudness ? 'noise' : undefined,
    codes: codes?.slots ?? 0,
    maker: node.deviceConfig?.manufacturer,
    model: node.deviceConfig?.label,
    product,
  };
}

function callbacks({ pin }: Request, talk: InclusionTalk): InclusionUserCallbacks {
  return {
    grantSecurityClasses: async (asked) => {
      const names = asked.securityClasses.map((one) => classNames.get(one)).join(', ');
      talk.say('granting keys', `It asks for the keys ${names}, and is given them.`);
      return asked;
    },
    validateDSKAndEnterPIN: async (rest) => {
      if (pin !== undefined) return pin.reveal();
      talk.say('waiting for the PIN', 'It wants its PIN confirmed: five digits, underlined on the device.');
      const text = `The PIN: the first five digits of the DSK that is printed on the device, whose other digits are ${rest}`;
      const answer = await talk
        .ask({ name: 'pin', text, isSecret: true }, (given) => pinProblem(given.reveal()))
        .catch(() => undefined);
      if (answer === undefined) return false;
      talk.say('agreeing on keys', 'The PIN is there; keys are agreed on.');
      return answer.reveal();
    },
    abort: () => talk.withdraw(),
  };
}

const pinOf = (dsk: string | undefined): Secret | undefined =>
  dsk === undefined ? undefined : new Secret(dsk.slice(0, 5));

/** A lock that joined without its keys answers no command: it is in the network and of no use. */
function unsafe(node: number, reason: number, { SecurityBootstrapFailure: Why }: ZwaveLibrary): GatewayError {
  const because: Readonly<Record<number, string>> = {
    [Why.UserCanceled]: 'its PIN was not confirmed',
    [Why.NoKeysConfigured]: 'the stick has no key of the class that it wants',
    [Why.Timeout]: 'it did not answer in time',
    [Why.NodeCanceled]: 'it broke off',
    [Why.S2IncorrectPIN]: 'the PIN was not the one of this device',
    [Why.S2WrongSecurityLevel]: 'it wanted other keys than it was given',
  };
  return new GatewayError(
    'authentication_failed',
    `Node ${node} has joined without its keys: ${because[reason] ?? 'they were not agreed on'}. Exclude it, and include it again.`,
  );
}
