import { afterEach } from 'vitest';
import { describeBleDriver, describeDriver } from '../../../src/driver-testing/index.ts';
import type { NukiFixture } from '../../../test/kit/locks/nuki-fixture.ts';
import { nukiSuite } from '../../../test/kit/locks/nuki-suite.ts';

const made: NukiFixture[] = [];
afterEach(async () => {
  for (const fixture of made.splice(0)) await fixture.close();
});

const suite = nukiSuite((fixture) => made.push(fixture));
describeDriver(suite);
describeBleDriver(suite);
