import { BlockList, isIP, isIPv6 } from 'node:net';

/** What is not the internet (IANA special-purpose address registry, IPv4). */
const specialIPv4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const;

/** Within global unicast, 2000::/3, still not the internet (IANA special-purpose address registry, IPv6). */
const specialIPv6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

/** Tells which addresses a webhook may be sent to. */
export class TargetAddresses {
  readonly #special = new BlockList();
  readonly #globalIPv6 = new BlockList();
  readonly #allowed = new BlockList();

  /** @param allowed networks of the site's own, as `192.168.1.0/24` or `fd00::/8` */
  constructor(allowed: readonly string[]) {
    for (const [network, prefix] of specialIPv4) this.#special.addSubnet(network, prefix, 'ipv4');
    for (const [network, prefix] of specialIPv6) this.#special.addSubnet(network, prefix, 'ipv6');
    this.#globalIPv6.addSubnet('2000::', 3, 'ipv6');
    for (const cidr of allowed) {
      const [network = '', prefix = ''] = cidr.split('/');
      this.#allowed.addSubnet(network, Number(prefix), isIPv6(network) ? 'ipv6' : 'ipv4');
    }
  }

  /** In one of the networks that configuration names. */
  isAllowedPrivately(address: string): boolean {
    const plain = unmapped(address);
    return isIP(plain) !== 0 && this.#allowed.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
  }

  isPublic(address: string): boolean {
    const plain = unmapped(address);
    if (isIP(plain) === 0) return false;
    if (!isIPv6(plain)) return !this.#special.check(plain, 'ipv4');
    return this.#globalIPv6.check(plain, 'ipv6') && !this.#special.check(plain, 'ipv6');
  }
}

const mapped = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/i;

/** The IPv4 address inside an IPv4-mapped one (RFC 4291 section 2.5.5.2), in either spelling; others as they are. */
function unmapped(address: string): string {
  const [, dotted, high, low] = mapped.exec(address.split('%', 1)[0] ?? '') ?? [];
  if (dotted !== undefined) return dotted;
  if (high === undefined || low === undefined) return address.split('%', 1)[0] ?? '';
  const number = Number.parseInt(high, 16) * 0x10000 + Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join('.');
}
