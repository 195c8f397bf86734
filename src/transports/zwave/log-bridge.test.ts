import { expect, it } from 'vitest';
import { recordLog } from '../../driver-testing/recorded-log.ts';
import { zwaveLog } from './log-bridge.ts';

function bridge() {
  const log = recordLog();
  const container = zwaveLog(log.logger)();
  const say = (label: string, level: string, message: string | string[], context: object = {}) =>
    container.getLogger(label).log({ level, message, direction: '', context: { source: 'x', ...context } } as never);
  return { log, container, say };
}

it('warnings and errors keep their level, words become debug, and the node is named', () => {
  const { log, say } = bridge();
  say('CNTRLR', 'warn', 'The node is presumed dead', { nodeId: 5 });
  say('DRIVER', 'info', ['one', 'two']);
  expect(log.lines).toMatchObject([
    { level: 40, zwave: 'cntrlr', node: 5, msg: 'The node is presumed dead' },
    { level: 20, zwave: 'driver', msg: 'one two' },
  ]);
});

it('what carries frames is never written, and the library is told that nobody reads it', () => {
  const { log, container, say } = bridge();
  for (const level of ['verbose', 'debug', 'silly', 'http']) {
    say('DRIVER', level, 'code: 481516');
    expect(container.isLoglevelVisible(level)).toBe(false);
  }
  say('SERIAL', 'info', '0x01030002fe');
  expect(log.text).toBe('');
});

it('bytes in words are taken out', () => {
  const { log, say } = bridge();
  for (const bytes of ['0x63010134383135', '63 01 01 34 38', '63:01:01:34', '34383135'])
    say('DRIVER', 'error', `Dropping message: ${bytes} (invalid)`);
  expect(log.lines.map(({ msg }) => msg)).toEqual(Array(4).fill('Dropping message: (bytes) (invalid)'));
});
