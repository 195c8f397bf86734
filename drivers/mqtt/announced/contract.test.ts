import { describeDriver, describeMqttDriver } from '../../../src/driver-testing/index.ts';
import { announcedSuite } from '../../../test/kit/locks/announced-suite.ts';

const suite = announcedSuite('mqtt/announced', {});
describeDriver(suite);
describeMqttDriver(suite);
