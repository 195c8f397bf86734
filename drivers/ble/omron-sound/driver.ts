import { defineDriver, GatewayError } from '../../../src/contract/index.ts';
import { names } from './catalogue.ts';
import { readBroadcastNoise } from './codec.ts';
import { settings } from './settings.ts';
import { writeLimit } from './threshold.ts';
import { Watch } from './watch.ts';

export const omronSound = defineDriver({
  id: 'ble/omron-sound',
  title: 'OMRON 2JCIE-BL01 environment sensor: sound',
  link: 'ble',
  settings,
  describe: () => ({ deviceType: 'ble_noise_sensor', manufacturer: 'OMRON', model: '2JCIE-BL01' }),
  limits: { door: { sendByMs: 6_000, deadlineMs: 20_000 }, code: { sendByMs: 45_000, deadlineMs: 60_000 } },
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
    const closing = new AbortController();
    const watch = new Watch(link, chosen, ctx, closing.signal);
    return {
      noise: {
        metric: 'dB',
        // A read that fails is made good by the next.
        expectedIntervalMs: 2 * chosen.interval_s * 1_000,
        setThreshold: (command, { level }) => writeLimit(link, ctx.name, command, level, closing.signal),
        clearThreshold: (command) => writeLimit(link, ctx.name, command, undefined, closing.signal),
      },
      close: async () => {
        watch.close();
        closing.abort(new GatewayError('device_not_ready', `${ctx.name} is being closed. Try again.`));
      },
    };
  },
});
