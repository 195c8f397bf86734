import { isIP, type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { BrokerAddress } from './broker-address.ts';
import type { TlsMaterial } from './credentials.ts';

/** Bytes that are read at a time, as Node.js itself does. */
const READ_AT_ONCE = 65_536;

/**
 * A TCP socket that is closed by a reset, whoever closes it: it takes the bytes that wait in the send buffer along.
 * After an ordinary close the kernel goes on sending them for minutes, so a command written while the network was
 * silent would reach its lock long after the attempt ended. Node.js offers neither SO_LINGER nor TCP_USER_TIMEOUT.
 *
 * A close after `end()` stays an ordinary one: by then everything that can act was acknowledged.
 */
class ResettingSocket extends Socket {
  #resetting = false;

  /**
   * Reads into one buffer of its own: Node.js takes 64 KiB from the system for each of the small messages that come.
   * @param isPlain what comes is read here, and not by a TLS layer on top
   */
  constructor(isPlain: boolean) {
    const callback = (length: number, buffer: Uint8Array) => this.push(Buffer.from(buffer.subarray(0, length)));
    const onread: OnReadOpts = { buffer: Buffer.allocUnsafeSlow(READ_AT_ONCE), callback };
    super(isPlain ? ({ onread } as SocketConstructorOpts) : {});
  }

  override destroy(error?: Error): this {
    // An error here means that the kernel has given the connection up itself.
    const ordinary = error !== undefined || this.#resetting || this.destroyed || this.pending || this.writableEnded;
    if (ordinary) return super.destroy(error);
    this.#resetting = true;
    return this.resetAndDestroy();
  }

  override _writev(chunks: readonly Chunk[], callback: (error?: Error | null) => void): void {
    this._write(packed(chunks), bytes, callback);
  }
}

interface Chunk {
  readonly chunk: Buffer | string;
  readonly encoding: BufferEncoding;
}

/** As streams call the encoding of a chunk that is a buffer; the types do not know it. */
const bytes = 'buffer' as BufferEncoding;

/**
 * mqtt-packet writes a packet as up to fifty chunks of a few bytes. Copying them together is far cheaper than handing
 * the kernel a list of them, and than a TLS record for each.
 */
function packed(chunks: readonly Chunk[]): Buffer {
  let length = 0;
  for (const { chunk, encoding } of chunks) length += Buffer.byteLength(chunk, encoding);
  const whole = Buffer.allocUnsafe(length);
  let end = 0;
  for (const { chunk, encoding } of chunks)
    end += typeof chunk === 'string' ? whole.write(chunk, end, encoding) : chunk.copy(whole, end);
  return whole;
}

export interface BrokerSocket {
  /** What MQTT is spoken on: the TCP socket, or TLS on top of it. */
  readonly stream: Socket;
  /** Closes the connection at once and takes back what the kernel has not sent. */
  reset(): void;
}

/**
 * Connects to the broker, with TLS when the address asks for it. The TLS layer is put on a TCP socket of ours, since a
 * TLS socket that made its own cannot be reset (`resetAndDestroy` throws ERR_INVALID_HANDLE_TYPE there, Node.js 20).
 *
 * Small packets leave at once (TCP_NODELAY): otherwise Nagle's algorithm and delayed acknowledgements together hold
 * each command for 40 ms.
 *
 * @throws Error with the `code` of Node.js or OpenSSL; the signal's reason when it aborts first
 */
export async function openBrokerSocket(
  address: BrokerAddress,
  tls: TlsMaterial | undefined,
  signal: AbortSignal,
): Promise<BrokerSocket> {
  const tcp = new ResettingSocket(!address.tls);
  tcp.setNoDelay(true);
  tcp.connect({ host: address.host, port: address.port });
  await opened(tcp, tcp, 'connect', signal);
  const reset = () => void tcp.destroy();
  if (!address.tls) return { stream: tcp, reset };
  const named = isIP(address.host) === 0 ? { servername: address.host } : {};
  const secure = connectTls({ socket: tcp, host: address.host, ...named, ...tls, rejectUnauthorized: true });
  secure._writev = (chunks, callback) => secure._write(packed(chunks), bytes, callback);
  await opened(secure, tcp, 'secureConnect', signal);
  return { stream: secure, reset };
}

function opened(stream: Socket, tcp: Socket, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown) => {
      stream.off(event, onOpen).off('error', settle).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
      if (error === undefined) {
        resolve();
        return;
      }
      // Whatever comes after the failure has nobody left to hear it.
      stream.on('error', () => undefined);
      stream.destroy();
      tcp.destroy();
      reject(error);
    };
    const onOpen = () => settle();
    const onClose = () => settle(Object.assign(new Error('closed while connecting'), { code: 'ECONNRESET' }));
    const onAbort = () => settle(signal.reason);
    stream.on(event, onOpen).on('error', settle).on('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
