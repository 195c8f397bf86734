import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SimulatedNuki } from '../../drivers/ble/nuki/simulator.ts';
import { SimulatedOmron } from '../../drivers/ble/omron-sound/simulator.ts';
import { cliBox } from '../../test/kit/command-line/cli-fixture.ts';
import { EchoPeripheral } from '../../test/kit/radio/echo-peripheral.ts';
import { radioBox } from '../../test/kit/radio/radio-box.ts';
import { loadConfig } from '../config/load.ts';
import { Air } from '../simulation/radio/air.ts';
import { AdapterBay, servePeripheral } from '../simulation/radio/peripheral-host.ts';
import { defineSimulator } from '../simulation/simulator.ts';
import { type ScanBleOptions, scanBle } from './scan-ble.ts';

/** A lock, a sensor that broadcasts, and somebody nobody knows. */
const street = defineSimulator({
  link: 'ble',
  settings: z.strictObject({}),
  async start(place, _settings, { clock, random }) {
    if (place.at === 'nowhere' || !('radios' in place.at)) throw new Error('a street inside the process');
    const air = new Air({ clock, random, pacing: 'events' });
    const bay = new AdapterBay(air);
    bay.plugIn();
    place.at.radios.lay(place.name, bay);
    const nuki = new SimulatedNuki({ clock, randomBytes: (length) => new Uint8Array(length), nukiId: 0x1a2b3c4d });
    const served = await Promise.all([
      servePeripheral(nuki, { controller: air.plug('54:d2:72:00:ab:cd') }),
      servePeripheral(new SimulatedOmron({ level: () => 50, broadcasts: true }), {
        controller: air.plug('c0:11:22:33:44:55'),
      }),
      servePeripheral(new EchoPeripheral(clock, 'Watch'), { controller: air.plug('c0:00:00:00:00:07') }),
    ]);
    return {
      close: async () => {
        for (const running of served) running.stop();
        nuki.stop();
      },
    };
  },
});

const nobody = defineSimulator({
  link: 'ble',
  settings: z.strictObject({}),
  async start(place, _settings, { clock, random }) {
    const bay = new AdapterBay(new Air({ clock, random }));
    bay.plugIn();
    if (place.at !== 'nowhere' && 'radios' in place.at) place.at.radios.lay(place.name, bay);
    return { close: async () => undefined };
  },
});

const simulators = { 'ble/street': async () => street, 'ble/nobody': async () => nobody };
const building = (simulator: string, devices: readonly object[] = []) => ({
  ble: { radio: { simulated: true } },
  devices,
  simulation: [{ simulator, link: { ble: 'radio' } }],
});

function scanBox(config: object) {
  const box = radioBox(config, { simulators });
  const scan = (options: Partial<ScanBleOptions> = {}) =>
    box.end(
      scanBle(
        box.terminal,
        box.catalogues,
        { config: box.file, seconds: 5, baud: 1_000_000, ...options },
        new AbortController().signal,
        box.machine,
      ),
    );
  return { ...box, scan };
}

describe('strikeplate scan ble', () => {
  it('says what is in range and which driver fits, and prints lines that are in order', async () => {
    const { scan, terminal, file, catalogues } = scanBox(building('ble/street'));
    expect(await scan()).toEqual({ code: 0, said: '' });
    expect(terminal.outLines.filter((line) => line.startsWith('#'))).toEqual([
      '# Nuki Smart Lock 1A2B3C4D (ble/nuki), 54:D2:72:00:AB:CD, -58 dBm: hold its button to pair it',
      '# OMRON 2JCIE-BL01 environment sensor (ble/omron-sound), C0:11:22:33:44:55, -58 dBm: broadcasts its data',
    ]);
    expect(terminal.errLines).toEqual([
      'Listening for 5 s on ble.radio, which is simulated.',
      '1 other was heard; --all lists them.',
    ]);
    writeFileSync(file, `gateway: { id: lobby, name: Lobby, time_zone: UTC }\n${terminal.output}\n`);
    const { devices } = await loadConfig(file, { ...catalogues, env: {}, now: 0 });
    expect(devices).toMatchObject([
      { slug: 'nuki-abcd', driver: { id: 'ble/nuki' }, link: { name: 'radio', address: '54:d2:72:00:ab:cd' } },
      { slug: 'omron-sound-4455', driver: { id: 'ble/omron-sound' }, settings: { levels: 'broadcast' } },
    ]);
  });

  it('tells what is configured already from what is new', async () => {
    const link = { ble: 'radio', address: '54:D2:72:00:AB:CD' };
    const { scan, terminal } = scanBox(
      building('ble/street', [{ id: 'front', name: 'Front door', driver: 'ble/nuki', link }]),
    );
    await scan({ all: true });
    expect(terminal.output).toContain('54:D2:72:00:AB:CD, -58 dBm, in the configuration as front');
    expect(terminal.output).not.toContain('id: nuki');
    expect(terminal.output).toContain('id: omron-sound-4455');
    expect(terminal.output).toContain('# C0:00:00:00:00:07  public  -58 dBm  Watch');
  });

  it('prints JSON', async () => {
    const { scan, terminal } = scanBox(building('ble/street'));
    await scan({ json: true, all: true });
    expect(JSON.parse(terminal.output)).toEqual([
      {
        ...{
          address: '54:d2:72:00:ab:cd',
          address_type: 'public',
          rssi: -58,
          name: 'Nuki_1A2B3C4D',
          driver: 'ble/nuki',
        },
        ...{ what: 'Nuki Smart Lock 1A2B3C4D', note: 'hold its button to pair it', ready_to_pair: false },
        ...{ settings: {}, configured_as: null },
      },
      expect.objectContaining({ name: 'Watch', driver: null, what: null }),
      expect.objectContaining({ name: 'IM-BL01', driver: 'ble/omron-sound', settings: { levels: 'broadcast' } }),
    ]);
  });

  it('says when nobody is there, and when there is no adapter', async () => {
    const quiet = scanBox(building('ble/nobody'));
    expect(await quiet.scan()).toMatchObject({ code: 6 });
    expect(quiet.terminal.errors).toContain('No device that a driver knows was heard in 5 s.');
    expect(await quiet.scan({ uart: '/dev/ttyNobody' })).toEqual({
      code: 1,
      said: 'There is no serial port /dev/ttyNobody. Plug the Bluetooth dongle in.',
    });
    quiet.configure({ devices: [] });
    expect(await quiet.scan()).toMatchObject({ code: 2, said: expect.stringContaining('scan ble --adapter hci0') });
    quiet.configure({ ble: { a: { simulated: true }, b: { adapter: 'hci1' } }, devices: [] });
    expect(await quiet.scan()).toMatchObject({ code: 2, said: expect.stringContaining('--radio: a, b.') });
    expect(await quiet.scan({ radio: 'c' })).toMatchObject({
      code: 2,
      said: expect.stringContaining('no Bluetooth adapter c'),
    });
  });

  it('understands its command line', async () => {
    const { run } = cliBox();
    expect(await run('scan', 'ble')).toMatchObject({ code: 2, err: expect.stringContaining('no Bluetooth adapter') });
    expect((await run('scan', 'ble', '--baud', '1')).code).toBe(2);
    expect((await run('scan', 'ble', '--uart', '/dev/ttyNobody')).code).toBe(1);
  });
});
