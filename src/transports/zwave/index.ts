export type { ZwaveNetworkKeys } from './driver-options.ts';
export { dskProblem, pinProblem } from './dsk.ts';
export { type IncludedNode, type InclusionTalk, include, replace, smartStart } from './inclusion.ts';
export { loadZwaveDatabases, loadZwaveLibrary } from './library.ts';
export { exclude, rebuildRoutes, removeFailed } from './network-care.ts';
export type { StickSocket } from './port-binding.ts';
export { ZwaveStick } from './zwave-stick.ts';
