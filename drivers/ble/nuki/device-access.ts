import type { BleLink, BleSessionOptions, Clock, ReadContext, Secret } from '../../../src/contract/index.ts';
import { underSignals } from '../../../src/driver-kit/join-signals.ts';
import { commands, services } from './catalogue.ts';
import { requestData } from './codec-commands.ts';
import { type KeyturnerStates, readKeyturnerStates } from './codec-replies.ts';
import { Conversation } from './conversation.ts';
import { type NukiCredentials, parseCredentials } from './credentials.ts';
import type { NukiSettings } from './settings.ts';

/** What everything that talks to one lock has in common. */
export interface DeviceAccess {
  readonly link: BleLink;
  readonly settings: NukiSettings;
  readonly deviceName: string;
  readonly clock: Clock;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly secret: Secret | undefined;
  /** Aborts when the device is closed. */
  readonly closing: AbortSignal;
  /** Told of every state the lock reports, whatever it was asked for. */
  readonly heard: (states: KeyturnerStates) => void;
}

/** @throws GatewayError `misconfigured` */
export const credentialsOf = ({ secret, deviceName }: DeviceAccess): NukiCredentials =>
  parseCredentials(secret, deviceName);

/**
 * Runs `use` in a conversation on a connection of its own.
 * @throws GatewayError `misconfigured`, and what the link throws
 */
export async function converse<T>(
  access: DeviceAccess,
  options: Omit<BleSessionOptions, 'services'> & { readonly log: ReadContext['log'] },
  use: (conversation: Conversation) => Promise<T>,
): Promise<T> {
  const authorization = credentialsOf(access);
  const { link, deviceName, clock, randomBytes, closing } = access;
  const { log, signal, ...session } = options;
  return underSignals([signal, closing], (either) =>
    link.session({ ...session, signal: either, services: [services.keyturner] }, async (gatt) =>
      use(await Conversation.begin({ gatt, authorization, deviceName, clock, log, randomBytes })),
    ),
  );
}

/** Asks the lock where its bolt is. */
export async function askStates(access: DeviceAccess, conversation: Conversation): Promise<KeyturnerStates> {
  const answer = await conversation.ask(requestData(commands.keyturnerStates), commands.keyturnerStates);
  const states = readKeyturnerStates(answer.payload);
  access.heard(states);
  return states;
}
