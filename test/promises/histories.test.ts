import { describe, expect, it } from 'vitest';
import { zigbee2mqtt } from '../../drivers/mqtt/zigbee2mqtt/driver.ts';
import { limitsOf } from '../../src/model/time-limits.ts';
import { brokenPromises } from './history-judge.ts';
import { HistoryRun } from './history-run.ts';

const settings = zigbee2mqtt.settings.parse({ kind: 'lock', friendly_name: 'Front Door' });

/** A number runs that one alone; a broken history prints its own. */
const only = process.env.STRIKEPLATE_HISTORY;
const perBlock = 100;
const blocks = 10;

const judge = async (seed: number) => {
  const trace = await new HistoryRun(seed, zigbee2mqtt, settings).run();
  const broken = brokenPromises(trace, limitsOf(zigbee2mqtt).door);
  return { trace, broken };
};

describe('P1 to P6 over random lives of a gateway and a Zigbee lock', () => {
  it.each(Array.from({ length: only ? 1 : blocks }, (_, block) => block * perBlock + 1))(
    'histories from %i on',
    async (first) => {
      const seeds = only ? [Number(only)] : Array.from({ length: perBlock }, (_, index) => first + index);
      let ended = 0;
      for (const seed of seeds) {
        const { trace, broken } = await judge(seed);
        expect(broken, `history ${seed}\n${trace.steps.join('\n')}`).toEqual([]);
        ended += trace.attempts.length;
      }
      expect(ended).toBeGreaterThan(seeds.length);
    },
  );
});
