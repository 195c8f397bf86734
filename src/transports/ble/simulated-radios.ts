import type { InProcessAdapters } from './adapter-finder.ts';

/** Where the gateway's adapter and the simulated devices of one process meet, by the name of the adapter. */
export class SimulatedRadios {
  readonly #adapters = new Map<string, InProcessAdapters>();

  /** Puts adapters in, for as long as they are not taken out again. Returns how to do that. */
  lay(name: string, adapters: InProcessAdapters): () => void {
    this.#adapters.set(name, adapters);
    return () => {
      if (this.#adapters.get(name) === adapters) this.#adapters.delete(name);
    };
  }

  /** What is there under that name at any time; nothing before something was put in. */
  adapters(name: string): InProcessAdapters {
    return {
      absent: `Nothing plays on the simulated radio ${name}. Add a simulator for it to the simulation section.`,
      list: () => this.#adapters.get(name)?.list() ?? [],
      open: (index, host) => {
        const adapters = this.#adapters.get(name);
        if (adapters === undefined) throw new Error(`nothing plays on the simulated radio ${name}`);
        return adapters.open(index, host);
      },
    };
  }
}
