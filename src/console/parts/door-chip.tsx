import type { DoorOfAccess } from '../access.ts';
import { nameOf } from '../state.ts';
import { Icon, type IconName } from './icon.tsx';

const icons: Readonly<Record<DoorOfAccess['state'], IconName>> = {
  set: 'good',
  waiting: 'busy',
  coming: 'clock',
  removing: 'busy',
  refused: 'bad',
  over: 'none',
};

/** One door of somebody's access: which, and how it stands there. */
export const DoorChip = ({ door }: { readonly door: DoorOfAccess }) => (
  <li class={`chip ${door.state}`}>
    <Icon name={icons[door.state]} />
    <span>
      <strong>{nameOf(door.deviceId)}</strong> <small>{door.text}</small>
    </span>
  </li>
);
