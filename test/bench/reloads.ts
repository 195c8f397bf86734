import { join } from 'node:path';
import { ensureBuilt } from '../../scripts/build.mjs';
import { all, brokerOf, brokers, edited, first, untouched, writeSite } from '../kit/edited-site.ts';
import { GatewayBox, idOf } from '../kit/gateway/gateway-box.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';
import { ApiCaller } from '../kit/sdk/api-caller.ts';
import { seededRandom } from '../kit/seeded-random.ts';
import { Closers } from './closers.ts';
import { judgeCourse } from './flatness.ts';
import { HelperProcess } from './helper-process.ts';
import { askedFor } from './options.ts';
import { figure, mebibytes, table } from './table.ts';
import { ourRoot } from './targets.ts';

const usage = `npm run bench:reloads -- [--edits N] [--seed N] [--snapshots FOLDER]
  so many edits of a configuration of fifty doors under commands (1000), and what the gateway keeps of each. Brokers and
  locks are in another process. A heap snapshot after a tenth of them and at the end, where a folder is given.`;

const values = askedFor(usage, {
  edits: { type: 'string', default: '1000' },
  seed: { type: 'string', default: '20260328' },
  snapshots: { type: 'string' },
});
const edits = Number(values.edits);
const every = Math.max(1, Math.floor(edits / 20));

interface Residue {
  readonly keptBytes: number;
  readonly bufferBytes: number;
  readonly handles: number;
  readonly listeners: number;
  readonly timers: number;
  readonly descriptors: number;
}

await ensureBuilt();
const closers = new Closers();
const random = seededRandom(Number(values.seed));
let wrong = 0;
try {
  const urls: Record<string, string> = {};
  for (const broker of brokers) {
    const building = await ZigbeeBuilding.open();
    closers.add(() => building.close());
    urls[broker] = building.url;
    for (const slug of all)
      if (brokerOf(slug) === broker) building.bridge.addLock({ friendlyName: slug, radioMs: 1, motorMs: 4 });
    building.bridge.start();
  }
  const box = await GatewayBox.make({ devices: [] });
  closers.add(async () => box.dispose());
  let file = first;
  writeSite(box, urls, file);
  const gateway = new HelperProcess(
    'gateway.mjs',
    { root: ourRoot, configFile: box.configFile, logFile: join(box.folder, 'log') },
    ['--expose-gc'],
  );
  closers.add(() => gateway.stop());
  const api = new ApiCaller(await gateway.ask<string>('url'), box.key);
  const online = async (count: number) => {
    for (;;) {
      const { body } = await api.post('/devices/list', { limit: 500 });
      const devices = body.devices as unknown as { properties: { online: boolean } }[];
      if (devices.length === count && devices.every(({ properties }) => properties.online)) return;
      await pause(50);
    }
  };
  await online(file.devices.length);

  const kept: Residue[] = [];
  for (let number = 1; number <= edits; number++) {
    const next = edited(file, random, number);
    const bystanders = untouched(file, next).slice(0, 4);
    const asked = bystanders.map((slug) =>
      api.post(`/locks/${number % 2 ? 'lock' : 'unlock'}_door`, { device_id: idOf(slug) }),
    );
    writeSite(box, urls, next);
    await gateway.ask('reload');
    const attempts = await Promise.all(asked);
    const ids = attempts.map(
      ({ body }) => (body.action_attempt as unknown as { action_attempt_id: string }).action_attempt_id,
    );
    for (const { attempt } of await api.ended(ids)) if (attempt.status !== 'success') wrong += 1;
    file = next;
    await online(file.devices.length);
    if (number % every === 0) {
      kept.push(await gateway.ask<Residue>('residue'));
      const { keptBytes, handles, listeners, timers, descriptors } = kept.at(-1) as Residue;
      console.log(
        `${number}: heap ${mebibytes(keptBytes)} MiB, ${handles} handles, ${listeners} listeners, ${timers} timers, ${descriptors} descriptors`,
      );
    }
    if (values.snapshots !== undefined && (number === Math.ceil(edits / 10) || number === edits))
      await gateway.ask('snapshot', { file: join(values.snapshots, `after-${number}.heapsnapshot`) });
  }
  const course = (name: string, unit: string, mayGrow: number, of: (one: Residue) => number) =>
    judgeCourse({ name, unit, mayGrow, values: kept.map(of) });
  const verdicts = [
    course('heap kept', 'MiB', 2, ({ keptBytes }) => keptBytes / 2 ** 20),
    course('buffers', 'MiB', 2, ({ bufferBytes }) => bufferBytes / 2 ** 20),
    course('handles', '', 1, ({ handles }) => handles),
    course('listeners', '', 10, ({ listeners }) => listeners),
    // Between 70 and 170 of them belong to what is under way at that moment; one for each edit would be 500 more.
    course('timers', '', 100, ({ timers }) => timers),
    course('descriptors', '', 2, ({ descriptors }) => descriptors),
  ];
  console.log(
    table(
      ['figure', 'second quarter', 'last quarter', ''],
      verdicts.map(({ name, unit, early, late, flat }) => [
        [name, unit].filter(Boolean).join(', '),
        figure(early),
        figure(late),
        flat ? 'flat' : 'NOT FLAT',
      ]),
    ),
  );
  console.log(`${edits} edits; ${wrong} commands on doors that they had nothing to do with did not succeed`);
  if (wrong > 0 || verdicts.some(({ flat }) => !flat)) process.exitCode = 1;
} finally {
  await closers.close();
}
process.exit();

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
