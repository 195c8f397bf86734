/** MODBUS Application Protocol V1.1b3, section 7. */
export const ILLEGAL_FUNCTION = 1;
export const ILLEGAL_DATA_ADDRESS = 2;
export const ILLEGAL_DATA_VALUE = 3;
const DEVICE_FAILURE = 4;
/** The unit took the request and needs long for it. */
export const ACKNOWLEDGE = 5;
export const DEVICE_BUSY = 6;
const MEMORY_PARITY_ERROR = 8;
export const GATEWAY_PATH_UNAVAILABLE = 10;
const GATEWAY_TARGET_SILENT = 11;

const names: Readonly<Record<number, string>> = {
  [ILLEGAL_FUNCTION]: 'illegal function',
  [ILLEGAL_DATA_ADDRESS]: 'illegal data address',
  [ILLEGAL_DATA_VALUE]: 'illegal data value',
  [DEVICE_FAILURE]: 'device failure',
  [ACKNOWLEDGE]: 'acknowledge',
  [DEVICE_BUSY]: 'device busy',
  [MEMORY_PARITY_ERROR]: 'memory parity error',
  [GATEWAY_PATH_UNAVAILABLE]: 'gateway path unavailable',
  [GATEWAY_TARGET_SILENT]: 'gateway target failed to respond',
};

/** For messages: `exception 2, illegal data address`. */
export function exceptionName(code: number): string {
  const name = names[code];
  return name === undefined ? `exception ${code}` : `exception ${code}, ${name}`;
}

/** True when the unit did not know what it was asked for: settings or profile do not fit it. */
export function isSettingsFault(code: number): boolean {
  return code === ILLEGAL_FUNCTION || code === ILLEGAL_DATA_ADDRESS || code === ILLEGAL_DATA_VALUE;
}
