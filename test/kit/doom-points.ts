/**
 * Where a process can die in an attempt's life: just after its acceptance or its intent is on disk, after the command
 * reached the broker, after the device confirmed it and before that is on disk, after that; after a slot for a code is
 * on disk; and just before or after each commit, counted from 1, that changes an access code.
 */
export type DoomPoint =
  | 'accepted'
  | 'intent'
  | 'sent'
  | 'confirmed'
  | 'settled'
  | 'slot'
  | `${'before' | 'after'}_code_step_${number}`;
