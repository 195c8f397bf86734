import { z } from 'zod';
import type { Gateway, Origin } from '../model/gateway.ts';
import type { DeviceReach, PermissionScope } from '../model/permission.ts';
import type { AttemptRecord } from '../model/records.ts';
import type { Serializers } from '../wire/serializers.ts';
import { InvalidInput, invalidInputFrom } from './invalid-input.ts';
import { type QueryDecoder, queryDecoder } from './query-string.ts';

/** Who calls, and all that a route has to work with. */
export interface Caller {
  may(scope: PermissionScope): boolean;
  /** Whether what is about a device is within reach now; undefined: what concerns the whole gateway. */
  sees(deviceId: string | undefined): boolean;
  /** The device_ids within reach now; undefined: all there are. */
  readonly reach: DeviceReach | undefined;
  /** As far as the caller's key reaches: what is beyond does not exist in it. */
  readonly gateway: Gateway;
  /** The same gateway in the wire's words. */
  readonly answers: Serializers;
  /** The route as it is reached from outside, without its query. */
  readonly url: string;
}

export interface RouteDescription<Params extends z.ZodObject> {
  /** As in the wire contract: `/<resource>/<verb>`. */
  readonly path: string;
  readonly summary: string;
  /** A key with any one of them may call; no scope at all means that every valid key may. */
  readonly scopes: readonly PermissionScope[];
  readonly params: Params;
  /** True where the answer concerns the whole gateway: a key that is restricted to some devices may not call. */
  readonly whole?: boolean;
  /** The answer without `ok`: made for the API description and the tests alone. */
  readonly answer: () => z.ZodObject;
}

interface ReadDescription<Params extends z.ZodObject> extends RouteDescription<Params> {
  /** Loads what the answer is made with, where it is not there from the start. */
  ready?(): Promise<void>;
  respond(params: z.output<Params>, caller: Caller): Record<string, unknown>;
}

interface CommandDescription<Params extends z.ZodObject> extends RouteDescription<Params> {
  /** Resolves once the attempt is durable. */
  accept(params: z.output<Params>, origin: Origin, caller: Caller): Promise<AttemptRecord>;
  /** The answer from how things are now: after a hold, or when a request is repeated. */
  respond(attempt: AttemptRecord, caller: Caller): Record<string, unknown>;
}

/** What a change leads to once it is durable. */
interface Changed {
  /** The attempts it set going: the request is held for their outcome as for a command's. */
  readonly attempts?: readonly AttemptRecord[];
  /** The answer from how things are by then. */
  answer(): Record<string, unknown>;
}

interface ChangeDescription<Params extends z.ZodObject> extends RouteDescription<Params> {
  /**
   * Resolves once the change is durable. Repeating it must do no harm: nobody but the route itself looks at the
   * `origin.idempotency` of a request that has a key.
   */
  change(params: z.output<Params>, origin: Origin, caller: Caller): Promise<Changed>;
}

interface Prepared extends RouteDescription<z.ZodObject> {
  readonly decodeQuery: QueryDecoder;
  readonly hasPathParameters: boolean;
}

interface ReadRoute extends Prepared {
  readonly does: 'read';
  readonly kind: 'read';
  ready?(): Promise<void>;
  respond(input: unknown, caller: Caller): Record<string, unknown>;
}

/** Writes what no single attempt stands for: a device's name, several codes at once. */
export interface ChangeRoute extends Prepared {
  readonly does: 'change';
  readonly kind: WriteKind;
  change(input: unknown, origin: Origin, caller: Caller): Promise<Changed>;
}

type WriteKind = 'create' | 'update' | 'delete';

export interface CommandRoute extends Prepared {
  readonly does: 'command';
  readonly kind: WriteKind;
  readonly read: ParameterReader<z.ZodObject>;
  accept(params: Record<string, unknown>, origin: Origin, caller: Caller): Promise<AttemptRecord>;
  respond(attempt: AttemptRecord, caller: Caller): Record<string, unknown>;
}

export type Route = ReadRoute | CommandRoute | ChangeRoute;

/**
 * The methods each kind of route answers to. Releases of the official clients differ: older ones send POST for
 * everything, newer ones GET for reads, DELETE for deletes, PATCH or PUT for updates.
 */
export const methodsOf = {
  read: ['GET', 'POST'],
  create: ['POST'],
  update: ['PATCH', 'PUT', 'POST'],
  delete: ['DELETE', 'POST'],
} as const satisfies Record<Route['kind'], readonly string[]>;

export function readRoute<Params extends z.ZodObject>(route: ReadDescription<Params>): ReadRoute {
  const read = parameterReader(route.params);
  return {
    ...route,
    does: 'read',
    kind: 'read',
    decodeQuery: queryDecoder(route.params.shape),
    hasPathParameters: route.path.includes(':'),
    respond: (input, caller) => route.respond(read(input), caller),
  };
}

export function changeRoute<Params extends z.ZodObject>(
  kind: WriteKind,
  route: ChangeDescription<Params>,
): ChangeRoute {
  const read = parameterReader(route.params);
  return {
    ...route,
    does: 'change',
    kind,
    decodeQuery: queryDecoder(route.params.shape),
    hasPathParameters: route.path.includes(':'),
    change: (input, origin, caller) => route.change(read(input), origin, caller),
  };
}

export function commandRoute<Params extends z.ZodObject>(
  kind: WriteKind,
  route: CommandDescription<Params>,
): CommandRoute {
  return {
    ...route,
    does: 'command',
    kind,
    decodeQuery: queryDecoder(route.params.shape),
    hasPathParameters: route.path.includes(':'),
    read: parameterReader<z.ZodObject>(route.params),
    // The parameters come from `read` of this very route.
    accept: route.accept as CommandRoute['accept'],
    respond: (attempt, caller) => route.respond(attempt, caller),
  };
}

/** The parameters of one route, checked. */
type ParameterReader<Schema extends z.ZodObject> = (input: unknown) => z.output<Schema>;

const inPlainWords: z.core.$ZodErrorMap = (issue) =>
  issue.code === 'invalid_type' && issue.input === undefined ? 'Required' : undefined;

/**
 * Makes the check for one route. `null` for an optional parameter is the same as leaving it out, unless the parameter
 * has a meaning for it: clients in several languages send one for the other.
 */
export function parameterReader<Schema extends z.ZodObject>(schema: Schema): ParameterReader<Schema> {
  // Found out when it is first asked for: most routes never are.
  let optional: ReadonlySet<string> | undefined;
  let isPlain: ((input: Readonly<Record<string, unknown>>) => boolean) | undefined;
  return (input) => {
    optional ??= optionalIn(schema);
    isPlain ??= plainTexts(schema);
    if (typeof input !== 'object' || input === null || Array.isArray(input))
      throw new InvalidInput('The body must be a JSON object.');
    if (isPlain(input as Record<string, unknown>)) return { ...input } as z.output<Schema>;
    const read = schema.safeParse(withoutNulls(input as Record<string, unknown>, optional), { error: inPlainWords });
    if (!read.success) throw invalidInputFrom(read.error.issues);
    return read.data;
  };
}

/**
 * Whether parameters are nothing but texts of which every one will do, and all that have to be there: `{ device_id }`, as
 * nearly every command of a door is. The library reads the same of them, and takes 4 us for it.
 */
function plainTexts(schema: z.ZodObject): (input: Readonly<Record<string, unknown>>) => boolean {
  const isBare = ({ _zod: { def } }: { readonly _zod: { readonly def: z.core.$ZodTypeDef } }) => !def.checks?.length;
  const isText = (one: unknown) => one instanceof z.ZodString && one.format === null && isBare(one);
  const names = Object.keys(schema.shape);
  const texts = new Set(isBare(schema) ? names.filter((name) => isText(schema.shape[name])) : []);
  // One that is filled in where it is left out has to be there as well.
  const needed = names.filter((name) => {
    const left = z.safeParse(schema.shape[name], undefined);
    return !left.success || left.data !== undefined;
  });
  return (input) => {
    let count = 0;
    for (const name in input) {
      if (typeof input[name] !== 'string' || !texts.has(name)) return false;
      count += 1;
    }
    return count > 0 && needed.every((name) => input[name] !== undefined);
  };
}

function optionalIn(schema: z.ZodObject): ReadonlySet<string> {
  const optional = new Set<string>();
  for (const [name, parameter] of Object.entries(schema.shape))
    if (z.safeParse(parameter, undefined).success && !z.safeParse(parameter, null).success) optional.add(name);
  return optional;
}

function withoutNulls(input: Record<string, unknown>, optional: ReadonlySet<string>): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const name in input)
    if (input[name] === null && optional.has(name)) {
      copy ??= { ...input };
      delete copy[name];
    }
  return copy ?? input;
}
