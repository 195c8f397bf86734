/** Levels; bridges nest four or five deep. Beyond, comparing and copying would go as deep as the sender likes. */
const MAX_DEPTH = 32;

/** JSON as devices send it. @returns undefined for what is none, and for what is nested too deep to be a device's */
export function boundedJson(payload: Buffer): unknown {
  if (isTooDeep(payload)) return undefined;
  try {
    return JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
}

/** Looked at before it is parsed, so that nothing is built of it. In UTF-8 no byte of another character is one of these. */
function isTooDeep(bytes: Buffer): boolean {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (inText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) {
      depth += 1;
      if (depth > MAX_DEPTH) return true;
    } else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) depth -= 1;
  }
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

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
