const BASE = '-0000-1000-8000-00805f9b34fb';

/** A UUID as noble spells it: 4 or 32 lower-case digits. BlueZ spells them all out (Core Vol 3 Part B, section 2.5.1). */
export function shortUuid(uuid: string): string {
  const lower = uuid.toLowerCase();
  return lower.startsWith('0000') && lower.endsWith(BASE) ? lower.slice(4, 8) : lower.replaceAll('-', '');
}
