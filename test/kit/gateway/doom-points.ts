/**
 * Where a process can die in an attempt's life: just after its acceptance or its intent is on disk, after the command
 * reached the broker, after the device confirmed it and before that is on disk, after that; after a slot for a code is
 * on disk; just before or after each commit, counted from 1, that changes an access code, or a grant or anything of it;
 * and just after a broker has a command, counted from 1.
 */
export type DoomPoint =
  | 'accepted'
  | 'intent'
  | 'sent'
  | 'confirmed'
  | 'settled'
  | 'slot'
  | `${'before' | 'after'}_code_step_${number}`
  | `${'before' | 'after'}_grant_step_${number}`
  | `command_${number}`;
