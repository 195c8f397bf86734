import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { AuthenticateError } from 'aedes';
import type { Logger } from 'pino';
import { GatewayError, type Secret } from '../../contract/index.ts';
import { MAX_PACKET } from './broker-connection.ts';
import { guardPackets } from './packet-guard.ts';

export interface EmbeddedBrokerOptions {
  /** 0: any free port. */
  readonly port: number;
  /** Default 127.0.0.1. Another one needs a user name and a password: whoever may publish opens doors. */
  readonly host?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: Secret | undefined;
  readonly log: Logger;
  /** Bytes of the largest packet that a client may send; as much as the gateway reads unless told. */
  readonly maxPacket?: number | undefined;
}

export interface EmbeddedBroker {
  readonly host: string;
  readonly port: number;
  /** `mqtt://host:port` */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A broker in this process, for the demo and for tests: it speaks MQTT 3.1.1 only and forgets everything at a restart.
 * @throws GatewayError `misconfigured` when the port is taken or the host is not this machine's
 */
export async function startEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const { log, username, password, host = '127.0.0.1', maxPacket = MAX_PACKET } = options;
  if ((username === undefined) !== (password === undefined))
    throw new GatewayError('misconfigured', 'The embedded MQTT broker: username and password_file go together.');
  if (password === undefined && !/^(localhost|127\.|::1$)/.test(host))
    throw new GatewayError(
      'misconfigured',
      `The embedded MQTT broker is to listen on ${host}, where others can reach it: whoever may publish there opens ` +
        'doors. Set username and password_file, or leave the host out.',
    );
  // Only the demonstration and the tests have a broker in the process.
  const { Aedes } = await import('aedes');
  const aedes = await Aedes.createBroker({
    // Ours are clean sessions; a client that stops reading must not fill the memory.
    queueLimit: 10_000,
    authenticate: (_client, name, word, done) => {
      const allowed = password === undefined || (equal(name, username) && equal(word, password.reveal()));
      if (allowed) done(null, true);
      else done(Object.assign(new Error('bad user name or password'), { returnCode: 4 }) as AuthenticateError, null);
    },
  });
  aedes.on('clientError', (client, error) => log.debug({ client: client.id, err: error }, 'MQTT client failed'));
  aedes.on('connectionError', (_client, error) => log.debug({ err: error }, 'MQTT connection refused'));
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    guardPackets(socket, {
      limit: maxPacket,
      oversized: ({ topic, bytes }) =>
        log.warn({ topic, bytes }, 'A message was too large for the embedded MQTT broker'),
      broken: () => socket.destroy(),
    });
    aedes.handle(socket);
  });
  try {
    server.listen(options.port, host);
    await once(server, 'listening');
  } catch (error) {
    aedes.close();
    throw listenFailure(error, host, options.port);
  }
  const { port } = server.address() as AddressInfo;
  const url = `mqtt://${host.includes(':') ? `[${host}]` : host}:${port}`;
  log.info(
    { url },
    `Embedded MQTT broker at ${url}. It speaks MQTT 3.1.1 only (no message expiry, no reason codes, no user ` +
      'properties) and keeps nothing over a restart: use mosquitto or another broker for real doors.',
  );
  return {
    host,
    port,
    url,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      await new Promise<void>((resolve) => aedes.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Compares digests, so that the time it takes tells nothing. */
function equal(given: string | Buffer | undefined, wanted: string | undefined): boolean {
  const digest = (text: string | Buffer | undefined) =>
    createHash('sha256')
      .update(text ?? '')
      .digest();
  return given !== undefined && wanted !== undefined && timingSafeEqual(digest(given), digest(wanted));
}

function listenFailure(error: unknown, host: string, port: number): GatewayError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const where = `The embedded MQTT broker cannot listen on ${host}:${port}`;
  const why: Record<string, string> = {
    EADDRINUSE: 'another program does. Stop it (perhaps mosquitto), or choose another port.',
    EACCES: 'ports below 1024 are not for this user. Choose another port.',
    EADDRNOTAVAIL: 'this machine does not have that address. Correct the host.',
  };
  const passes = code === 'EADDRINUSE' ? { retryAfterSeconds: 2 } : {};
  return new GatewayError('misconfigured', `${where}: ${why[code] ?? code}`, { cause: error, ...passes });
}
