import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { type GatewayTarget, readTarget } from '../config/load.ts';
import { ApiConnection } from './api-connection.ts';
import { chooseConfig, ownKeyFile } from './config-choice.ts';
import { CommandError } from './exit.ts';
import type { Terminal } from './terminal.ts';

/** How a command was told to find the running gateway. */
export interface ConnectOptions {
  readonly config?: string;
  readonly url?: string;
  readonly keyFile?: string;
  readonly caFile?: string;
}

/** Whether the command line or the environment names a gateway by its address, which may be on another machine. */
export const isElsewhere = ({ env }: Pick<Terminal, 'env'>, { url }: ConnectOptions): boolean =>
  url !== undefined || Boolean(env.STRIKEPLATE_URL);

/**
 * Finds address and key of the gateway. What the command line and the environment do not say comes from the
 * configuration and the state directory, which somebody on another machine need not have.
 *
 * @throws CommandError, ConfigError
 */
export async function connect(terminal: Terminal, options: ConnectOptions): Promise<ApiConnection> {
  const { env } = terminal;
  const givenUrl = options.url ?? (env.STRIKEPLATE_URL || undefined);
  const givenKey =
    options.keyFile === undefined ? env.STRIKEPLATE_API_KEY?.trim() || undefined : keyIn(options.keyFile);
  let target: GatewayTarget | undefined;
  const here = async () => {
    const choice = chooseConfig(terminal, options.config, { orSite: true });
    target ??= await readTarget(choice.file, {
      env,
      ...(choice.stateDir !== undefined && { stateDir: choice.stateDir }),
    });
    return target;
  };
  const key = givenKey ?? keyOfThisBox(await here());
  const url = givenUrl === undefined ? urlOf(await here()) : checkedUrl(givenUrl);
  if (!url.startsWith('https:')) return new ApiConnection({ url, key });
  if (options.caFile !== undefined) return new ApiConnection({ url, key, ca: content(options.caFile, '--ca-file') });
  const ownCertificate = givenUrl === undefined ? (await here()).http.tls?.certFile : undefined;
  if (ownCertificate === undefined) return new ApiConnection({ url, key });
  return new ApiConnection({ url, key, ca: content(ownCertificate, 'http.tls.cert_file'), pinned: true });
}

function checkedUrl(url: string): string {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new CommandError('usage', `--url must be an address such as http://127.0.0.1:8080, not "${url}".`);
  return new URL(url).origin;
}

function urlOf({ http }: GatewayTarget): string {
  if (http.port === 0)
    throw new CommandError('usage', 'The configuration lets the gateway take any free port. Name it with --url.');
  const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const host = everywhere[http.host] ?? http.host;
  return `http${http.tls ? 's' : ''}://${isIPv6(host) ? `[${host}]` : host}:${http.port}`;
}

/** @throws CommandError when this box has no key for its own commands */
function keyOfThisBox(target: GatewayTarget): string {
  const files = [ownKeyFile(target.stateDir), target.http.demoKeyFile].filter((file) => file !== undefined);
  for (const file of files) {
    try {
      return keyIn(file);
    } catch (error) {
      if (!(error instanceof CommandError) || !isMissing(error.cause)) throw error;
    }
  }
  throw new CommandError(
    'unauthorized',
    `There is no API key for commands in ${target.stateDir}. Make one with "strikeplate keys create --name cli --save", ` +
      'or give one with --key-file FILE or STRIKEPLATE_API_KEY.',
  );
}

function keyIn(file: string): string {
  const key = content(file, '--key-file').trim();
  // A key travels in a header: a line break or a stray character would be refused there with a stranger message.
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new CommandError('unauthorized', `${file} holds no API key; its only line must be one.`);
}

function content(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'you may not read it' : String(code);
    throw new CommandError('unauthorized', `${file} (${what}): ${why}.`, { cause: error });
  }
}

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
