import { z } from 'zod';
import type { ConfigPath, Finding } from './problems.ts';

/**
 * Says in plain words what a schema found. Never quotes the value: it may be a password that somebody put in the
 * wrong place.
 */
export function findingsOf(schema: z.ZodType, error: z.ZodError, below: ConfigPath = []): Finding[] {
  return error.issues.flatMap((issue) => findingsOfIssue(schema, issue, below));
}

/** Parses with this file's words where the schema has none of its own. */
export const inPlainWords = { error: describe };

function findingsOfIssue(schema: z.ZodType, issue: z.core.$ZodIssue, below: ConfigPath): Finding[] {
  const path = [...below, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = keysAt(schema, issue.path);
      const hint = known === undefined ? '' : `; known here: ${known.join(', ')}`;
      return issue.keys.map((key) => ({ path: [...path, key], message: `unknown key${hint}.`, at: 'key' }));
    }
    case 'invalid_key':
      return [{ path, message: sentence(issue.issues[0]?.message ?? issue.message, 'this name '), at: 'key' }];
    case 'invalid_union': {
      const closest = closestOption(schema, issue);
      if (closest === undefined) break;
      return closest.issues.flatMap((inner) => findingsOfIssue(closest.schema, inner, path));
    }
    default:
  }
  return [{ path, message: sentence(issue.message), at: 'value' }];
}

/** What is wrong with the value as that member of the union which it is most like. */
function closestOption(schema: z.ZodType, issue: z.core.$ZodIssueInvalidUnion) {
  const union = schemaAt(schema, issue.path);
  const options = union instanceof z.ZodUnion ? union.options : [];
  return issue.errors
    .map((issues, index) => ({ issues, schema: options[index] }))
    .filter((option): option is { issues: z.core.$ZodIssue[]; schema: z.ZodType } => option.schema instanceof z.ZodType)
    .sort((a, b) => distance(a.issues) - distance(b.issues))[0];
}

/**
 * A key that says which member is meant counts more than everything beside it, and a value of another kind altogether
 * more than any key: whoever wrote a group of keys did not mean a name.
 */
const distance = (issues: readonly z.core.$ZodIssue[]) =>
  issues.reduce((sum, issue) => {
    if (issue.code === 'unrecognized_keys') return sum + issue.keys.length;
    if (issue.path.length === 0) return sum + (issue.code === 'invalid_type' ? 100_000 : 10_000);
    return sum + (issue.code === 'invalid_value' && issue.path.length === 1 ? 100 : 1);
  }, 0);

const sentence = (message: string, subject = '') => `${subject}${message}${/[.!?]$/.test(message) ? '' : '.'}`;

const expectations: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a group of keys',
  record: 'a group of keys',
  array: 'a list (lines that begin with "- ")',
};

function describe(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type': {
      if (issue.input === undefined) return 'is missing';
      const expected = `must be ${expectations[issue.expected] ?? issue.expected}`;
      if (issue.expected === 'int' && typeof issue.input === 'number') return expected;
      const quotes = issue.expected === 'string' && ['number', 'boolean'].includes(typeof issue.input);
      return `${expected}, but is ${kindOf(issue.input)}${quotes ? '; put it in quotes' : ''}`;
    }
    case 'invalid_value':
      if (issue.input === undefined) return 'is missing';
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`;
    case 'invalid_union': {
      const kinds = 'options' in issue && Array.isArray(issue.options) ? issue.options : [];
      const words = kinds.filter((kind) => typeof kind === 'string');
      return words.length === 0 ? undefined : `must be one of ${words.join(', ')}`;
    }
    case 'too_small':
      return `must ${verbOf(issue.origin)} at least ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `must ${verbOf(issue.origin)} at most ${issue.maximum}${unitOf(issue.origin)}`;
    default:
      return undefined;
  }
}

const verbOf = (origin: string) => (unitOf(origin) === '' ? 'be' : 'have');

const unitOf = (origin: string) => ({ string: ' characters', array: ' entries' })[origin] ?? '';

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return (
    { string: 'text', number: 'a number', boolean: 'true or false', object: 'a group of keys' }[
      typeof value as string
    ] ?? 'something else'
  );
}

/** The keys that an object schema has at a path. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] | undefined {
  const here = schemaAt(schema, path);
  const objects = here instanceof z.ZodUnion ? here.options.map(unwrap) : [here];
  const keys = objects.flatMap((object) => (object instanceof z.ZodObject ? Object.keys(object.shape) : []));
  return keys.length === 0 ? undefined : [...new Set(keys)];
}

/** The schema at a path, looking through everything that wraps one. */
function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): unknown {
  let here = unwrap(schema);
  for (const step of path) {
    if (here instanceof z.ZodObject) here = unwrap(here.shape[String(step)]);
    else if (here instanceof z.ZodArray) here = unwrap(here.element);
    else if (here instanceof z.ZodRecord) here = unwrap(here.valueType);
    else return undefined;
  }
  return here;
}

function unwrap(schema: unknown): unknown {
  let inner = schema;
  for (;;) {
    if (
      inner instanceof z.ZodOptional ||
      inner instanceof z.ZodNullable ||
      inner instanceof z.ZodDefault ||
      inner instanceof z.ZodPrefault ||
      inner instanceof z.ZodReadonly
    )
      inner = inner.unwrap();
    else if (inner instanceof z.ZodPipe) inner = inner.in;
    else return inner;
  }
}
