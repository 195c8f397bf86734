import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';
import { KillSite, planting } from './kit/kill-site.ts';
import { mosquittoProgram } from './kit/mosquitto.ts';
import { peerProgram } from './kit/peer-program.ts';
import { WarmGateways } from './kit/warm-gateways.ts';

const KILLS = Number(process.env.STRIKEPLATE_KILLS ?? 500);
const SEED = Number(process.env.STRIKEPLATE_SEED ?? 20_261_130);
/** A defect that is planted in the gateway, to see that it is found; none usually. */
const DEFECT = process.env.STRIKEPLATE_DEFECT || undefined;
/** Sites side by side: while one starts, others are under load or wait. */
const SITES = 6;
/** Kills between two judgements of everything; the others meet what the ones before have left undone. */
const REST_EVERY = 20;

/** Each a built gateway beside mosquitto and locks of the driver mqtt/zigbee2mqtt in a process of their own. */
const sites: KillSite[] = [];
/** Starts their gateways where there is a compiler; elsewhere each start costs more than twice as much. */
let warm: WarmGateways | undefined;
afterEach(async () => {
  for (const site of sites.splice(0)) await site.close();
  await warm?.close();
  warm = undefined;
});

/** Goes on until so many kills are done, or a promise is broken. */
async function killed(site: KillSite, kills: number): Promise<void> {
  while (site.kills < kills && site.broken.length === 0)
    if (site.kills % REST_EVERY === REST_EVERY - 1) await site.rest();
    else await site.live();
  if (site.broken.length === 0) await site.end();
}

describe.skipIf(mosquittoProgram === undefined)('a gateway that is killed at any moment', () => {
  beforeAll(ensureBuilt);

  it(`keeps its promises over ${KILLS} kills under doors, codes, grants and thresholds (seed ${SEED})`, {
    timeout: 120_000 + KILLS * 10_000,
  }, async () => {
    const planted = planting(DEFECT);
    const gcc = peerProgram('gcc', 'gcc libc6-dev');
    if (gcc !== undefined) warm = await WarmGateways.make(gcc, planted);
    for (let index = 0; index < SITES; index++) sites.push(await KillSite.make(SEED * SITES + index, planted, warm));
    const from = performance.now();
    await Promise.all(sites.map((site) => killed(site, Math.ceil(KILLS / SITES))));
    const seconds = Math.round((performance.now() - from) / 1_000);
    for (const [index, { tally, refused, kills }] of sites.entries())
      console.log(`site ${index}: ${JSON.stringify({ kills, ...tally, refused: Object.fromEntries(refused) })}`);
    console.log(`${KILLS} kills in ${seconds} s, seed ${SEED}`);
    expect(sites.flatMap(({ broken }) => broken)).toEqual([]);
  });
});
