import type { SerialCarrier } from '../../../src/transports/serial/index.ts';

/**
 * Counts what both ends of a line write and read, while both are held here: what was written and not read is in socat's
 * hands. What was under way when the line was cut is lost.
 */
export class TtyTraffic {
  readonly #written = { near: 0, far: 0 };
  #isJoined = false;
  #opening = 0;

  /** Bytes, or the gateway's end itself: opening it is the system's work. */
  get isUnderWay(): boolean {
    if (this.#opening > 0) return true;
    return this.#isJoined && (this.#written.near > 0 || this.#written.far > 0);
  }

  /** The gateway's end. */
  near(carrier: SerialCarrier): SerialCarrier {
    return this.#counted(carrier, 'near', 'far');
  }

  /** The units' end. */
  far(carrier: SerialCarrier): SerialCarrier {
    return this.#counted(carrier, 'far', 'near');
  }

  #counted(carrier: SerialCarrier, own: 'near' | 'far', other: 'near' | 'far'): SerialCarrier {
    return {
      path: carrier.path,
      open: async (events) => {
        if (own === 'near') this.#opening += 1;
        const port = await carrier
          .open({
            bytes: (bytes) => {
              this.#written[other] = Math.max(0, this.#written[other] - bytes.length);
              events.bytes(bytes);
            },
            lost: (error) => {
              if (own === 'near') this.#begin(false);
              events.lost(error);
            },
          })
          .finally(() => {
            if (own === 'near') this.#opening -= 1;
          });
        if (own === 'near') this.#begin(true);
        return {
          write: (bytes) => {
            this.#written[own] += bytes.length;
            return port.write(bytes);
          },
          flush: () => port.flush(),
          close: () => {
            if (own === 'near') this.#begin(false);
            return port.close();
          },
        };
      },
    };
  }

  #begin(isJoined: boolean): void {
    this.#isJoined = isJoined;
    this.#written.near = 0;
    this.#written.far = 0;
  }
}
