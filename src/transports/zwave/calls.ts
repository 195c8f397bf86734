import type { Driver, UserCredentialCCCredentialReport, ZWaveNode } from 'zwave-js';
import {
  Secret,
  type ZwaveCode,
  type ZwaveCommand,
  type ZwaveFeatures,
  type ZwaveQuestions,
  type ZwaveVerdict,
} from '../../contract/index.ts';
import { fail } from './failures.ts';
import type { ZwaveLibrary } from './library.ts';
import { boltOf, cc, loudness } from './reports.ts';

/** CC:0083, credential type "PIN code". */
const PIN = 0x01;
/** CC:0083, user type "general user". */
const GENERAL = 0x00;
/** CC:0063, user ID status. */
const status = { available: 0x00, enabled: 0x01, notAvailable: 0xfe } as const;
/** CC:006C, supervision status. */
const supervision = { working: 0x01, success: 0xff } as const;
/** CC:0062, Capabilities Report. */
const doorLock = { class: 0x62, autoRelock: 'autoRelockSupported' } as const;
/** CC:0083, operation types of User Set and Credential Set. */
const operation = { add: 0, modify: 1, delete: 2 } as const;
/** CC:0083, report types that say no. Of 6, "location empty", the read afterwards tells what it meant. */
type Refusals = Readonly<Record<number, ZwaveVerdict['said']>>;
const userRefusals: Refusals = { 5: 'occupied', 7: 'failed' };
const credentialRefusals: Refusals = {
  5: 'occupied',
  7: 'duplicate',
  8: 'against_rules',
  9: 'failed',
  10: 'duplicate',
};

/** What zwave-js can be told about one exchange. */
export type SendOptions = Parameters<ZWaveNode['commandClasses']['Lock']['withOptions']>[0];

/** What the interview found out. */
export function featuresOf(node: ZWaveNode): ZwaveFeatures {
  const classes = node.commandClasses;
  const lock = classes['Door Lock'].isSupported() ? 'door_lock' : classes.Lock.isSupported() ? 'lock' : undefined;
  const product = productOf(node);
  const autoRelock =
    lock === 'door_lock' && node.getValue({ commandClass: doorLock.class, property: doorLock.autoRelock }) === true;
  return {
    ...{ lock, codes: codesOf(node), loudness: hasLoudness(node), autoRelock },
    ...(product !== undefined && { product }),
  };
}

/** CC:0072: maker, product type, product. */
function productOf({ manufacturerId, productType, productId }: ZWaveNode): string | undefined {
  if (manufacturerId === undefined || productType === undefined || productId === undefined) return undefined;
  return [manufacturerId, productType, productId].map((part) => part.toString(16).padStart(4, '0')).join(':');
}

function codesOf(node: ZWaveNode): ZwaveFeatures['codes'] {
  const classes = node.commandClasses;
  if (!classes['User Code'].isSupported() && !classes['User Credential'].isSupported()) return undefined;
  const { accessControl } = node;
  if (accessControl === undefined) return undefined;
  const users = accessControl.getUserCapabilitiesCached();
  const types = accessControl.getCredentialCapabilitiesCached().supportedCredentialTypes;
  const withUsers = users.supportsUsersWithoutCredentials;
  const pins = types.get(PIN) ?? (withUsers ? undefined : [...types.values()][0]);
  if (pins === undefined) return undefined;
  return {
    kept: withUsers ? 'user_credential' : 'user_code',
    slots: Math.min(users.maxUsers, pins.numberOfCredentialSlots),
    minLength: Math.max(4, pins.minCredentialLength),
    maxLength: pins.maxCredentialLength,
  };
}

const hasLoudness = (node: ZWaveNode): boolean =>
  node.commandClasses['Multilevel Sensor'].isSupported() &&
  node
    .getDefinedValueIDs()
    .some(({ commandClass, property }) => commandClass === cc.sensor && property === loudness.property);

/** One exchange each; undefined when the node gave no answer in time. */
export const questions: {
  readonly [Q in keyof ZwaveQuestions]: (
    node: ZWaveNode,
    ask: ZwaveQuestions[Q]['ask'],
    options: SendOptions,
  ) => Promise<ZwaveQuestions[Q]['answer'] | undefined>;
} = {
  async bolt(node, _, options) {
    const classes = node.commandClasses;
    if (classes['Door Lock'].isSupported()) {
      const found = await classes['Door Lock'].withOptions(options).get();
      return found?.currentMode === undefined ? undefined : { bolt: boltOf(found.currentMode) };
    }
    const locked = await classes.Lock.withOptions(options).get();
    return locked === undefined ? undefined : { bolt: locked ? 'secured' : 'unsecured' };
  },
  code: (node, { slot }, options) =>
    codesOf(node)?.kept === 'user_credential' ? readCredential(node, slot, options) : readUserCode(node, slot, options),
  async battery(node, _, options) {
    const found = await node.commandClasses.Battery.withOptions(options).get();
    return found?.level === undefined ? undefined : { percent: found.level };
  },
  async auto_relock(node, _, options) {
    const found = await node.commandClasses['Door Lock'].withOptions(options).getConfiguration();
    return found?.autoRelockTime === undefined ? undefined : { seconds: found.autoRelockTime };
  },
  async loudness(node, _, options) {
    const found = await node.commandClasses['Multilevel Sensor'].withOptions(options).get(loudness.type);
    if (found === undefined) return undefined;
    return { level: found.value, scale: loudness.scales[found.scale.key === 1 ? 1 : 0] };
  },
};

async function readUserCode(node: ZWaveNode, slot: number, options: SendOptions): Promise<ZwaveCode | undefined> {
  const found = await node.commandClasses['User Code'].withOptions(options).get(slot);
  if (found === undefined) return undefined;
  if (found.userIdStatus === status.available) return { place: 'free' };
  if (found.userIdStatus === status.notAvailable) return { place: 'unknown' };
  return { place: 'occupied', ...shown(found.userCode) };
}

/** 15.29.0 gives a row also for an empty place: nobody's credential, or a user without name who may not come in. */
async function readCredential(node: ZWaveNode, slot: number, options: SendOptions): Promise<ZwaveCode | undefined> {
  const api = node.commandClasses['User Credential'].withOptions(options);
  const credential = await api.getCredential(0, PIN, slot);
  if (credential === undefined) return undefined;
  const user = await api.getUser(slot);
  if (user === undefined) return undefined;
  const label = user.userName ? { label: user.userName } : {};
  if (credential.credentialSlot === slot && credential.userId !== 0)
    return { place: 'occupied', ...shown(credential.credentialData), ...label };
  const isUser = user.userId === slot && (user.active === true || Boolean(user.userName));
  return isUser ? { place: 'user_only', ...label } : { place: 'free' };
}

/** Stars, or nothing, stand for a code that the lock does not show. */
function shown(data: string | Uint8Array | undefined): { code?: Secret } {
  const text = typeof data === 'string' ? data : data === undefined ? '' : Buffer.from(data).toString('latin1');
  return /^[0-9]+$/.test(text) ? { code: new Secret(text) } : {};
}

/** A node, and what it takes to speak to it past the ready-made calls. */
export interface Reached {
  readonly node: ZWaveNode;
  readonly driver: Driver;
  readonly library: ZwaveLibrary;
}

/** Sends a command; `options` carry what keeps it single and in time. */
export async function send(to: Reached, command: ZwaveCommand, options: SendOptions): Promise<ZwaveVerdict> {
  const { node } = to;
  const classes = node.commandClasses;
  switch (command.do) {
    case 'lock':
    case 'unlock': {
      const locked = command.do === 'lock';
      const result = classes['Door Lock'].isSupported()
        ? await classes['Door Lock'].withOptions(options).set(locked ? 0xff : 0x00)
        : await classes.Lock.withOptions(options).set(locked);
      return verdictOf(result);
    }
    case 'set_auto_relock':
      return setAutoRelock(node, command.seconds, options);
    case 'add_user': {
      const api = classes['User Credential'].withOptions(options);
      const { slot: userId, label: userName } = command;
      return told(
        await api.setUser({ operationType: operation.add, userId, userType: GENERAL, active: true, userName }),
        userRefusals,
      );
    }
    case 'set_code':
      return setCode(to, command.slot, command.code, options);
    case 'clear_code': {
      if (codesOf(node)?.kept !== 'user_credential')
        return verdictOf(await classes['User Code'].withOptions(options).clear(command.slot));
      const api = classes['User Credential'].withOptions(options);
      return told(await api.setUser({ operationType: operation.delete, userId: command.slot }), userRefusals);
    }
  }
}

/** CC:0062, Configuration Set: it carries everything, so that it is read first. */
async function setAutoRelock(node: ZWaveNode, seconds: number, options: SendOptions): Promise<ZwaveVerdict> {
  const api = node.commandClasses['Door Lock'];
  const { priority, expire } = options ?? {};
  const kept = await api
    .withOptions({ ...(priority !== undefined && { priority }), ...(expire !== undefined && { expire }) })
    .getConfiguration();
  if (kept === undefined)
    throw fail(
      'device_offline',
      `Node ${node.id} does not answer what it keeps now, so nothing was changed. Check its battery and its distance to the next node.`,
      'not_sent',
    );
  const { operationType, lockTimeoutConfiguration, ...rest } = kept;
  type Kept = Parameters<typeof api.setConfiguration>[0];
  // Whether it has a timeout depends on its operation type, as it told both.
  const set = { operationType, lockTimeoutConfiguration, ...rest, autoRelockTime: seconds } as Kept;
  return verdictOf(await api.withOptions(options).setConfiguration(set));
}

async function setCode(to: Reached, slot: number, code: Secret, options: SendOptions): Promise<ZwaveVerdict> {
  const { node, driver, library } = to;
  if (codesOf(node)?.kept !== 'user_credential')
    return verdictOf(
      await node.commandClasses['User Code'].withOptions(options).set(slot, status.enabled, code.reveal()),
    );
  // The ready-made call insists on a class of bytes that the library does not export.
  type Bytes = ConstructorParameters<typeof library.UserCredentialCCCredentialSet>[0]['credentialData'];
  const write = new library.UserCredentialCCCredentialSet({
    nodeId: node.id,
    operationType: operation.add,
    userId: slot,
    credentialType: PIN,
    credentialSlot: slot,
    credentialData: Buffer.from(code.reveal(), 'ascii') as unknown as NonNullable<Bytes>,
  });
  return told(await driver.sendCommand<UserCredentialCCCredentialReport>(write, options), credentialRefusals);
}

function verdictOf(result: Awaited<ReturnType<ZWaveNode['commandClasses']['Lock']['set']>>): ZwaveVerdict {
  if (result === undefined) return { said: 'unsupervised' };
  const remainingMs = result.remainingDuration?.toMilliseconds();
  if (Number(result.status) === supervision.working)
    return { said: 'working', ...(remainingMs !== undefined && { remainingMs }) };
  return { said: Number(result.status) === supervision.success ? 'done' : 'failed' };
}

/** No report is no answer: the write is like one that was not supervised. */
const told = (report: { readonly reportType: number } | undefined, refusals: Refusals): ZwaveVerdict => ({
  said: report === undefined ? 'unsupervised' : (refusals[report.reportType] ?? 'done'),
});
