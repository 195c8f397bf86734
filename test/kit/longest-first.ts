import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The files that take longest, in their order, each at least some ten seconds on two cores: begun last, one of them would
 * run on alone. The seconds are the reporter's; a file that is missing here costs time and nothing else.
 */
const longest: readonly string[] = [
  'test/peers/random-kills.test.ts',
  'test/peers/gateway-mosquitto.test.ts',
  'test/peers/console.test.ts',
  'test/peers/mqtt-black-hole.test.ts',
  'test/peers/modbus-units.test.ts',
  'test/peers/documents.test.ts',
  'test/peers/mqtt-faults.test.ts',
  'test/peers/console-keyboard.test.ts',
  'test/peers/ble-tty.test.ts',
  'test/peers/api-docs.test.ts',
  'test/peers/console-axe.test.ts',
  'test/promises/killed.test.ts',
  'test/scenarios/sandbox.test.ts',
  'test/scenarios/bad-input.test.ts',
  'test/promises/killed-grants.test.ts',
  'test/promises/p1-disk.test.ts',
  'test/scenarios/key-for-one-door.test.ts',
  'test/promises/p9-damage.test.ts',
  'test/scenarios/backup.test.ts',
  'test/scenarios/zigbee2mqtt-field.test.ts',
  'test/scenarios/seam-routes.test.ts',
  'test/promises/p7-secrets.test.ts',
  'test/scenarios/bluetooth-gateway.test.ts',
  'test/fuzz/fuzz.test.ts',
  'test/scenarios/onboarding.test.ts',
  'test/scenarios/seam-sdk-whole.test.ts',
  'test/scenarios/forgotten.test.ts',
  'test/scenarios/demonstration.test.ts',
  'test/scenarios/reload.test.ts',
  'test/promises/histories.test.ts',
  'test/promises/p8-histories.test.ts',
  'test/scenarios/lock-behaviour.test.ts',
  'test/scenarios/drivers-from-outside.test.ts',
  'test/scenarios/new-database.test.ts',
];

/**
 * On the real time of a library that gives a slow machine no more of it. They mostly wait: begun last, they meet the least
 * of what keeps the processor busy, and hardly anything waits for them.
 */
const last: readonly string[] = ['test/peers/zwave-onboarding.test.ts'];

/** Begins with the files that take longest; those that share processes come last, one after the other in each. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rest = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification) => {
      const file = relative(this.ctx.config.root, moduleId);
      if (last.includes(file)) return longest.length + 1 + last.indexOf(file);
      return longest.includes(file) ? longest.indexOf(file) : longest.length;
    };
    return rest.toSorted((one, other) => rank(one) - rank(other));
  }
}
