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
  /** What the lock takes us for, one of `idTypes`; undefined when pairing did not note it. */
  readonly idType?: number | undefined;
  /** The lock's own number; undefined when pairing did not hear it. */
  readonly nukiId?: number | undefined;
}

const stored = z.strictObject({
  version: z.literal(1),
  authorization_id: z.int().min(0).max(0xffff_ffff),
  shared_key: z.string().regex(/^[0-9a-f]{64}$/),
  app_id: z.int().min(0).max(0xffff_ffff),
  protocol: z.enum(['classic', 'ultra']),
  pin: z.int().min(0).max(999_999).nullable(),
  id_type: z.int().min(0).max(255).optional(),
  nuki_id: z.int().min(0).max(0xffff_ffff).optional(),
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
      ...(credentials.idType !== undefined && { id_type: credentials.idType }),
      ...(credentials.nukiId !== undefined && { nuki_id: credentials.nukiId }),
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
  const { authorization_id, shared_key, app_id, protocol, pin, id_type, nuki_id } = parsed.data;
  return {
    authorizationId: authorization_id,
    sharedKey: Buffer.from(shared_key, 'hex'),
    appId: app_id,
    protocol,
    pin: pin === null ? undefined : { value: pin, bytes: pinBytes[protocol] },
    idType: id_type,
    nukiId: nuki_id,
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

/** The lock's own number as pairing heard it; undefined also when nothing can be read of the pairing. */
export function pairedId(secret: Secret | undefined, deviceName: string): number | undefined {
  try {
    return parseCredentials(secret, deviceName).nukiId;
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}
