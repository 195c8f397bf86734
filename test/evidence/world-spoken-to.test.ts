import { describeWorld } from './describe-world.ts';
import { historiesOf, spokenTo } from './histories.ts';

describeWorld('that are spoken to', historiesOf(spokenTo), [
  'confirmed',
  'unconfirmed',
  'refused',
  'stuck',
  'not_reached',
  'unknown',
]);
