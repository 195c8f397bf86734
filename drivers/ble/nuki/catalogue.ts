/**
 * Names and numbers of the Nuki Smart Lock Bluetooth API (Nuki Home Solutions, Bluetooth API 2.1 and later): no code
 * that encodes or decodes, so that the driver and its simulator can both read from it.
 */

const uuid = (part: string) => `a92e${part}550111e4916c0800200c9a66`;

export const services = {
  /** Advertised by a factory-new lock. */
  initialization: uuid('e000'),
  /** Pairing with locks of generations 1 to 4. */
  classicPairing: uuid('e100'),
  /** Pairing with the Ultra class: Ultra, Pro of the 5th generation, Go. */
  ultraPairing: uuid('e300'),
  keyturner: uuid('e200'),
} as const;

export const characteristics = {
  classicPairing: { service: services.classicPairing, characteristic: uuid('e101') },
  ultraPairing: { service: services.ultraPairing, characteristic: uuid('e301') },
  /** General data: plain error reports arrive here. */
  keyturnerPlain: { service: services.keyturner, characteristic: uuid('e201') },
  /** User-specific data: everything encrypted. */
  keyturner: { service: services.keyturner, characteristic: uuid('e202') },
} as const;

export const commands = {
  requestData: 0x0001,
  publicKey: 0x0003,
  challenge: 0x0004,
  authorizationAuthenticator: 0x0005,
  authorizationData: 0x0006,
  authorizationId: 0x0007,
  removeAuthorization: 0x0008,
  keyturnerStates: 0x000c,
  lockAction: 0x000d,
  status: 0x000e,
  batteryReport: 0x0011,
  errorReport: 0x0012,
  requestConfig: 0x0014,
  config: 0x0015,
  authorizationIdConfirmation: 0x001e,
  verifySecurityPin: 0x0020,
  updateTime: 0x0021,
  requestLogEntries: 0x0031,
  logEntry: 0x0032,
  logEntryCount: 0x0033,
  setAdvancedConfig: 0x0035,
  requestAdvancedConfig: 0x0036,
  advancedConfig: 0x0037,
  addKeypadCode: 0x0041,
  keypadCodeId: 0x0042,
  requestKeypadCodes: 0x0043,
  keypadCodeCount: 0x0044,
  keypadCode: 0x0045,
  updateKeypadCode: 0x0046,
  removeKeypadCode: 0x0047,
  authorizationInfo: 0x004c,
} as const;

export const statusCodes = { complete: 0x00, accepted: 0x01 } as const;

export const lockActions = {
  unlock: 0x01,
  lock: 0x02,
  unlatch: 0x03,
  lockAndGo: 0x04,
  lockAndGoWithUnlatch: 0x05,
  fullLock: 0x06,
} as const;

export const lockStates = {
  uncalibrated: 0x00,
  locked: 0x01,
  unlocking: 0x02,
  unlocked: 0x03,
  locking: 0x04,
  unlatched: 0x05,
  unlockedLockAndGo: 0x06,
  unlatching: 0x07,
  calibration: 0xfc,
  bootRun: 0xfd,
  motorBlocked: 0xfe,
  undefined: 0xff,
} as const;

export const triggers = {
  system: 0x00,
  manual: 0x01,
  button: 0x02,
  automatic: 0x03,
  autoLock: 0x06,
  homeKit: 0xab,
  mqtt: 0xac,
} as const;

export const completions = {
  success: 0x00,
  motorBlocked: 0x01,
  canceled: 0x02,
  tooRecent: 0x03,
  busy: 0x04,
  lowMotorVoltage: 0x05,
  clutchFailure: 0x06,
  motorPowerFailure: 0x07,
  incomplete: 0x08,
  failure: 0x0b,
  invalidCode: 0xe0,
  invalidFingerprint: 0xe1,
  other: 0xfe,
  unknown: 0xff,
} as const;

export const doorSensorStates = {
  unavailable: 0x00,
  deactivated: 0x01,
  closed: 0x02,
  open: 0x03,
  unknown: 0x04,
  calibrating: 0x05,
  uncalibrated: 0x10,
  tampered: 0xf0,
} as const;

export const logTypes = {
  logging: 1,
  lockAction: 2,
  calibration: 3,
  initializationRun: 4,
  keypad: 5,
  doorSensor: 6,
  doorSensorLogging: 7,
} as const;

/** Where an authorization came from: what the lock's own log calls it. */
export const idTypes = { app: 0, bridge: 1, fob: 2, keypad: 3 } as const;

export const errorCodes = {
  notPairing: 0x10,
  badAuthenticator: 0x11,
  badPairingParameter: 0x12,
  maxUsers: 0x13,
  notAuthorized: 0x20,
  badPin: 0x21,
  badNonce: 0x22,
  badParameter: 0x23,
  invalidAuthId: 0x24,
  disabled: 0x25,
  remoteNotAllowed: 0x26,
  timeNotAllowed: 0x27,
  tooManyPinAttempts: 0x28,
  tooManyEntries: 0x29,
  codeAlreadyExists: 0x2a,
  codeInvalid: 0x2b,
  codeInvalidTimeout1: 0x2c,
  codeInvalidTimeout2: 0x2d,
  codeInvalidTimeout3: 0x2e,
  autoUnlockTooRecent: 0x40,
  positionUnknown: 0x41,
  motorBlocked: 0x42,
  clutchFailure: 0x43,
  motorTimeout: 0x44,
  busy: 0x45,
  canceled: 0x46,
  notCalibrated: 0x47,
  motorPositionLimit: 0x48,
  motorLowVoltage: 0x49,
  motorPowerFailure: 0x4a,
  clutchPowerFailure: 0x4b,
  voltageTooLow: 0x4c,
  firmwareUpdateNeeded: 0x4d,
  badCrc: 0xfd,
  badLength: 0xfe,
  unknown: 0xff,
} as const;

/** How a keypad code's name in the lock is limited, in bytes of UTF-8. */
export const KEYPAD_NAME_BYTES = 20;

/** How an authorization's name is limited, in bytes. */
export const AUTHORIZATION_NAME_BYTES = 32;
