import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { type Clock, Secret } from '../../contract/index.ts';

/** A session that nobody used for so long is over, in milliseconds. A guess: longer than a lunch. */
const IDLE_MS = 2 * 3_600_000;
/** The longest a session lasts, in milliseconds: a working day. */
const LONGEST_MS = 12 * 3_600_000;
/** How many browsers may be signed in at a time. A guess; the one that was used least recently goes first. */
const AT_MOST = 200;
/**
 * A page of another site cannot send this header without being asked first (a CORS preflight), which nobody answers: so
 * a request that a browser makes with the cookie alone does nothing.
 */
export const CONSOLE_HEADER = 'x-strikeplate-console';

interface Session {
  readonly key: Secret;
  readonly secure: boolean;
  readonly beganAt: number;
  usedAt: number;
}

/**
 * Browsers that signed in with an API key. The key stays here, in memory: the browser is given an unguessable number in a
 * cookie that no script can read. A session can do what its key can at the moment, and ends with it.
 */
export class ConsoleSessions {
  readonly #clock: Clock;
  /** By the hash of the cookie's number, least recently used first. */
  readonly #sessions = new Map<string, Session>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns the value of `Set-Cookie` */
  open(key: string, secure: boolean): string {
    this.#forgetOld();
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size < AT_MOST) break;
      this.#sessions.delete(oldest);
    }
    const number = randomBytes(32).toString('base64url');
    const now = this.#clock.now();
    this.#sessions.set(hashOf(number), { key: new Secret(key), secure, beganAt: now, usedAt: now });
    return cookie(number, LONGEST_MS / 1_000, secure);
  }

  /** The key of the session that a request belongs to; undefined when there is none, or it is over. */
  keyOf(request: FastifyRequest): string | undefined {
    if (request.headers[CONSOLE_HEADER] === undefined || !isSameOrigin(request)) return undefined;
    const number = numberOf(request);
    if (number === undefined) return undefined;
    const hash = hashOf(number);
    const session = this.#sessions.get(hash);
    if (session === undefined) return undefined;
    this.#sessions.delete(hash);
    if (this.#isOver(session)) return undefined;
    session.usedAt = this.#clock.now();
    this.#sessions.set(hash, session);
    return session.key.reveal();
  }

  /** Whether somebody signed in with the request's cookie; what it may do is for `keyOf` to say. */
  has({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
    const number = numberOf({ headers });
    return number !== undefined && this.#sessions.has(hashOf(number));
  }

  /** @returns the value of `Set-Cookie` that takes the cookie away */
  close(request: FastifyRequest, secure: boolean): string {
    const number = numberOf(request);
    if (number !== undefined) this.#sessions.delete(hashOf(number));
    return cookie('', 0, secure);
  }

  #isOver({ beganAt, usedAt }: Session): boolean {
    const now = this.#clock.now();
    return now >= beganAt + LONGEST_MS || now >= usedAt + IDLE_MS;
  }

  #forgetOld(): void {
    for (const [hash, session] of this.#sessions) if (this.#isOver(session)) this.#sessions.delete(hash);
  }
}

const NAME = 'strikeplate_session';

/** `__Host-` binds a cookie to this very host, and demands TLS: RFC 6265bis, section 4.1.3.2. */
function cookie(number: string, maxAgeSeconds: number, secure: boolean): string {
  const name = secure ? `__Host-${NAME}` : NAME;
  return `${name}=${number}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}

function numberOf({ headers: { cookie: cookies = '' } }: Pick<IncomingMessage, 'headers'>): string | undefined {
  const found = cookies
    .split(';')
    .map((part) => /^\s*(?:__Host-)?strikeplate_session=([\w-]{43})\s*$/.exec(part)?.[1])
    .find((number) => number !== undefined);
  return found;
}

/** Browsers say themselves where a request comes from: Fetch Metadata, `Sec-Fetch-Site`. */
function isSameOrigin({ headers, host }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  const { origin } = headers;
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
}

const hashOf = (number: string): string => createHash('sha256').update(number).digest('base64url');
