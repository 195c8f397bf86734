// The least that a server can do with an attack: it keeps the newest 256 connections, closes the oldest beyond, and
// answers any request with one refusal. What an attack on it costs the doors of a gateway beside it is the price of
// the processors that the attacker uses.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { answer } from './helper.mjs';

const refusal = 'HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}';
/** @type {Set<import('node:net').Socket>} */
const sockets = new Set();
const server = createServer((socket) => {
  sockets.add(socket);
  socket.on('error', () => undefined);
  socket.on('close', () => sockets.delete(socket));
  socket.on('data', () => socket.end(refusal));
  const [oldest] = sockets;
  if (sockets.size > 256 && oldest !== undefined) {
    sockets.delete(oldest);
    oldest.destroy();
  }
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 });
await once(server, 'listening');

answer({
  port: () => {
    const address = server.address();
    return typeof address === 'object' ? address?.port : undefined;
  },
});
