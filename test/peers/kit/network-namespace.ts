import { execFileSync } from 'node:child_process';

/** One virtual cable from this machine into the namespace. */
export interface Cable {
  /** The address at the far end. */
  readonly address: string;
  /** Nothing passes any more, and nobody is told: no FIN, no RST, no ICMP. */
  unplug(): void;
  plugIn(): void;
}

const ip = (...words: string[]) => execFileSync('ip', words, { stdio: 'pipe' });

/** How many namespaces there can be at a time: each has a part of the addresses, and names to match. */
const places = 250;

/** A network of its own for a peer, reached over virtual cables that can be unplugged. Needs root. */
export class NetworkNamespace {
  readonly name: string;
  #number = process.pid % places;
  readonly #cables: string[] = [];

  /**
   * Whether this process may make one.
   * @throws Error under CI, where it must not pass unnoticed that the tests which need one did not run
   */
  static available(): boolean {
    const name = `probe-${process.pid}`;
    try {
      ip('netns', 'add', name);
      ip('netns', 'del', name);
      return true;
    } catch (error) {
      if (process.env.CI) throw new Error('Network namespaces need root and iproute2.', { cause: error });
      return false;
    }
  }

  constructor() {
    this.name = `strikeplate-${process.pid}`;
    ip('netns', 'add', this.name);
    this.#inside('ip', 'link', 'set', 'lo', 'up');
  }

  /** For {@link Mosquitto}: runs a program inside. */
  get wrapper(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  cable(): Cable {
    const number = this.#cables.length + 1;
    if (number === 1) this.#takePlace();
    else this.#lay(number);
    const [here, there] = this.#ends(number);
    // 198.18.0.0/15 is set aside for benchmarks (RFC 2544).
    const net = `198.18.${this.#number}.${number * 4}`.replace(/\d+$/, '');
    ip('address', 'add', `${net}${number * 4 + 1}/30`, 'dev', here);
    ip('link', 'set', here, 'up');
    this.#inside('ip', 'address', 'add', `${net}${number * 4 + 2}/30`, 'dev', there);
    this.#inside('ip', 'link', 'set', there, 'up');
    return {
      address: `${net}${number * 4 + 2}`,
      unplug: () => this.#inside('ip', 'link', 'set', there, 'down'),
      plugIn: () => this.#inside('ip', 'link', 'set', there, 'up'),
    };
  }

  close(): void {
    for (const cable of this.#cables) ip('link', 'del', cable);
    ip('netns', 'del', this.name);
  }

  /** Another process, or one that was killed before it could clean up, may have a place already. */
  #takePlace(): void {
    for (let tried = 1; ; tried++) {
      try {
        this.#lay(1);
        return;
      } catch (error) {
        const { stderr } = error as { readonly stderr?: Buffer };
        if (tried === places || !stderr?.includes('File exists')) throw error;
        this.#number = (this.#number + 1) % places;
      }
    }
  }

  #lay(number: number): void {
    const [here, there] = this.#ends(number);
    ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', this.name);
    this.#cables.push(here);
  }

  #ends(number: number): readonly [here: string, there: string] {
    return [`sp${this.#number}h${number}`, `sp${this.#number}n${number}`];
  }

  #inside(...words: string[]): void {
    ip('netns', 'exec', this.name, ...words);
  }
}
