import {
  type BleLink,
  type BleSessionOptions,
  type Clock,
  GatewayError,
  type ReadContext,
  type Secret,
} from '../../../src/contract/index.ts';
import { underSignals } from '../../../src/driver-kit/join-signals.ts';
import { commands, services } from './catalogue.ts';
import type { NukiMessage } from './codec.ts';
import { requestConfig, requestData } from './codec-commands.ts';
import { type KeyturnerStates, readConfig, readKeyturnerStates } from './codec-replies.ts';
import { NukiConnection } from './connection.ts';
import { type NukiCredentials, parseCredentials } from './credentials.ts';
import type { LockClock } from './evidence.ts';
import type { Identity } from './identity.ts';
import type { NukiSettings } from './settings.ts';

/** What everything that talks to one lock has in common. */
export interface DeviceSession {
  readonly link: BleLink;
  readonly settings: NukiSettings;
  readonly deviceName: string;
  readonly clock: Clock;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly secret: Secret | undefined;
  /** Aborts when the device is closed. */
  readonly closing: AbortSignal;
  readonly identity: Identity;
  readonly lockClock: LockClock;
  /** Told of every state the lock reports, whatever it was asked for. */
  readonly heard: (states: KeyturnerStates) => void;
}

/** @throws GatewayError `misconfigured` */
export const credentialsOf = ({ secret, deviceName }: DeviceSession): NukiCredentials =>
  parseCredentials(secret, deviceName);

/**
 * Runs `use` on a connection of its own, with the lock that was paired and no other.
 * @throws GatewayError `misconfigured`, and what the link throws
 */
export async function onConnection<T>(
  access: DeviceSession,
  options: Omit<BleSessionOptions, 'services'> & { readonly log: ReadContext['log'] },
  use: (connection: NukiConnection) => Promise<T>,
): Promise<T> {
  const authorization = credentialsOf(access);
  access.identity.assertOurs();
  const { link, deviceName, clock, randomBytes, closing } = access;
  const { log, signal, ...session } = options;
  return underSignals([signal, closing], (either) =>
    link.session({ ...session, signal: either, services: [services.keyturner] }, async (gatt) => {
      const connection = await NukiConnection.begin({ gatt, authorization, deviceName, clock, log, randomBytes });
      try {
        if (!access.identity.isVerified) await identify(access.identity, connection);
        return await use(connection);
      } finally {
        connection.close();
      }
    }),
  );
}

/** @throws GatewayError `misconfigured` when it is another lock, and what the lock says */
async function identify(identity: Identity, connection: NukiConnection): Promise<void> {
  const challenge = await connection.challenge();
  let config: NukiMessage;
  try {
    config = await connection.ask(requestConfig(challenge), commands.config);
  } catch (error) {
    const isRefusal = error instanceof GatewayError && error.type === 'device_rejected';
    if (!isRefusal) throw error;
    identity.tellsNothing();
    return;
  }
  identity.told(readConfig(config.payload).nukiId);
}

/** Asks the lock where its bolt is. */
export async function askStates(access: DeviceSession, connection: NukiConnection): Promise<KeyturnerStates> {
  const answer = await connection.ask(requestData(commands.keyturnerStates), commands.keyturnerStates);
  const states = readKeyturnerStates(answer.payload);
  access.lockClock.answered(states);
  access.heard(states);
  return states;
}
