import { z } from 'zod';
import { GatewayError, Secret } from '../../../src/contract/index.ts';
import type { Authorization } from './codec.ts';
import type { SecurityPin } from './codec-commands.ts';

/** What pairing left behind. */
export interface NukiCredentials extends Authorization {
  readonly appId: number;
  /** Which of the lock's two protocols it was paired by: it decides how PINs are sent. */
  readonly protocol: 'classic' | 'ultra';
  /** The lock's security PIN; undefined when it was not given. */
  readonly pin: SecurityPin | undefined;
}

const stored = z.strictObject({
  version: z.literal(1),
  authorization_id: z.int().min(0).max(0xffff_ffff),
  shared_key: z.string().regex(/^[0-9a-f]{64}$/),
  app_id: z.int().min(0).max(0xffff_ffff),
  protocol: z.enum(['classic', 'ultra']),
  pin: z.int().min(0).max(999_999).nullable(),
});

/** Generations 1 to 4 write the PIN in 16 bits, the Ultra class in 32. */
const pinBytes = { classic: 2, ultra: 4 } as const;

export function formatCredentials(credentials: NukiCredentials): Secret {
  return new Secret(
    JSON.stringify({
      version: 1,
      authorization_id: credentials.authorizationId,
      shared_key: Buffer.from(credentials.sharedKey).toString('hex'),
      app_id: credentials.appId,
      protocol: credentials.protocol,
      pin: credentials.pin?.value ?? null,
    } satisfies z.input<typeof stored>),
  );
}

/** @throws GatewayError `misconfigured`; nothing of the secret is in its text */
export function parseCredentials(secret: Secret | undefined, deviceName: string): NukiCredentials {
  if (secret === undefined)
    throw new GatewayError(
      'misconfigured',
      `${deviceName} is not paired with this gateway. Stop the gateway, run \`strikeplate pair "${deviceName}"\` and ` +
        'start it again.',
    );
  const parsed = stored.safeParse(parseJson(secret.reveal()));
  if (!parsed.success)
    throw new GatewayError(
      'misconfigured',
      `What pairing left behind for ${deviceName} cannot be read by this version. Pair it again.`,
    );
  const { authorization_id, shared_key, app_id, protocol, pin } = parsed.data;
  return {
    authorizationId: authorization_id,
    sharedKey: Buffer.from(shared_key, 'hex'),
    appId: app_id,
    protocol,
    pin: pin === null ? undefined : { value: pin, bytes: pinBytes[protocol] },
  };
}

export const securityPin = (value: number, protocol: NukiCredentials['protocol']): SecurityPin => ({
  value,
  bytes: pinBytes[protocol],
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
