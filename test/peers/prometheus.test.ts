import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { issueCertificate } from '../../src/cli/setup/own-authority.ts';
import { RecordedTerminal } from '../kit/command-line/recorded-terminal.ts';
import { freePort } from '../kit/free-port.ts';
import { GatewayBox, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';
import { peerProgram } from './kit/peer-program.ts';

const samples = join(import.meta.dirname, '../../docs/samples');
const prometheus = peerProgram('prometheus', 'prometheus');
const promtool = peerProgram('promtool', 'prometheus');

it.skipIf(promtool === undefined)('the alarms ring when they should, and not before, by promtool', () => {
  expect(execFileSync(promtool ?? '', ['check', 'rules', 'alerts.yml'], { cwd: samples, encoding: 'utf8' })).toMatch(
    /9 rules/,
  );
  expect(
    execFileSync(promtool ?? '', ['test', 'rules', 'alerts.test.yml'], { cwd: samples, encoding: 'utf8' }),
  ).toMatch(/SUCCESS/);
});

interface Answer {
  readonly data: { readonly result: { readonly metric: Record<string, string>; readonly value: [number, string] }[] };
}

it.skipIf(prometheus === undefined)(
  'Prometheus scrapes a gateway over TLS with the sample’s lines, its alarms ring, and every query of the board has an answer',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'strikeplate-prometheus-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const building = await ZigbeeBuilding.open();
    onTestFinished(() => building.close());
    building.bridge.addLock({ friendlyName: 'front', radioMs: 1, motorMs: 5 });
    building.bridge.start();
    const mqtt = { main: { url: building.url }, gone: { url: 'mqtt://127.0.0.1:9' } };
    const box = await GatewayBox.make({ devices: [] });
    onTestFinished(() => box.dispose());
    issueCertificate(box.folder, 'Box', ['localhost', '127.0.0.1']);
    box.configure({
      ...{ devices: [zigbeeEntry('front')], mqtt, monitor: { mqtt: 'main' } },
      http: { tls: { cert_file: 'tls.pem', key_file: 'tls.key' } },
    });
    const gateway = await box.start();
    onTestFinished(() => gateway.close());
    const { key } = await box.makeKey({ name: 'prometheus', scopes: ['metrics'] });

    // The sample, with the places of this test for those of a site, and its pauses shortened.
    cpSync(join(samples, 'alerts.yml'), join(folder, 'strikeplate-alerts.yml'));
    writeFileSync(join(folder, 'strikeplate.key'), `${key}\n`);
    cpSync(join(box.folder, 'ca.pem'), join(folder, 'strikeplate-ca.pem'));
    const sample = readFileSync(join(samples, 'prometheus.yml'), 'utf8');
    const here = sample
      .replaceAll('/etc/prometheus/', `${folder}/`)
      .replaceAll('15s', '1s')
      .replace('gateway.example.com:8443', `localhost:${new URL(gateway.url).port}`);
    writeFileSync(join(folder, 'prometheus.yml'), here);
    const rules = join(folder, 'strikeplate-alerts.yml');
    writeFileSync(rules, readFileSync(rules, 'utf8').replaceAll(/for: \d+m/g, 'for: 1s'));
    mkdirSync(join(folder, 'data'));
    const port = await freePort();
    const child = spawn(
      prometheus ?? '',
      [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
    onTestFinished(() => void child.kill('SIGKILL'));
    const ask = async (path: string): Promise<Answer> => {
      for (;;) {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
        if (answer?.ok) return (await answer.json()) as Answer;
        await sleep(100);
      }
    };
    const query = async (expression: string) =>
      (await ask(`/api/v1/query?query=${encodeURIComponent(expression)}`)).data.result;
    while ((await query('up{job="strikeplate"} == 1')).length === 0) await sleep(200);
    for (const action of ['unlock', 'lock']) {
      const terminal = new RecordedTerminal(box.folder, { STRIKEPLATE_API_KEY: box.key });
      const stop = () => ({ requested: new Promise<string>(() => undefined) });
      const program = { terminal, catalogues: { drivers: {}, simulators: {} }, version: '1.2.3', stop };
      const words = [action, 'front', '--url', gateway.url, '--ca-file', join(box.folder, 'ca.pem')];
      expect([await runProgram(program, words), terminal.errors]).toEqual([0, '']);
    }
    while ((await query('ALERTS{alertname="LinkDown",link="mqtt/gone",alertstate="firing"}')).length === 0)
      await sleep(200);
    expect(await query('ALERTS{alertstate="firing",alertname!="LinkDown"}')).toEqual([]);

    const board = JSON.parse(readFileSync(join(samples, 'grafana.json'), 'utf8')) as {
      panels: { title: string; targets: { expr: string }[] }[];
    };
    expect(board.panels.length).toBeGreaterThan(10);
    for (const { title, targets } of board.panels)
      for (const { expr } of targets) {
        const asked = expr.replaceAll('$instance', '.*').replaceAll(/\[\d+[mh]\]/g, '[1m]');
        // What was never dropped has no series yet.
        if (asked.includes('dropped')) continue;
        while ((await query(asked)).length === 0) await sleep(300);
        expect((await query(asked)).length, title).toBeGreaterThan(0);
      }
  },
);
