import { describeDriver } from '../../../test/contract/describe-driver.ts';
import { announcedSuite } from '../../../test/kit/announced-fixture.ts';

describeDriver(announcedSuite('mqtt/announced', {}));
