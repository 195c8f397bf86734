import { boundedJson } from './bounded-json.ts';

const TEMPLATE = /^\{\{\s*value(_json((?:\.[A-Za-z_]\w*|\["[^"\]]*"\]|\['[^'\]]*'\]|\[\d+\])+))?\s*\}\}$/;
const STEP = /\["([^"]*)"|\['([^']*)'|[.[](\w+)/g;

/**
 * Reads one word of a message, as a template says. Templates are programs (Jinja2): only those are understood that take
 * one value as it is (`{{ value }}`) or one out of JSON (`{{ value_json.a["b"] }}`).
 * @returns reads a word; `null` where a value is there and is no word, undefined where none is
 * @throws Error for any other template, to be read after the name of what has it
 */
export function templateReader(template = '{{ value }}'): (payload: Buffer) => string | null | undefined {
  const [found, , path = ''] = TEMPLATE.exec(template.trim()) ?? [];
  if (found === undefined) throw new Error(`has a template that is a program, and is not understood: ${template}`);
  const steps = [...path.matchAll(STEP)].map(([, quoted, single, bare]) => quoted ?? single ?? bare ?? '');
  return (payload) => {
    if (steps.length === 0) return payload.toString() || undefined;
    const value = steps.reduce(property, boundedJson(payload));
    if (value === '' || value === undefined) return undefined;
    // As Jinja2 prints it.
    if (typeof value === 'boolean') return value ? 'True' : 'False';
    return typeof value === 'object' ? null : String(value);
  };
}

const property = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
