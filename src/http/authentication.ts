import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../contract/index.ts';
import type { ApiKey, ApiKeyVerifier } from './api-keys.ts';
import type { ConsoleSessions } from './console/sessions.ts';
import type { RefusedKeys } from './refused-keys.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose key came with the request; undefined on open routes. */
    apiKey: ApiKey | undefined;
    /** The key of the console's session that the request belongs to; undefined where it brought a key itself. */
    sessionKey: string | undefined;
    /** `Clock.now()` at the first sight of the request. */
    receivedAt: number;
  }
  interface FastifyContextConfig {
    /** The route answers without a key. */
    readonly open?: boolean;
  }
}

type Done = (error?: Error) => void;

/** Lets a request in when its key is valid. Runs before the body is read. */
export function authentication(
  keys: ApiKeyVerifier,
  refusals: RefusedKeys,
  sessions: ConsoleSessions,
): (request: FastifyRequest, reply: FastifyReply, done: Done) => void {
  return (request, reply, done) => {
    if (request.routeOptions.config.open === true) {
      done();
      return;
    }
    if (bearerToken(request) === undefined) request.sessionKey = sessions.keyOf(request);
    const token = presentedKey(request);
    if (token === undefined) {
      refusals.missing();
      refuse(
        reply,
        done,
        'Send the header "Authorization: Bearer seam_gw1_…"; keys are made with "strikeplate keys create".',
      );
      return;
    }
    const admit = (key: ApiKey | undefined) => {
      if (key !== undefined) {
        request.apiKey = key;
        keys.used?.(key);
        done();
        return;
      }
      const refusal = keys.refusalOf?.(token) ?? { reason: 'unknown' };
      const waitSeconds = refusals.refused(remoteAddress(request), refusal);
      if (waitSeconds === undefined)
        refuse(reply, done, 'This API key is not known here, or was revoked, or has ended.');
      else
        done(
          new GatewayError(
            'rate_limit_exceeded',
            'Too many requests with unknown API keys came from this address. Correct the key, and wait as long as Retry-After says.',
            {
              retryAfterSeconds: waitSeconds,
            },
          ),
        );
    };
    const verdict = keys.verify(token);
    if (verdict instanceof Promise) verdict.then(admit, done);
    else admit(verdict);
  };
}

/** The key as it was sent (RFC 6750 section 2.1), undefined when there is none. */
export function bearerToken({ headers }: FastifyRequest): string | undefined {
  const { authorization } = headers;
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return undefined;
  const token = authorization.slice(7).trim();
  return token === '' ? undefined : token;
}

/** The key that a request stands for: the one it brought, or that of the console's session it belongs to. */
export const presentedKey = (request: FastifyRequest): string | undefined => bearerToken(request) ?? request.sessionKey;

/** Where a request comes from; an IPv4 client of an IPv6 socket is shown as IPv4. */
export const remoteAddress = ({ ip }: FastifyRequest): string => (ip.startsWith('::ffff:') ? ip.slice(7) : ip);

function refuse(reply: FastifyReply, done: Done, message: string): void {
  reply.header('www-authenticate', 'Bearer');
  done(new GatewayError('unauthorized', message));
}
