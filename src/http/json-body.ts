import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../contract/index.ts';
import { InvalidInput } from './invalid-input.ts';

/** Our deepest parameter is a record inside the body. A guess with room. */
const MAX_DEPTH = 16;

/**
 * Reads a request's body. An empty body is an empty object, since official clients send one for calls without
 * parameters. The errors never quote the body: it may hold a PIN.
 *
 * @throws InvalidInput
 */
export function parseJsonBody(body: Buffer): unknown {
  if (body.length === 0) return {};
  if (!isUtf8(body)) throw new InvalidInput('The body is not valid UTF-8. Send plain JSON, not compressed.');
  const text = body.toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidInput('The body is not valid JSON.');
  }
  if (hasDuplicateKeys(text))
    throw new InvalidInput('The body has the same key twice in one object. Send each key once.');
  assertPlain(value, 1);
  return value;
}

function assertPlain(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > MAX_DEPTH) throw new InvalidInput(`The body is nested more than ${MAX_DEPTH} levels deep.`);
  if (Array.isArray(value)) {
    for (const item of value) assertPlain(item, depth + 1);
    return;
  }
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw new InvalidInput('The body has a key that is not allowed: __proto__.');
    assertPlain((value as Record<string, unknown>)[key], depth + 1);
  }
}

export const bodyTooLarge = (limit: number): GatewayError =>
  new GatewayError('payload_too_large', `The body is larger than ${limit} bytes. Nothing was done.`);

/**
 * Whether an object somewhere in a JSON text has the same key twice, however it is spelt. Readers differ in which one
 * they take (RFC 8259, section 4), so the text means two things.
 *
 * @param json a text that JSON.parse reads
 */
export function hasDuplicateKeys(json: string): boolean {
  // One set for each object that is open; undefined for an array.
  const open: (Set<string> | undefined)[] = [];
  let mayBeKey = false;
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case '{':
        open.push(new Set());
        mayBeKey = true;
        break;
      case '[':
        open.push(undefined);
        mayBeKey = false;
        break;
      case '}':
      case ']':
        open.pop();
        mayBeKey = false;
        break;
      case ',':
        mayBeKey = open.at(-1) !== undefined;
        break;
      case '"': {
        const end = endOfText(json, at);
        if (mayBeKey) {
          const key = keyOf(json.slice(at, end + 1));
          const keys = open.at(-1);
          if (keys?.has(key)) return true;
          keys?.add(key);
          mayBeKey = false;
        }
        at = end;
      }
    }
  }
  return false;
}

const keyOf = (text: string): string => (text.includes('\\') ? String(JSON.parse(text)) : text.slice(1, -1));

function endOfText(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    if (json[at] === '\\') at += 1;
    else if (json[at] === '"') return at;
  }
  return json.length;
}
