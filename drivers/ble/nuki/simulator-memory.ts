import { Secret } from '../../../src/contract/index.ts';
import type { SimulatedKeypad, StoredCode } from './simulator-keypad.ts';
import type { Authorized } from './simulator-pairing.ts';

/** What a simulated lock keeps while its batteries are out. */
export interface NukiMemory {
  read(): Secret | undefined;
  write(content: Secret): void;
}

interface Kept {
  readonly authorizations: readonly (Omit<Authorized, 'sharedKey'> & { readonly sharedKey: string })[];
  readonly codes: readonly StoredCode[];
}

export function memoryOf(authorizations: readonly Authorized[], keypad: SimulatedKeypad): Secret {
  const kept: Kept = {
    authorizations: authorizations.map((one) => ({ ...one, sharedKey: Buffer.from(one.sharedKey).toString('hex') })),
    codes: keypad.codes,
  };
  return new Secret(JSON.stringify(kept));
}

export function recall(memory: Secret | undefined, authorizations: Authorized[], keypad: SimulatedKeypad): void {
  if (memory === undefined) return;
  const { authorizations: known, codes } = JSON.parse(memory.reveal()) as Kept;
  authorizations.push(...known.map((one) => ({ ...one, sharedKey: Buffer.from(one.sharedKey, 'hex') })));
  keypad.restore(codes);
}
