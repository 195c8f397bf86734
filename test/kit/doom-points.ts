/**
 * Where a process can die in an attempt's life: just after its acceptance or its intent is on disk, after the command
 * reached the broker, after the device confirmed it and before that is on disk, after that; and after a slot for a
 * code is on disk.
 */
export type DoomPoint = 'accepted' | 'intent' | 'sent' | 'confirmed' | 'settled' | 'slot';
