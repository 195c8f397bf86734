import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BoltPosition } from '../../../drivers/mqtt/zigbee2mqtt/simulator.ts';

/** What one lock wrote down, whatever any gateway says. Times are milliseconds since the Unix epoch. */
export interface LockRecord {
  readonly slug: string;
  /** Where the bolt is now. */
  readonly bolt: BoltPosition;
  /** Door commands in the order in which its bridge took them from the broker. */
  readonly commands: readonly { readonly at: number; readonly command: 'LOCK' | 'UNLOCK' }[];
  readonly movements: readonly { readonly at: number; readonly from: BoltPosition; readonly to: BoltPosition }[];
  /** What its keypad holds now. */
  readonly pins: readonly string[];
}

const program = fileURLToPath(new URL('./lock-house.ts', import.meta.url));

/** Locks in a process of their own: their record is neither the gateway's nor the test's. */
export class LockProcess {
  readonly #child: ChildProcess;
  /** One question after the other. */
  #last: Promise<unknown> = Promise.resolve();

  static async start(brokerUrl: string, sensor: string, slugs: readonly string[]): Promise<LockProcess> {
    const child = fork(program, [brokerUrl, sensor, ...slugs], { execArgv: ['--import', 'tsx'] });
    const [said] = await once(child, 'message');
    if (said !== 'ready') throw new Error(`the locks say ${said}`);
    return new LockProcess(child);
  }

  /** Use {@link LockProcess.start}. */
  constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Door commands that reached any lock, so far. */
  commands(): Promise<number> {
    return this.#ask('commands');
  }

  record(): Promise<readonly LockRecord[]> {
    return this.#ask('record');
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }

  #ask<Answer>(question: 'commands' | 'record'): Promise<Answer> {
    const answer = this.#last.then(async () => {
      const told = once(this.#child, 'message');
      this.#child.send(question);
      return (await told)[0] as Answer;
    });
    this.#last = answer;
    return answer;
  }
}
