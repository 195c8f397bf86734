import { bluezHint } from './bluez/bluez-trouble.ts';
import type { OpenHciPort } from './in-process-hci.ts';
import type { KernelAdapter } from './kernel-adapters.ts';
import type { StackBinding } from './noble.ts';
import type { StackTrouble } from './stack.ts';

/** Adapters in this process: the simulated building's, and tests'. */
export interface InProcessAdapters {
  /** What to say while none is there. */
  readonly absent?: string;
  list(): readonly { readonly index: number; readonly address: string }[];
  open(index: number, host: Parameters<OpenHciPort>[0]): ReturnType<OpenHciPort>;
}

/** Which adapter a configuration names. */
export type AdapterChoice =
  /** A kernel adapter by name (`hci0`) or by address. */
  | { readonly adapter: string; readonly userChannel?: boolean }
  | { readonly uart: string; readonly baudRate: number }
  /** An adapter of bluetoothd's by name or by address. */
  | { readonly dbus: string }
  /** By address, or the first there is. */
  | { readonly inProcess: InProcessAdapters; readonly address?: string };

export interface FoundAdapter {
  readonly binding: StackBinding;
  /** How to speak of it: `hci0`, a path. */
  readonly name: string;
}

/** Why no adapter was found: a short word, and what a person can do. */
export interface NoAdapter {
  readonly reason: 'no_adapter' | 'no_bluetooth' | 'no_bluez';
  readonly hint: string;
}

export interface FinderSurroundings {
  /** @throws Error where the kernel has no Bluetooth */
  readonly kernelAdapters: () => Promise<readonly KernelAdapter[]>;
  /** @throws BluezTrouble */
  readonly bluezAdapters: () => Promise<readonly KernelAdapter[]>;
  readonly pathExists: (path: string) => Promise<boolean>;
}

/**
 * Looks for the adapter a configuration names. One that was seen before is known by its address, so that it is found
 * again under another index: that is what a dongle gets when it is pulled and put back.
 */
export class AdapterFinder {
  readonly #choice: AdapterChoice;
  readonly #surroundings: FinderSurroundings;
  #seenAddress: string | undefined;

  constructor(choice: AdapterChoice, surroundings: FinderSurroundings) {
    this.#choice = choice;
    this.#surroundings = surroundings;
    const named = 'adapter' in choice ? choice.adapter : 'dbus' in choice ? choice.dbus : '';
    if (named.includes(':')) this.#seenAddress = named.toLowerCase();
    if ('inProcess' in choice) this.#seenAddress = choice.address?.toLowerCase();
  }

  /** The adapter's address, as its stack told it. */
  learn(address: string): void {
    if (address.includes(':')) this.#seenAddress ??= address.toLowerCase();
  }

  async find(): Promise<FoundAdapter | NoAdapter> {
    const choice = this.#choice;
    if ('uart' in choice) {
      if (!(await this.#surroundings.pathExists(choice.uart)))
        return { reason: 'no_adapter', hint: `There is no serial port ${choice.uart}. Plug the Bluetooth dongle in.` };
      return { binding: { kind: 'uart', path: choice.uart, baudRate: choice.baudRate }, name: choice.uart };
    }
    if ('inProcess' in choice) return this.#pickInProcess(choice.inProcess);
    if ('dbus' in choice) return this.#pickBluez(choice.dbus);
    return this.#pickKernel(choice.adapter, choice.userChannel ?? false);
  }

  #pickInProcess(adapters: InProcessAdapters): FoundAdapter | NoAdapter {
    const present = adapters.list();
    const picked =
      this.#seenAddress === undefined ? present[0] : present.find(({ address }) => address === this.#seenAddress);
    if (picked === undefined)
      return { reason: 'no_adapter', hint: adapters.absent ?? 'The simulated Bluetooth adapter is unplugged.' };
    return {
      binding: { kind: 'in-process', open: (host) => adapters.open(picked.index, host) },
      name: `simulated hci${picked.index}`,
    };
  }

  async #pickKernel(name: string, userChannel: boolean): Promise<FoundAdapter | NoAdapter> {
    let present: readonly KernelAdapter[];
    try {
      present = await this.#surroundings.kernelAdapters();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return {
        reason: 'no_bluetooth',
        hint:
          `This host has no Bluetooth (${why}). Load the kernel's bluetooth module, or use a dongle on a serial port ` +
          'with `uart:` in the configuration.',
      };
    }
    const picked = this.#pick(name, present);
    if ('reason' in picked) return picked;
    return { binding: { kind: 'hci', index: picked.index, userChannel }, name: `hci${picked.index}` };
  }

  async #pickBluez(name: string): Promise<FoundAdapter | NoAdapter> {
    let present: readonly KernelAdapter[];
    try {
      present = await this.#surroundings.bluezAdapters();
    } catch (error) {
      return { reason: 'no_bluez', hint: bluezHint(error) };
    }
    const picked = this.#pick(name, present);
    if ('reason' in picked) return picked;
    const { index, address } = picked;
    return { binding: { kind: 'dbus', index, address }, name: `hci${index}` };
  }

  #pick(name: string, present: readonly KernelAdapter[]): KernelAdapter | NoAdapter {
    const picked =
      this.#seenAddress === undefined
        ? present.find(({ index }) => `hci${index}` === name)
        : present.find(({ address }) => address === this.#seenAddress);
    if (picked !== undefined) return picked;
    const others = present.map(({ index, address }) => `hci${index} (${address})`).join(', ');
    return {
      reason: 'no_adapter',
      hint:
        `The Bluetooth adapter ${this.#seenAddress ?? name} is not there. ` +
        (others === '' ? 'Plug one in.' : `There is ${others}: plug it in, or name one of these.`),
    };
  }
}

/** A word for monitoring, and what a person can do. */
export interface AdapterTrouble {
  readonly reason: string;
  readonly hint: string;
}

/** Says why an adapter that is there cannot be used. */
export function adapterTrouble(
  trouble: StackTrouble,
  { binding, name }: FoundAdapter,
  configured: string,
): AdapterTrouble {
  const which = `The Bluetooth adapter ${configured} (${name})`;
  if (binding.kind === 'uart' || binding.kind === 'in-process')
    return {
      reason: trouble === 'off' ? 'adapter_lost' : 'not_answering',
      hint: `${which} does not answer. Check the dongle, its baud rate and its firmware.`,
    };
  if (binding.kind === 'dbus') return bluezAdapterTrouble(trouble, which);
  switch (trouble) {
    case 'forbidden':
      return {
        reason: 'no_permission',
        hint: `${which} may not be opened. The service needs CAP_NET_RAW; see docs/operations.md.`,
      };
    case 'unsupported':
      return {
        reason: 'unsupported',
        hint: binding.userChannel
          ? `${which} could not be taken for the gateway alone. Bring it down first (\`hciconfig ${name} down\`), stop ` +
            'bluetoothd, and give the service CAP_NET_RAW and CAP_NET_ADMIN.'
          : `${which} does not know Bluetooth LE, or its kernel does not. Use another adapter.`,
      };
    case 'off':
      return {
        reason: 'adapter_off',
        hint: `${which} is switched off, or the service lacks CAP_NET_RAW. Switch it on with \`hciconfig ${name} up\`.`,
      };
    case 'not_answering':
      return { reason: 'not_answering', hint: `${which} does not answer. Pull it and put it back.` };
  }
}

function bluezAdapterTrouble(trouble: StackTrouble, which: string): AdapterTrouble {
  switch (trouble) {
    case 'off':
      return {
        reason: 'adapter_off',
        hint:
          `${which} is switched off in BlueZ. Switch it on with \`bluetoothctl power on\`; \`rfkill list\` shows ` +
          'whether it is blocked.',
      };
    case 'not_answering':
      return {
        reason: 'not_answering',
        hint:
          `${which} does not do what BlueZ tells it. Restart bluetoothd (\`systemctl restart bluetooth\`), or pull the ` +
          'adapter and put it back.',
      };
    default:
      return {
        reason: 'adapter_lost',
        hint: `${which} was lost: bluetoothd stopped, or the adapter was pulled. It is looked for again.`,
      };
  }
}
