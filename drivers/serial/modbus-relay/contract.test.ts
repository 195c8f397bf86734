import { describeDriver, describeSerialDriver } from '../../../src/driver-testing/index.ts';
import { relaySuite } from '../../../test/kit/locks/relay-suite.ts';

const suite = relaySuite();
describeDriver(suite);
describeSerialDriver(suite);
