import type { FastifyRequest } from 'fastify';
import type { Gateway } from '../model/gateway.ts';
import type { Permission, PermissionScope } from '../model/permission.ts';
import { restrictedGateway } from '../permission/restricted-gateway.ts';
import { Answers } from '../wire/answers.ts';
import type { ApiKey } from './api-keys.ts';
import type { Caller } from './route.ts';

/** Somebody who was let in, with what they may see and do. Its request gives the URL it came by. */
class RequestCaller implements Caller {
  readonly gateway: Gateway;
  readonly answers: Answers;
  readonly #key: ApiKey;
  readonly #request: FastifyRequest;

  constructor(key: ApiKey, request: FastifyRequest, gateway: Gateway, answers: Answers) {
    this.#key = key;
    this.#request = request;
    this.gateway = gateway;
    this.answers = answers;
  }

  may(scope: PermissionScope): boolean {
    return this.#key.scopes.has(scope);
  }

  get url(): string {
    const { protocol, host, url } = this.#request;
    return `${protocol}://${host}${url.split('?', 1)[0] ?? ''}`;
  }
}

interface View {
  readonly gateway: Gateway;
  readonly answers: Answers;
}

/** Gives each caller the gateway as its key lets it be seen: routes get it from here, and from nowhere else. */
export class Callers {
  readonly #gateway: Gateway;
  readonly #whole: View;
  readonly #views = new WeakMap<Permission, View>();

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
    this.#whole = { gateway, answers: new Answers(gateway) };
  }

  of(key: ApiKey, request: FastifyRequest): Caller {
    const { gateway, answers } = this.#viewOf(key);
    return new RequestCaller(key, request, gateway, answers);
  }

  #viewOf(key: ApiKey): View {
    if (key.devices === undefined) return this.#whole;
    let view = this.#views.get(key);
    if (view === undefined) {
      const gateway = restrictedGateway(this.#gateway, key);
      view = { gateway, answers: new Answers(gateway) };
      this.#views.set(key, view);
    }
    return view;
  }
}
