import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cliBox } from '../../test/kit/command-line/cli-fixture.ts';
import { radioBox } from '../../test/kit/radio/radio-box.ts';
import { deviceIdOf } from '../config/identity.ts';
import { pairingFilesOf } from '../store/pairing-files.ts';
import { ProcessLock } from '../store/process-lock.ts';
import { type PairOptions, pair } from './pair.ts';

const address = '54:D2:72:00:AB:CD';
const lock = (id: string, name: string, at = address) => ({
  ...{ id, name, driver: 'ble/nuki' },
  link: { ble: 'radio', address: at },
});
const building = (played: object = {}, devices: readonly object[] = [lock('front', 'Front door')]) => ({
  ble: { radio: { simulated: true } },
  devices,
  simulation: [
    { simulator: 'ble/radio', link: { ble: 'radio' }, settings: { devices: [{ kind: 'nuki', address, ...played }] } },
  ],
});

const never = new AbortController().signal;
const front = { deviceId: deviceIdOf('lobby', 'front'), driver: 'ble/nuki', name: 'Front door' };

function pairingBox(config: object = building()) {
  const box = radioBox(config);
  const run = (device?: string, options: Partial<PairOptions> = {}, machine = {}) =>
    box.end(
      pair(box.terminal, box.catalogues, device, { config: box.file, timeout: 60, ...options }, never, {
        ...box.machine,
        ...machine,
      }),
    );
  const kept = () =>
    pairingFilesOf(
      { pairingsDir: join(box.state, 'pairings'), store: { keyFile: join(box.state, 'store.key') } },
      () => new Uint8Array(),
    ).read(front);
  const filesBelow = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)],
    );
  return { ...box, run, kept, filesBelow };
}

describe('strikeplate pair', () => {
  it('says what to do at the lock, keeps its key sealed, and reads it once to be sure', async () => {
    const { run, terminal, kept, state, filesBelow } = pairingBox();
    terminal.ask = async (question, { secret }) => {
      terminal.err(`${question} secret: ${secret}`);
      return secret ? '1234' : '';
    };
    expect(await run('front')).toEqual({ code: 0, said: '' });
    expect(terminal.outLines).toEqual([
      '- In the vendor’s app, allow pairing by the button: Settings, Features & Configuration, Button & LED.',
      '- Stand at the lock and hold its button for about five seconds, until its ring lights up.',
      '- The lock stays ready for half a minute.',
      `Waiting for Front door (${address}), for 60 s.`,
      'Front door is ready. Pairing.',
      'Front door is paired, and says that it is locked. Start the gateway.',
    ]);
    expect(terminal.errors).toMatch(/^The security PIN .*: secret: true\nKnown to the lock as .*: secret: false$/);
    const { shared_key: key, pin } = JSON.parse(kept()?.reveal() ?? '{}');
    expect(pin).toBe(1234);
    const files = filesBelow(state);
    expect(files.map((file) => file.slice(state.length + 1)).sort()).toEqual([
      `pairings/${front.deviceId}.json`,
      'simulated/54-d2-72-00-ab-cd.json',
      'store.key',
      // Pairing made the key before there was a database: one that is missing later would be a lost one.
      'store.key.unused',
      'strikeplate.db.lock',
    ]);
    for (const file of files) {
      expect(statSync(file).mode & 0o077).toBe(0);
      expect(readFileSync(file, 'latin1')).not.toContain(key);
    }
  });

  it('takes the place of an earlier pairing', async () => {
    const { run, kept } = pairingBox();
    await run('front');
    const before = kept()?.reveal();
    expect(await run('Front Door')).toMatchObject({ code: 0 });
    expect(kept()?.reveal()).not.toBe(before);
  });

  it('prints JSON, and takes answers from files', async () => {
    const { run, terminal, folder, kept } = pairingBox(building({ generation: 'ultra', pin: '123456' }));
    writeFileSync(join(folder, 'pin'), '123456\n');
    const answerFile = new Map([['pin', 'pin']]);
    expect(await run(undefined, { json: true, answerFile })).toMatchObject({ code: 0 });
    expect(JSON.parse(terminal.output)).toEqual({
      ...{ id: 'front', device_id: front.deviceId, driver: 'ble/nuki', address: address.toLowerCase() },
      ...{ paired: true, locked: true },
    });
    expect(JSON.parse(kept()?.reveal() ?? '{}')).toMatchObject({ protocol: 'ultra', pin: 123456 });
  });

  it.each([
    ['a wrong PIN', '654321', 'refused the security PIN'],
    ['no PIN', '', 'paired with its six-digit PIN'],
    ['a PIN that is none', '12', 'The security PIN has four digits, or six'],
  ])('keeps nothing after %s', async (_what, pin, words) => {
    const { run, terminal, state } = pairingBox(building({ generation: 'ultra', pin: '123456' }));
    terminal.ask = async (_question, { secret }) => (secret ? pin : '');
    expect(await run('front')).toEqual({ code: 1, said: expect.stringContaining(words) });
    expect(existsSync(join(state, 'pairings'))).toBe(false);
    if (pin.length > 2) expect(`${terminal.output}${terminal.errors}`).not.toContain(pin);
  });

  it('says that the lock is heard, and waits for the button in vain', async () => {
    const { run, terminal } = pairingBox();
    await run('front');
    terminal.outLines.length = 0;
    // The simulated lock remembers that it is paired, and nobody is there.
    expect(await run('front', {}, { holdsButtons: false })).toEqual({
      code: 1,
      said: 'Front door was heard, but nobody made it ready to be paired. Do the steps above, and run this again.',
    });
    expect(terminal.output).toContain('is heard (-58 dBm), and not ready yet: hold its button to pair it.');
  });

  it('says that the lock is not there', async () => {
    const { run } = pairingBox(building({}, [lock('front', 'Front door', '54:D2:72:00:00:01')]));
    expect(await run('front')).toEqual({
      code: 1,
      said: expect.stringMatching(/^Front door was not heard\. Check its batteries.*strikeplate scan ble/),
    });
  });

  it('says what is wrong with the adapter', async () => {
    const { run } = pairingBox({ ...building(), ble: { radio: { uart: '/dev/ttyNobody' } }, simulation: [] });
    expect(await run('front')).toEqual({
      code: 1,
      said: 'There is no serial port /dev/ttyNobody. Plug the Bluetooth dongle in.',
    });
  });

  it('does not take the adapter from a gateway that runs, and asks nothing', async () => {
    const { run, state, terminal } = pairingBox();
    mkdirSync(state);
    const gateway = ProcessLock.take(join(state, 'strikeplate.db'));
    terminal.ask = () => Promise.reject(new Error('asked'));
    const { code, said } = await run('front');
    gateway.release();
    expect(code).toBe(5);
    expect(said).toMatch(/^There is no API key for commands in /);
    expect((await run('front')).said).toBe('asked');
  });

  it('knows which devices can be paired', async () => {
    const noise = { id: 'hall', name: 'Hall', driver: 'ble/omron-sound' };
    const { run } = pairingBox(
      building({}, [
        lock('front', 'Front door'),
        lock('back', 'Back door', '54:D2:72:00:00:02'),
        { ...noise, link: { ble: 'radio', address: 'C0:11:22:33:44:55' } },
      ]),
    );
    expect(await run()).toMatchObject({
      code: 2,
      said: expect.stringContaining('front (Front door), back (Back door)'),
    });
    expect(await run('yard')).toMatchObject({ code: 6, said: expect.stringContaining('no device "yard"') });
    expect(await run('hall')).toEqual({
      code: 1,
      said: 'Hall needs no pairing: its driver, ble/omron-sound, works without.',
    });
    expect(await run('front', { answer: new Map([['colour', 'red']]) })).toMatchObject({
      code: 2,
      said: 'There is no question "colour"; there are: pin, authorize_as.',
    });
  });

  it('understands its command line', async () => {
    const { run } = cliBox();
    expect((await run('pair', '--help')).out).toContain('--answer-file pin=/root/cellar.pin');
    expect(await run('pair', 'front')).toMatchObject({ code: 6, err: expect.stringContaining('no device "front"') });
    expect((await run('pair', 'front', '--answer', 'bridge')).code).toBe(2);
    expect((await run('pair', 'front', '--timeout', '601')).code).toBe(2);
  });
});
