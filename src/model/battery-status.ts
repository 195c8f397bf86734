/** Seam's words for a battery. */
export type BatteryStatus = 'critical' | 'low' | 'good' | 'full';

/** Where the four words begin is not published; these shares are a guess. What the device itself calls low is low. */
export function batteryStatus({
  level,
  low,
}: {
  readonly level: number | undefined;
  readonly low: boolean;
}): BatteryStatus {
  if (level === undefined) return low ? 'low' : 'good';
  if (level <= 0.05) return 'critical';
  if (low || level <= 0.2) return 'low';
  return level >= 0.9 ? 'full' : 'good';
}
