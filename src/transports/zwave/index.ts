export type { ZwaveNetworkKeys } from './driver-options.ts';
export { loadZwaveLibrary } from './library.ts';
export type { StickSocket } from './port-binding.ts';
export { ZwaveStick } from './zwave-stick.ts';
