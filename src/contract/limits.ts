/** What strangers and devices can use up, and what is therefore bounded. */
export type LimitName =
  /** HTTP connections, of all or of one address. */
  | 'http_connections'
  /** HTTP requests without a valid key from one address. */
  | 'http_requests'
  /** TLS handshakes that wait because others take the time for them. */
  | 'tls_handshakes'
  /** Messages of one device that were not looked at, because more came than a device may send. */
  | 'device_messages'
  /** A message that was too large to be read. */
  | 'message_size';

export const limitNames: readonly LimitName[] = [
  'http_connections',
  'http_requests',
  'tls_handshakes',
  'device_messages',
  'message_size',
];

/** Something was refused, dropped or closed because a limit was reached. */
export interface LimitBite {
  readonly limit: LimitName;
  /** Whose doing it was, for people: an address, or a topic. Never what was sent. */
  readonly source: string;
  /** The device it came from or was to reach. */
  readonly deviceId?: string | undefined;
  /** What happened and what to do, in a sentence or two. */
  readonly message: string;
  /** How many times at once; 1 unless told. */
  readonly count?: number;
}

export type OnLimit = (bite: LimitBite) => void;
