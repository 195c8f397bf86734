import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { drivers } from '../../drivers/index.ts';
import { configSchemaText } from '../../src/cli/gateway-commands.ts';
import { loadConfig } from '../../src/config/load.ts';
import { simulators } from '../../src/simulation/index.ts';

const catalogues = { drivers, simulators };
const path = (name: string) => new URL(`../../config/${name}`, import.meta.url).pathname;
const load = (name: string) => loadConfig(path(name), { ...catalogues, env: {}, now: Date.UTC(2026, 0, 1) });

describe('what ships in config/', () => {
  it('gateway.schema.json is what the code understands (npm run schema)', async () => {
    expect(readFileSync(path('gateway.schema.json'), 'utf8')).toBe(await configSchemaText(catalogues));
  });

  it.each(['gateway.example.yaml', 'demo.yaml'])('%s is in order', async (name) => {
    const config = await load(name);
    expect(config.devices.length).toBeGreaterThan(0);
    expect(config.warnings).toEqual([]);
    expect(readFileSync(path(name), 'utf8')).toMatch(/^# yaml-language-server: \$schema=gateway\.schema\.json\n/);
  });

  it('gateway.example.yaml has no commented line that nothing understands', () => {
    const example = readFileSync(path('gateway.example.yaml'), 'utf8');
    const names = ['trial', 'dongle', 'shared', 'stick'];
    const keys = [...example.matchAll(/^ *# ?([a-z_]+): /gm)]
      .map(([, key = '']) => key)
      .filter((key) => !names.includes(key));
    const schema = JSON.stringify(JSON.parse(readFileSync(path('gateway.schema.json'), 'utf8')));
    expect(keys.length).toBeGreaterThan(20);
    expect(keys.filter((key) => !schema.includes(`"${key}":`))).toEqual([]);
  });

  it('the demonstration plays every device that it configures', async () => {
    const { devices, simulation } = await load('demo.yaml');
    const played = simulation.flatMap(({ link, settings }) => {
      const { devices: named = [], units = [] } = settings as {
        readonly devices?: readonly { readonly friendly_name?: string; readonly address?: string }[];
        readonly units?: readonly { readonly unit: number }[];
      };
      return [
        ...named.map((device) => device.friendly_name ?? device.address),
        ...units.map(({ unit }) => `${link.name} ${unit}`),
      ];
    });
    const configured = devices.map(({ link, settings }) => {
      if (link.kind === 'serial') return `${link.name} ${link.unit}`;
      return link.kind === 'ble' ? link.address : (settings as { readonly friendly_name: string }).friendly_name;
    });
    expect(configured).toEqual(played);
  });

  it('the demonstration listens on this machine alone', async () => {
    const config = await load('demo.yaml');
    expect(config.http.host).toBe('127.0.0.1');
    expect(config.mqtt).toMatchObject([{ kind: 'embedded' }]);
    expect(config.serial.map((line) => line.path)).toEqual([undefined]);
    expect(config.ble.map(({ radio }) => radio)).toEqual([{ kind: 'simulated' }]);
  });
});
