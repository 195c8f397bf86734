/** OMRON 2JCIE-BL01 communication interface manual (A278): what is found where. */

const uuid = (part: string) => `0c4c${part}770046f4aa96d5e974e32a54`;

export const SENSOR_SERVICE = uuid('3000');
export const SETTING_SERVICE = uuid('3010');

export const paths = {
  /** Latest data: 19 bytes, read and notify. */
  latest: { service: SENSOR_SERVICE, characteristic: uuid('3001') },
  /** Event flags: 9 bytes, one for each quantity, and the battery. */
  flags: { service: SENSOR_SERVICE, characteristic: uuid('3006') },
  /** Sound noise event settings: 15 bytes, read and write. */
  soundSettings: { service: SETTING_SERVICE, characteristic: uuid('3018') },
} as const;

/** OMRON's company identifier in advertising. */
export const COMPANY = 0x02d5;

/** Names of the sensor in its advertising modes. */
export const names: ReadonlySet<string> = new Set(['Env', 'EnvSensor-BL01', 'IM-BL01', 'EP-BL01']);

/** What the sensor takes as a limit, in dB. */
export const LIMIT_RANGE = { lowest: 40, highest: 85 } as const;
