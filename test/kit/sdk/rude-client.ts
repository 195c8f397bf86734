import { connect, type Socket } from 'node:net';

/** A client that writes what it likes, keeps its side open for as long as it likes, and sees what comes back. */
export class RudeClient {
  readonly socket: Socket;
  text = '';
  /** The other side has ended, or the connection is gone. */
  ended = false;
  closed = false;
  error: Error | undefined;

  /** @param localAddress another address of this machine, `127.0.0.2` for instance */
  constructor(port: number, localAddress?: string) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, ...(localAddress && { localAddress }) });
    this.socket.setEncoding('utf8');
    this.socket.on('data', (chunk) => {
      this.text += chunk;
    });
    this.socket.on('end', () => {
      this.ended = true;
    });
    this.socket.on('error', (error) => {
      this.error = error;
    });
    this.socket.on('close', () => {
      this.closed = true;
      this.ended = true;
    });
  }
}
