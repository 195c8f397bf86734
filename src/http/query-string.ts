import type { z } from 'zod';

/** As the query parser gives it: a key that came more than once has an array. */
export type RawQuery = Readonly<Record<string, string | string[]>>;

type ParameterKind = 'string' | 'number' | 'boolean' | 'array' | 'record' | 'any';
interface Parameter {
  readonly kind: ParameterKind;
  readonly element: ParameterKind;
}

/** Reads the parameters of one route from a query string, as the official clients write them. */
export type QueryDecoder = (query: RawQuery) => Record<string, unknown>;

const decimal = /^-?\d{1,15}(\.\d{1,15})?$/;

/**
 * The encoding of the official clients (their url-search-params serializer): arrays repeat the key, one element looks
 * like a scalar, `k=` is null or an empty array, nested objects use dots, numbers and booleans are plain text, and
 * `_strict` says nothing about the request. A text that cannot be read as the parameter's type is passed on as it is,
 * so that validation names it.
 */
export function queryDecoder(shape: z.core.$ZodShape): QueryDecoder {
  let parameters: ReadonlyMap<string, Parameter> | undefined;
  return (query) => {
    parameters ??= new Map(Object.entries(shape).map(([name, schema]) => [name, parameterOf(schema)]));
    const decoded: Record<string, unknown> = {};
    for (const key in query) {
      const value = query[key];
      if (value === undefined || key === '_strict') continue;
      const dot = key.indexOf('.');
      const name = dot < 0 ? key : key.slice(0, dot);
      const parameter = parameters.get(name);
      if (parameter === undefined) {
        if (name !== '__proto__') decoded[key] = value;
      } else if (dot < 0) decoded[name] = decode(value, parameter);
      else if (parameter.kind === 'record') {
        const member = key.slice(dot + 1);
        const held = decoded[name];
        const record: Record<string, unknown> = typeof held === 'object' && held !== null ? { ...held } : {};
        if (member !== '__proto__') record[member] = decode(value, { kind: parameter.element, element: 'any' });
        decoded[name] = record;
      } else decoded[name] = {};
    }
    return decoded;
  };
}

function decode(value: string | string[], parameter: Parameter): unknown {
  if (parameter.kind === 'array') {
    if (value === '') return [];
    return (Array.isArray(value) ? value : [value]).map((item) => scalar(item, parameter.element));
  }
  if (Array.isArray(value)) return value.map((item) => scalar(item, parameter.kind));
  return value === '' ? null : scalar(value, parameter.kind);
}

function scalar(text: string, kind: ParameterKind): unknown {
  if (kind === 'number' && decimal.test(text)) return Number(text);
  if (kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function parameterOf(schema: z.core.$ZodType): Parameter {
  const { def } = unwrapped(schema);
  if (def.type === 'array') return { kind: 'array', element: parameterOf(def.element).kind };
  if (def.type === 'record') return { kind: 'record', element: parameterOf(def.valueType).kind };
  if (def.type === 'string' || def.type === 'number' || def.type === 'boolean')
    return { kind: def.type, element: 'any' };
  return { kind: 'any', element: 'any' };
}

function unwrapped(schema: z.core.$ZodType): { readonly def: z.core.$ZodTypes['_zod']['def'] } {
  const def = (schema as z.core.$ZodTypes)._zod.def;
  if (def.type === 'optional' || def.type === 'nullable' || def.type === 'default') return unwrapped(def.innerType);
  if (def.type === 'pipe') return unwrapped(def.in);
  return { def };
}
