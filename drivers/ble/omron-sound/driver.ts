import { defineDriver } from '../../../src/contract/index.ts';
import { names } from './catalogue.ts';
import { readBroadcastNoise } from './codec.ts';
import { settings } from './settings.ts';
import { type SensorAccess, writeLimit } from './threshold.ts';
import { Watch } from './watch.ts';

export const omronSound = defineDriver({
  id: 'ble/omron-sound',
  title: 'OMRON 2JCIE-BL01 environment sensor: sound',
  link: 'ble',
  settings,
  describe: () => ({ deviceType: 'ble_noise_sensor', manufacturer: 'OMRON', model: '2JCIE-BL01' }),
  recognise: ({ localName, manufacturerData }) => {
    if (!names.has(localName ?? '')) return undefined;
    const broadcasts = readBroadcastNoise(manufacturerData) !== undefined;
    return {
      what: 'OMRON 2JCIE-BL01 environment sensor',
      ...(broadcasts && { note: 'broadcasts its data' }),
      settings: broadcasts ? { levels: 'broadcast' } : {},
    };
  },
  open: async (link, chosen, ctx) => {
    const watch = new Watch(link, chosen, ctx, ctx.closing);
    const sensor: SensorAccess = { link, deviceName: ctx.name, clock: ctx.clock, closing: ctx.closing };
    return {
      noise: {
        metric: 'dB',
        // A read that fails is made good by the next.
        expectedIntervalMs: 2 * chosen.interval_s * 1_000,
        setThreshold: (command, { level }) => writeLimit(sensor, command, level),
        clearThreshold: (command) => writeLimit(sensor, command, undefined),
      },
      close: async () => watch.close(),
    };
  },
});
