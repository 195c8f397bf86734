import { describeWorld } from './describe-world.ts';
import { behindMiddlemen, historiesOf } from './histories.ts';

describeWorld('behind middlemen', historiesOf(behindMiddlemen), [
  'confirmed',
  'unconfirmed',
  'stuck',
  'not_reached',
  'unknown',
]);
