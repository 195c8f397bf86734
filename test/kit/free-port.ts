import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below what the kernel gives to whoever asks for any port, servers and outgoing connections alike
 * (net.ipv4.ip_local_port_range: 32768 and up): nobody takes it between this and its use, or while a server is away.
 */
const FIRST = 20_000;
const SHARE = 1_500;
/** Each process of a run chooses among its own. */
const SHARES = 8;

/** A port that nobody listens at. */
export async function freePort(): Promise<number> {
  const share = Number(process.env.VITEST_POOL_ID ?? 0) % SHARES;
  for (;;) {
    const port = FIRST + share * SHARE + Math.floor(Math.random() * SHARE);
    const server = createServer();
    const listens = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(true));
    });
    if (!listens) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
