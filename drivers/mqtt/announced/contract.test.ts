import { describeDriver } from '../../../test/contract/describe-driver.ts';
import { describeMqttDriver } from '../../../test/contract/describe-mqtt-driver.ts';
import { announcedSuite } from '../../../test/kit/announced-fixture.ts';

describeDriver(announcedSuite('mqtt/announced', {}));
describeMqttDriver(announcedSuite('mqtt/announced', {}));
