import http from 'node:http';
import https from 'node:https';
import { checkServerIdentity } from 'node:tls';
import { z } from 'zod';
import { CommandError } from './exit.ts';

/** Longer than any hold (25 s) and the clients' own patience. */
const answerTimeoutMs = 35_000;

/** The largest answer there is, a full list of attempts, is far below. */
const maxAnswerBytes = 16 * 1024 * 1024;

export interface ApiConnectionOptions {
  /** `http://host:port` */
  readonly url: string;
  readonly key: string;
  /** PEM that the gateway's certificate must come from, instead of the machine's own list. */
  readonly ca?: string;
  /** The certificate in `ca` is the gateway's own: its name need not be the address. */
  readonly pinned?: boolean;
}

const refusal = z.object({ error: z.object({ type: z.string(), message: z.string() }) });

/** Requests to a running gateway, in the words of its API. */
export class ApiConnection {
  readonly #options: ApiConnectionOptions;

  constructor(options: ApiConnectionOptions) {
    this.#options = options;
  }

  get url(): string {
    return this.#options.url;
  }

  get<T>(path: string, query: Readonly<Record<string, string>>, answer: z.ZodType<T>): Promise<T> {
    const search = new URLSearchParams(query).toString();
    return this.#ask('GET', search === '' ? path : `${path}?${search}`, answer);
  }

  /** An answer that is no JSON. @throws CommandError when it is refused */
  async text(path: string): Promise<string> {
    const { status, text } = await this.#exchange('GET', path, undefined);
    if (status === 200) return text;
    throw this.#stranger(status);
  }

  post<T>(
    path: string,
    body: Readonly<Record<string, unknown>>,
    answer: z.ZodType<T>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    return this.#ask('POST', path, answer, { text: JSON.stringify(body), headers });
  }

  /** @throws CommandError */
  async #ask<T>(
    method: string,
    path: string,
    answer: z.ZodType<T>,
    body?: { readonly text: string; readonly headers: Readonly<Record<string, string>> },
  ): Promise<T> {
    const { status, text } = await this.#exchange(method, path, body);
    let content: unknown;
    try {
      content = JSON.parse(text);
    } catch {
      throw this.#stranger(status);
    }
    if (status === 200) {
      const read = answer.safeParse(content);
      if (read.success) return read.data;
      throw this.#stranger(status);
    }
    const refused = refusal.safeParse(content);
    if (!refused.success) throw this.#stranger(status);
    const { type, message } = refused.data.error;
    if (status === 403)
      throw new CommandError(
        'unauthorized',
        `${message} On the gateway's box "strikeplate keys change KEY --scopes LIST" gives it more; the key of this box: ` +
          'strikeplate keys change cli --scopes read,control,codes,metrics,admin',
      );
    if (status === 401) throw new CommandError('unauthorized', message);
    if (status === 404) throw new CommandError('notFound', message);
    throw new CommandError('failed', `${type}: ${message}`);
  }

  #exchange(
    method: string,
    path: string,
    body: { readonly text: string; readonly headers: Readonly<Record<string, string>> } | undefined,
  ): Promise<{ readonly status: number; readonly text: string }> {
    const { url, key, ca, pinned } = this.#options;
    const secure = url.startsWith('https:');
    return new Promise((resolve, reject) => {
      const request = (secure ? https : http).request(
        new URL(path, url),
        {
          method,
          headers: {
            authorization: `Bearer ${key}`,
            ...(body && { 'content-type': 'application/json', ...body.headers }),
          },
          timeout: answerTimeoutMs,
          ...(secure &&
            ca !== undefined && {
              ca,
              checkServerIdentity: pinned ? () => undefined : checkServerIdentity,
              // Pinned is the certificate itself, whoever issued it.
              allowPartialTrustChain: pinned ?? false,
            }),
        },
        (response) => {
          const chunks: Buffer[] = [];
          let length = 0;
          response.on('data', (chunk: Buffer) => {
            chunks.push(chunk);
            length += chunk.length;
            if (length > maxAnswerBytes) response.destroy(new Error('the answer does not end'));
          });
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
          );
          response.on('error', (error) => reject(this.#broken(method, error)));
        },
      );
      request.on('timeout', () => request.destroy(new Error(`no answer for ${answerTimeoutMs / 1_000} s`)));
      request.on('error', (error) => reject(this.#broken(method, error)));
      request.end(body?.text);
    });
  }

  #broken(method: string, error: Error & { readonly code?: string }): CommandError {
    const { code } = error;
    const cause = { cause: error };
    if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH')
      return new CommandError(
        'unreachable',
        `No gateway answers at ${this.url} (${code}). Is it running? Try: systemctl status strikeplate`,
        cause,
      );
    if (code !== undefined && /CERT|SELF_SIGNED|TLS|SSL/.test(code))
      return new CommandError(
        'unreachable',
        `The certificate of ${this.url} is not trusted (${code}). Name the authority with --ca-file FILE.`,
        cause,
      );
    const lost =
      method === 'POST' ? ' The command may have been accepted all the same: look with "strikeplate attempts".' : '';
    const tls =
      code === 'ECONNRESET' && this.url.startsWith('http:')
        ? ' If it serves TLS, its address begins with https://.'
        : '';
    return new CommandError(
      'unreachable',
      `The connection to ${this.url} broke: ${error.message}.${lost}${tls}`,
      cause,
    );
  }

  #stranger(status: number): CommandError {
    return new CommandError(
      'unreachable',
      `What answers at ${this.url} is not this gateway's API (HTTP ${status}). Check --url, and http.tls for https.`,
    );
  }
}
