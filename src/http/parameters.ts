import { z } from 'zod';
import { InvalidInput, invalidInputFrom } from './invalid-input.ts';

/** The parameters of one route, checked. */
export type ParameterReader<Schema extends z.ZodObject> = (input: unknown) => z.output<Schema>;

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
