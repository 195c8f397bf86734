import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { drivers } from '../../../drivers/index.ts';
import { type CommandError, exitCodes } from '../../../src/cli/exit.ts';
import type { BleMachine } from '../../../src/cli/scan-ble.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import { simulators } from '../../../src/simulation/index.ts';
import type { SimulatorCatalogue } from '../../../src/simulation/simulator.ts';
import { RecordedTerminal } from '../command-line/recorded-terminal.ts';
import { seededRandom } from '../seeded-random.ts';

/** A folder with a configuration, and a machine whose time is the test's, for commands that use a radio. */
export function radioBox(config: object, more: { readonly simulators?: SimulatorCatalogue } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'strikeplate-radio-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'gateway.yaml');
  // JSON is YAML.
  const configure = (sections: object) =>
    writeFileSync(
      file,
      JSON.stringify({
        ...{ state_dir: 'state', gateway: { id: 'lobby', name: 'Lobby', time_zone: 'UTC' } },
        ...sections,
      }),
    );
  configure(config);
  const clock = new SimulatedClock();
  const machine: BleMachine = { clock, random: seededRandom(1), holdsButtons: true };
  const terminal = new RecordedTerminal(folder);
  const catalogues = { drivers, simulators: { ...simulators, ...more.simulators } };

  /** The exit code; what a command throws for whoever gave it is in `said`. */
  async function end(command: Promise<number>): Promise<{ readonly code: number; readonly said: string }> {
    let over = false;
    const outcome = command.then(
      (code) => ({ code, said: '' }),
      (error: CommandError) => ({ code: error.exitCode ?? exitCodes.failed, said: error.message }),
    );
    void outcome.then(() => {
      over = true;
    });
    // Files and modules are read in between, which takes no simulated time: nothing is armed then that could run out.
    while (!over) await clock.advance(10);
    return outcome;
  }
  return { folder, file, state: join(folder, 'state'), configure, clock, machine, terminal, catalogues, end };
}
