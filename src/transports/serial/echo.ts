import type { SerialRequest, SerialScan } from '../../contract/index.ts';

/**
 * Some RS-485 adapters hear themselves: everything sent comes back first. A coil write's reply repeats the request
 * byte for byte, so that an echo nobody knows of looks like the success of a unit that is not even there. Requests
 * whose reply differs from them, reads, tell which kind of adapter it is; until one did, nothing ambiguous is sent.
 */
export class EchoFilter {
  #adapter: 'unknown' | 'echoes' | 'silent' = 'unknown';

  get adapter(): 'unknown' | 'echoes' | 'silent' {
    return this.#adapter;
  }

  /** After the port was opened again it may be another adapter. */
  forget(): void {
    this.#adapter = 'unknown';
  }

  /** True when the request's own echo would pass for its reply and nobody knows yet whether this adapter echoes. */
  cannotJudge<T>(request: SerialRequest<T>): boolean {
    return this.#adapter === 'unknown' && isItsOwnReply(request);
  }

  /** Scans what was received for the reply, without the echo. */
  scan<T>(request: SerialRequest<T>, received: Buffer): SerialScan<T> {
    const at = received.indexOf(request.bytes);
    if (isItsOwnReply(request)) {
      if (this.#adapter !== 'echoes') return request.scan(received);
      if (at < 0) return { found: false, saw: received.length === 0 ? undefined : 'a damaged echo of the request' };
      return request.scan(received.subarray(at + request.bytes.length));
    }
    if (at >= 0) {
      this.#adapter = 'echoes';
      return request.scan(received.subarray(at + request.bytes.length));
    }
    const scan = request.scan(received);
    // Without the echo that was expected: either it was damaged or the adapter is another one. The next read tells.
    if (scan.found) this.#adapter = this.#adapter === 'echoes' ? 'unknown' : 'silent';
    return scan;
  }
}

const isItsOwnReply = <T>(request: SerialRequest<T>) => request.scan(request.bytes).found;
