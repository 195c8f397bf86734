export { BleAdapter } from './adapter.ts';
export { type AdapterChoice, AdapterFinder } from './adapter-finder.ts';
export { listBluezAdapters } from './bluez/list-adapters.ts';
export { listKernelAdapters } from './kernel-adapters.ts';
