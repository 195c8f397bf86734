import { isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Gateway } from '../model/gateway.ts';
import { type DeviceReach, type Permission, type PermissionScope, reaches } from '../model/permission.ts';
import { restrictedGateway } from '../permission/restricted-gateway.ts';
import { Serializers } from '../wire/serializers.ts';
import type { ApiKey } from './api-keys.ts';
import type { Caller } from './route.ts';

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
