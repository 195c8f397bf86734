import type { z } from 'zod';
import { GatewayError } from '../contract/index.ts';

/** zod's formatted tree: `_errors` holds the texts about a value, the other keys the trees of its parts. */
export interface ValidationErrors {
  readonly _errors: readonly string[];
  readonly [parameter: string]: ValidationErrors | readonly string[];
}

interface Branch {
  readonly _errors: string[];
  [parameter: string]: Branch | string[];
}

/** A refused request, with what is wrong with each parameter. */
export class InvalidInput extends GatewayError {
  readonly validationErrors: ValidationErrors;

  constructor(message: string, validationErrors: ValidationErrors = { _errors: [message] }) {
    super('invalid_input', message);
    this.validationErrors = validationErrors;
  }
}

/** Names that may be shown as they came: anything else could be a PIN that was sent as a name. */
const showable = /^[A-Za-z_][\w.-]{0,63}$/;

/**
 * Turns zod's issues into the error of the wire contract. Texts about the request as a whole stand in the message as
 * well: the official client leaves the tree's top out of its list. No text quotes a value that was sent.
 */
export function invalidInputFrom(issues: readonly z.core.$ZodIssue[]): InvalidInput {
  const root: Branch = { _errors: [] };
  const sentences: string[] = [];
  const add = (path: readonly PropertyKey[], text: string) => {
    let branch = root;
    for (const step of path) {
      const key = String(step);
      const next = Object.hasOwn(branch, key) ? branch[key] : undefined;
      if (next === undefined || Array.isArray(next)) {
        const grown: Branch = { _errors: [] };
        if (key !== '_errors') Object.defineProperty(branch, key, { value: grown, enumerable: true, writable: true });
        branch = grown;
      } else branch = next;
    }
    branch._errors.push(text);
    sentences.push(path.length === 0 ? text : `${path.map(String).join('.')}: ${text}`);
  };
  for (const issue of issues) {
    const path = issue.path.filter((step) => typeof step === 'number' || showable.test(String(step)));
    if (issue.code === 'unrecognized_keys') {
      const known = issue.keys.filter((key) => showable.test(key) && key !== '_errors');
      for (const key of known) add([...path, key], 'This parameter is not known here');
      if (known.length < issue.keys.length) add(path, 'The request has parameters that are not known here');
    } else add(path, issue.message);
  }
  return new InvalidInput(`${sentences.join('. ')}.`, root);
}
