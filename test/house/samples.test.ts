import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { accessRules } from '../../src/cli/setup/broker-steps.ts';

const samples = join(import.meta.dirname, '../../docs/samples');
const read = (name: string) => readFileSync(join(samples, name), 'utf8');

/** As docs/operations.md lists them. */
const documented = new Set(
  [...readFileSync(join(samples, '../operations.md'), 'utf8').matchAll(/\bstrikeplate_[a-z_]+/g)].map(([name]) => name),
);

const namesIn = (text: string) =>
  [...text.matchAll(/\bstrikeplate_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''));

it('the sample access rules are those that setup writes', () => {
  expect(read('mosquitto.acl')).toBe(accessRules({ user: 'strikeplate', gatewayId: 'lobby', bases: ['zigbee2mqtt'] }));
});

it('alarms and board ask for metrics that there are', () => {
  for (const name of ['alerts.yml', 'grafana.json']) {
    const names = namesIn(read(name));
    expect(names.length).toBeGreaterThan(7);
    expect(names.filter((one) => !documented.has(one))).toEqual([]);
  }
});

it('the board is one that Grafana takes: panels with places of their own, and a source to choose', () => {
  const { panels, templating, schemaVersion } = JSON.parse(read('grafana.json')) as {
    schemaVersion: number;
    templating: { list: { name: string; type: string }[] };
    panels: { id: number; gridPos: { x: number; y: number; w: number; h: number }; targets: { expr: string }[] }[];
  };
  expect(schemaVersion).toBeGreaterThan(30);
  expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'instance']);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(cells.filter((cell) => Number(cell.split(',')[0]) > 23)).toEqual([]);
  for (const { targets } of panels) for (const { expr } of targets) expect(expr).toContain('{instance=~"$instance"');
});

it('each alarm stands in the operator’s document under its name, and nothing else does', () => {
  const { groups } = parse(read('alerts.yml')) as { groups: { rules: { alert: string; annotations: object }[] }[] };
  const alarms = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
  const told = [...readFileSync(join(samples, '../operating.md'), 'utf8').matchAll(/^### (\w+)$/gm)].map(
    ([, name]) => name,
  );
  expect(told).toEqual(alarms);
});

it('each sample is spoken of in a document', () => {
  const documents = ['installing.md', 'operating.md']
    .map((name) => readFileSync(join(samples, '..', name), 'utf8'))
    .join();
  expect(readdirSync(samples).filter((name) => !documents.includes(`samples/${name}`))).toEqual([]);
});

it('the installer’s document names every question that setup asks', () => {
  const folder = join(samples, '../../src/cli/setup');
  const keys = readdirSync(folder)
    .filter((name) => !name.endsWith('.test.ts'))
    .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/\bkey: ['`](\w+?)(?:_\$\{.*)?['`]/g)])
    .map(([, key]) => key ?? '');
  expect(keys.length).toBeGreaterThan(18);
  const told = readFileSync(join(samples, '../installing.md'), 'utf8');
  expect(keys.filter((key) => !new RegExp(`\\b${key}(?:_NAME)?\\b`).test(told))).toEqual([]);
});
