import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { onStopSignals } from './stop-signals.ts';

function processThatMayEnd() {
  const exits: number[] = [];
  const process = Object.assign(new EventEmitter(), { exit: (code: number) => exits.push(code) });
  return { process: process as unknown as NodeJS.Process, signal: (name: string) => process.emit(name), exits };
}

it('asks for an orderly end at the first signal, and ends at the second', async () => {
  const { process, signal, exits } = processThatMayEnd();
  const stop = onStopSignals(process);
  signal('SIGTERM');
  expect(await stop.requested).toBe('SIGTERM');
  expect(exits).toEqual([]);
  signal('SIGINT');
  expect(exits).toEqual([130]);
});
