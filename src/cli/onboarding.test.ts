import { expect, it } from 'vitest';
import { RecordedTerminal } from '../../test/kit/command-line/recorded-terminal.ts';
import type { ApiConnection } from './api-connection.ts';
import { CommandError } from './exit.ts';
import { onboard } from './onboarding.ts';

const never = new AbortController().signal;
const question = { name: 'pin', text: 'The PIN', is_secret: true };
const running = { onboarding_id: 'o1', status: 'running', step: 'x', seconds_left: 59, question: null, found: [] };

/** A gateway that says these things, one after the other, and takes one PIN. */
function gateway(says: readonly object[], pin = '48151') {
  const asked: [string, object][] = [];
  let at = 0;
  const now = () => ({ onboarding: { ...running, ...says[Math.min(at, says.length - 1)] } });
  const api = {
    get: async () => {
      at += 1;
      return now();
    },
    post: async (path: string, body: { readonly answers?: { readonly pin?: string } }) => {
      asked.push([path.split('/').at(-1) ?? '', body]);
      if (path.endsWith('/answer') && body.answers?.pin !== pin)
        throw new CommandError('failed', 'invalid_input: A PIN of Z-Wave has five digits.');
      return now();
    },
  } as unknown as Pick<ApiConnection, 'get' | 'post'>;
  return { api, asked };
}

it('asks for a PIN again that was mistyped, says each sentence once, and shows how long is left', async () => {
  const terminal = new RecordedTerminal('/');
  const moved: (string | undefined)[] = [];
  Object.assign(terminal, { progress: (line: string | undefined) => moved.push(line) });
  const typed = ['4815', ' 48151 '];
  terminal.ask = async (text, { secret }) => {
    terminal.err(`${text} ${secret}`);
    return typed.shift() ?? '';
  };
  const { api, asked } = gateway([
    { message: 'The stick waits.' },
    { message: 'It wants its PIN.', question },
    { message: 'It wants its PIN.', question },
    { message: 'Node 9 has joined.', status: 'succeeded' },
  ]);
  expect(await onboard(terminal, api, { kind: 'zwave_inclusion' }, {}, never)).toBe(0);
  expect(terminal.errLines).toEqual([
    'The stick waits.',
    'It wants its PIN.',
    'The PIN: true',
    'A PIN of Z-Wave has five digits.',
    'The PIN: true',
    'Node 9 has joined.',
  ]);
  expect(asked.map(([verb]) => verb)).toEqual(['start', 'answer', 'answer']);
  expect(moved).toContain('59 s left, Ctrl-C ends it');
  expect(moved.at(-1)).toBeUndefined();
});

it('calls it off where nobody can be asked, and says how to give the answer', async () => {
  const terminal = new RecordedTerminal('/');
  const { api, asked } = gateway([{ message: 'It wants its PIN.', question }]);
  await expect(onboard(terminal, api, { kind: 'zwave_inclusion' }, {}, never)).rejects.toThrow(
    '--answer-file pin=FILE',
  );
  expect(asked.map(([verb]) => verb)).toEqual(['start', 'cancel']);
});

it('prints lines for one file: each section once', async () => {
  const terminal = new RecordedTerminal('/');
  const finding = (id: string) => ({
    ...{ address: id, what: `lock ${id}`, driver: 'ble/nuki', note: null, configured_as: null },
    configuration: ['ble:', '  radio: { adapter: hci0 }', 'devices:', `  - id: ${id}`, '    driver: ble/nuki'],
  });
  const { api } = gateway([{ message: 'Done.', status: 'succeeded', found: [finding('a'), finding('b')] }]);
  expect(await onboard(terminal, api, { kind: 'bluetooth_scan' }, {}, never)).toBe(0);
  expect(terminal.outLines.slice(2)).toEqual([
    ...['ble:', '  radio: { adapter: hci0 }'],
    ...['devices:', '  - id: a', '    driver: ble/nuki', '  - id: b', '    driver: ble/nuki'],
  ]);
});

it('is a failure where the gateway says that it failed, and nothing found where a scan found nothing', async () => {
  const terminal = new RecordedTerminal('/');
  const failed = gateway([{ message: 'Nobody came.', status: 'failed' }]);
  await expect(onboard(terminal, failed.api, { kind: 'zigbee_join' }, {}, never)).rejects.toThrow('Nobody came.');
  const empty = gateway([{ message: 'Nothing was found.', status: 'succeeded' }]);
  expect(await onboard(terminal, empty.api, { kind: 'mqtt_scan' }, {}, never)).toBe(6);
});
