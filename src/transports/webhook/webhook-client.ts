import { lookup as systemLookup } from 'node:dns/promises';
import http from 'node:http';
import https from 'node:https';
import { BlockList, isIP, isIPv6 } from 'node:net';
import type { Duplex } from 'node:stream';
import { GatewayError, unlessAborted } from '../../contract/index.ts';

/** An answer is read this far and no further, in bytes: nothing in it is of use. */
const answerLimit = 16_384;

export interface WebhookClientOptions {
  /** Networks of the site's own that may be sent to, as `192.168.1.0/24`; nothing but the internet otherwise. */
  readonly privateTargets: readonly string[];
  /** All addresses of a name; the system's resolver unless given. */
  readonly lookup?: (name: string) => Promise<readonly string[]>;
  /** Certificate authorities beside the system's, PEM; for tests. */
  readonly ca?: string;
  /** What a request without TLS is written to, and answered on; for tests. A socket to the address unless given. */
  readonly createConnection?: () => Duplex;
}

interface WebhookTarget {
  readonly url: URL;
  readonly address: string;
}

/**
 * Posts webhooks. Every address of a name is looked at before each delivery, and the connection goes to the very
 * address that was looked at, so that no name can lead inside; redirects are not followed, so that no answer can.
 */
export class WebhookClient {
  readonly #addresses: TargetAddresses;
  readonly #options: WebhookClientOptions;

  constructor(options: WebhookClientOptions) {
    this.#options = options;
    this.#addresses = new TargetAddresses(options.privateTargets);
  }

  /** @throws GatewayError `invalid_input` */
  async check(text: string): Promise<void> {
    const url = parsed(text);
    const addresses = await this.#resolve(url).catch(() => []);
    if (addresses.length > 0) this.#judge(url, addresses);
  }

  /**
   * @returns the answer's status
   * @throws Error in plain words, without the URL
   */
  async send(
    { url: text, headers, body }: { url: string; headers: Readonly<Record<string, string>>; body: string },
    signal: AbortSignal,
  ): Promise<number> {
    const url = parsed(text);
    const addresses = await this.#resolve(url, signal);
    const address = this.#judge(url, addresses);
    return this.#post({ url, address }, headers, Buffer.from(body), signal);
  }

  async #resolve({ hostname }: URL, signal?: AbortSignal): Promise<readonly string[]> {
    const host = withoutBrackets(hostname);
    if (isIP(host) !== 0) return [host];
    const { lookup = allAddresses } = this.#options;
    if (!signal) return lookup(host);
    return unlessAborted(lookup(host), signal).catch((error: unknown) => {
      throw inPlainWords(error, signal);
    });
  }

  /** @returns the address to connect to */
  #judge(url: URL, addresses: readonly string[]): string {
    const [first] = addresses;
    if (first === undefined) throw new Error(`${url.hostname} has no address`);
    const inside = addresses.filter((address) => !this.#addresses.isPublic(address));
    const refused = inside.find((address) => !this.#addresses.isAllowedPrivately(address));
    if (refused !== undefined) {
      const where =
        withoutBrackets(url.hostname) === refused
          ? `${refused} is not on the internet`
          : `${url.hostname} leads to ${refused}, which is not on the internet`;
      throw new GatewayError(
        'invalid_input',
        `url: ${where}. To send webhooks to a network of your own, name it in the configuration under ` +
          'webhooks.private_targets.',
      );
    }
    if (url.protocol === 'http:' && inside.length < addresses.length) {
      throw new GatewayError(
        'invalid_input',
        'url: over the internet webhooks travel encrypted: use an https:// address. http:// is for networks named in ' +
          'webhooks.private_targets.',
      );
    }
    return first;
  }

  #post(
    { url, address }: WebhookTarget,
    headers: Readonly<Record<string, string>>,
    body: Buffer,
    signal: AbortSignal,
  ): Promise<number> {
    const { ca, createConnection } = this.#options;
    const family = isIPv6(address) ? 6 : 4;
    return new Promise((resolve, reject) => {
      const request = (url.protocol === 'https:' ? https : http).request(url, {
        method: 'POST',
        headers: { ...headers, 'content-length': body.length },
        // A connection of its own, to the address that was looked at.
        agent: false,
        lookup: (_name, options, done) => {
          if (options.all) done(null, [{ address, family }]);
          else done(null, address, family);
        },
        signal,
        ...(ca !== undefined && { ca }),
        ...(createConnection && { createConnection }),
      });
      request.on('response', (response) => {
        let read = 0;
        response.on('data', (chunk: Buffer) => {
          read += chunk.length;
          if (read > answerLimit) response.destroy();
        });
        response.on('error', () => {});
        response.on('close', () => resolve(response.statusCode ?? 0));
      });
      request.on('error', (error) => reject(inPlainWords(error, signal)));
      request.end(body);
    });
  }
}

function parsed(text: string): URL {
  // URL.parse is younger than the oldest Node.js supported here.
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new GatewayError('invalid_input', 'url: expected an address that begins with https:// (or http://).');
  }
  if (url.username !== '' || url.password !== '') {
    throw new GatewayError(
      'invalid_input',
      'url: put no name or password into it; receivers know our webhooks by their signature.',
    );
  }
  return url;
}

/** A URL writes an IPv6 address in brackets. */
const withoutBrackets = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');

const allAddresses = async (name: string): Promise<readonly string[]> =>
  (await systemLookup(name, { all: true, order: 'verbatim' })).map(({ address }) => address);

/** Node's messages name addresses and ports, never paths. */
function inPlainWords(error: unknown, signal: AbortSignal): Error {
  if (signal.aborted && signal.reason instanceof Error) return signal.reason;
  if (!(error instanceof Error)) return new Error('the connection failed');
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : '';
  return new Error(`${code}${error.message}`);
}

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
