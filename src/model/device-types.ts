/** Makers for whose locks Seam has a type: the types are in its client's `device_type`. */
const makersOfLocks: ReadonlySet<string> = new Set([
  'akiles',
  'aqara',
  'august',
  'igloo',
  'igloohome',
  'keyincode',
  'kisi',
  'kwikset',
  'linear',
  'lockly',
  'nuki',
  'omnitec',
  'salto',
  'schlage',
  'smartthings',
  'tedee',
  'ttlock',
  'ultraloq',
  'wyze',
  'yacan',
  'yale',
]);

/**
 * A device's type as applications know it: a lock of a maker that Seam knows has that maker's type, however the gateway
 * speaks to it. All others keep their driver's.
 */
export function deviceTypeOf(driversType: string, manufacturer: string): string {
  const [maker = ''] = manufacturer.toLowerCase().split(/[^a-z0-9]+/);
  return driversType.endsWith('_lock') && makersOfLocks.has(maker) ? `${maker}_lock` : driversType;
}
