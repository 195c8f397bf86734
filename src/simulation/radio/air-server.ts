import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Air } from './air.ts';
import type { Controller } from './controller.ts';
import { openPort } from './peripheral-host.ts';

/**
 * Ties a controller to a byte stream that carries H4: a socket, or a tty. A stream that ends takes its controller off
 * the air; a controller that is unplugged ends its stream.
 */
export function carryOver(stream: Duplex, air: Air, controller: Controller): void {
  const port = openPort(controller, {
    packet: (packet) => stream.write(packet),
    gone: () => stream.destroy(),
  });
  stream.on('data', (chunk: Buffer) => port.write(chunk));
  stream.on('error', () => stream.destroy());
  stream.on('close', () => {
    port.close();
    air.unplug(controller);
  });
}

export interface AirServer {
  close(): Promise<void>;
}

/**
 * Gives every client of a unix socket a controller of its own, in the order of their arrival. With
 * `socat PTY,raw,echo=0,link=TTY UNIX-CONNECT:SOCKET` a client is a tty, which a host opens like a UART dongle.
 */
export async function serveAir(air: Air, socketPath: string): Promise<AirServer> {
  await rm(socketPath, { force: true });
  const clients = new Set<Duplex>();
  const server: Server = createServer((client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client));
    carryOver(client, air, air.plug());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        for (const client of clients) client.destroy();
        server.close(() => resolve());
      }),
  };
}
