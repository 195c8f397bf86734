import { isIPv6 } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../contract/index.ts';
import type { Gateway } from '../model/gateway.ts';
import { type DeviceReach, type Permission, type PermissionScope, reaches } from '../model/permission.ts';
import { restrictedGateway } from '../permission/restricted-gateway.ts';
import { Serializers } from '../wire/serializers.ts';
import type { ApiKey, ApiKeyVerifier } from './api-keys.ts';
import type { ConsoleSessions } from './console/sessions.ts';
import type { Entrance } from './entrance.ts';
import type { RefusedKeys } from './refused-keys.ts';
import type { Caller } from './route.ts';
import { RETRY_AFTER_S } from './stranger-requests.ts';

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

const HOW_TO_SEND_A_KEY =
  'Send the header "Authorization: Bearer seam_gw1_…"; keys are made with "strikeplate keys create".';

type Done = (error?: Error) => void;

interface Authentication {
  readonly keys: ApiKeyVerifier;
  readonly refusals: RefusedKeys;
  readonly sessions: ConsoleSessions;
  readonly entrance: Entrance;
}

/** Lets a request in when its key is valid. Runs before the body is read. */
export function authentication({
  keys,
  refusals,
  sessions,
  entrance,
}: Authentication): (request: FastifyRequest, reply: FastifyReply, done: Done) => void {
  const whenVerified = (token: string, done: Done, then: (key: ApiKey | undefined) => void) => {
    const verdict = keys.verify(token);
    if (verdict instanceof Promise) verdict.then(then, done);
    else then(verdict);
  };
  return (request, reply, done) => {
    if (request.routeOptions.config.open === true) {
      const token = bearerToken(request);
      // What came without a header was counted before it came here; a header alone is no key.
      if (request.headers.authorization === undefined) done();
      else if (token === undefined) judgeStranger(request, entrance, done);
      else
        whenVerified(token, done, (key) => {
          if (key === undefined) judgeStranger(request, entrance, done);
          else {
            entrance.recognised(request.raw);
            done();
          }
        });
      return;
    }
    if (bearerToken(request) === undefined) request.sessionKey = sessions.keyOf(request);
    const token = presentedKey(request);
    if (token === undefined) {
      refusals.missing();
      const noKey: Done = (error) => {
        if (error === undefined) refuse(reply, done, HOW_TO_SEND_A_KEY);
        else done(error);
      };
      if (request.headers.authorization === undefined) noKey();
      else judgeStranger(request, entrance, noKey);
      return;
    }
    whenVerified(token, done, (key) => {
      if (key !== undefined) {
        request.apiKey = key;
        keys.used?.(key);
        entrance.recognised(request.raw);
        done();
        return;
      }
      const refusal = keys.refusalOf?.(token) ?? { reason: 'unknown' };
      const waitSeconds = refusals.refused(remoteAddress(request), refusal);
      if (waitSeconds === undefined)
        refuse(reply, done, 'This API key is not known here, or was revoked, or has ended.');
      else
        entrance.turnAway(request.raw, () =>
          done(
            new GatewayError(
              'rate_limit_exceeded',
              'Too many requests with unknown API keys came from this address. Correct the key, and wait as long as Retry-After says.',
              {
                retryAfterSeconds: waitSeconds,
              },
            ),
          ),
        );
    });
  };
}

/** Somebody asks what anybody may, and sends with it what is no key. */
function judgeStranger({ raw }: FastifyRequest, entrance: Entrance, done: Done): void {
  if (entrance.admits(raw)) done();
  else
    entrance.turnAway(raw, () =>
      done(
        new GatewayError(
          'rate_limit_exceeded',
          'Too many requests without a valid key came from this address. Send a valid key, or wait as long as Retry-After says.',
          { retryAfterSeconds: RETRY_AFTER_S },
        ),
      ),
    );
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

/** Somebody who was let in, with what they may see and do. Its request gives the URL it came by. */
class RequestCaller implements Caller {
  readonly gateway: Gateway;
  readonly answers: Serializers;
  readonly #key: ApiKey;
  readonly #origin: string | undefined;
  readonly #request: FastifyRequest;

  constructor(key: ApiKey, request: FastifyRequest, { gateway, answers }: View, origin: string | undefined) {
    this.#origin = origin;
    this.#key = key;
    this.#request = request;
    this.gateway = gateway;
    this.answers = answers;
  }

  may(scope: PermissionScope): boolean {
    return this.#key.scopes.has(scope);
  }

  sees(deviceId: string | undefined): boolean {
    return reaches(this.#key, deviceId);
  }

  get reach(): DeviceReach | undefined {
    return this.#key.devices;
  }

  get url(): string {
    return `${this.#origin ?? originOf(this.#request)}${this.#request.url.split('?', 1)[0] ?? ''}`;
  }
}

interface View {
  readonly gateway: Gateway;
  readonly answers: Serializers;
}

/** Gives each caller the gateway as its key lets it be seen: routes get it from here, and from nowhere else. */
export class Callers {
  readonly #gateway: Gateway;
  readonly #whole: View;
  readonly #views = new WeakMap<Permission, View>();

  readonly #origin: string | undefined;

  /** @param publicUrl where clients reach the gateway; undefined: where their requests arrived */
  constructor(gateway: Gateway, publicUrl?: string) {
    this.#gateway = gateway;
    this.#origin = publicUrl?.replace(/\/+$/, '');
    this.#whole = { gateway, answers: new Serializers(gateway) };
  }

  of(key: ApiKey, request: FastifyRequest): Caller {
    return new RequestCaller(key, request, this.#viewOf(key), this.#origin);
  }

  #viewOf(key: ApiKey): View {
    if (key.devices === undefined) return this.#whole;
    let view = this.#views.get(key);
    if (view === undefined) {
      const gateway = restrictedGateway(this.#gateway, key);
      view = { gateway, answers: new Serializers(gateway) };
      this.#views.set(key, view);
    }
    return view;
  }
}

/** Where the request arrived. Never what its Host header says: that is the client's word. */
function originOf({ protocol, socket: { localAddress = 'localhost', localPort } }: FastifyRequest): string {
  const host = localAddress.startsWith('::ffff:') ? localAddress.slice(7) : localAddress;
  return `${protocol}://${isIPv6(host) ? `[${host}]` : host}${localPort === undefined ? '' : `:${localPort}`}`;
}
