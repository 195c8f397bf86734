import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import type { Clock } from '../../contract/index.ts';

/** An adapter as the kernel lists it. */
export interface KernelAdapter {
  readonly index: number;
  readonly address: string;
  readonly powered: boolean;
}

/** The Linux Bluetooth management protocol (BlueZ, doc/mgmt-api): two reading commands, which need no privilege. */
const READ_INDEX_LIST = 0x0003;
const READ_CONTROLLER_INFORMATION = 0x0004;
const COMMAND_COMPLETE = 0x0001;
const COMMAND_STATUS = 0x0002;
const NO_INDEX = 0xffff;
const HEADER = 6;
const POWERED = 1;

/** What is used of the HCI socket library's control channel. */
export interface ControlSocket extends Pick<EventEmitter, 'on'> {
  bindControl(): void;
  start(): void;
  stop(): void;
  write(bytes: Buffer): void;
}

const ANSWER_PATIENCE_MS = 1_000;

/** The kernel's control channel. @throws Error where the library has no binary for the platform */
export function openControlSocket(): ControlSocket {
  const noble = createRequire(import.meta.url).resolve('@stoprocent/noble');
  const library = createRequire(noble)('@stoprocent/bluetooth-hci-socket') as {
    loadDriver(name: 'native'): new () => ControlSocket;
  };
  const Socket = library.loadDriver('native');
  return new Socket();
}

/**
 * Asks the kernel for its adapters. An adapter's index changes when it is pulled and put back, its address does not.
 * @throws Error where the kernel has no Bluetooth, or does not answer
 */
export async function listKernelAdapters(clock: Clock, open = openControlSocket): Promise<readonly KernelAdapter[]> {
  const socket = open();
  const answers = new Map<string, (payload: Buffer | Error) => void>();
  let broken: Error | undefined;
  socket.on('error', (error: Error) => {
    broken ??= error;
    for (const answer of answers.values()) answer(error);
  });
  socket.on('data', (packet: Buffer) => {
    if (packet.length < HEADER + 3) return;
    const event = packet.readUInt16LE(0);
    if (event !== COMMAND_COMPLETE && event !== COMMAND_STATUS) return;
    const answer = answers.get(`${packet.readUInt16LE(HEADER)}/${packet.readUInt16LE(2)}`);
    const status = packet.readUInt8(HEADER + 2);
    answer?.(
      status === 0 ? packet.subarray(HEADER + 3) : new Error(`the kernel answered with management status ${status}`),
    );
  });
  const ask = (command: number, index: number) =>
    new Promise<Buffer>((resolve, reject) => {
      const key = `${command}/${index}`;
      const timer = clock.setTimer(
        () => answers.get(key)?.(new Error('the kernel did not answer a question about its Bluetooth adapters')),
        ANSWER_PATIENCE_MS,
      );
      answers.set(key, (payload) => {
        answers.delete(key);
        timer.cancel();
        if (payload instanceof Error) reject(payload);
        else resolve(payload);
      });
      if (broken !== undefined) {
        answers.get(key)?.(broken);
        return;
      }
      const packet = Buffer.alloc(HEADER);
      packet.writeUInt16LE(command, 0);
      packet.writeUInt16LE(index, 2);
      socket.write(packet);
    });
  try {
    socket.bindControl();
    socket.start();
    const list = await ask(READ_INDEX_LIST, NO_INDEX);
    const indices = Array.from({ length: list.readUInt16LE(0) }, (_, at) => list.readUInt16LE(2 + 2 * at));
    return await Promise.all(
      indices.map(async (index) => {
        const information = await ask(READ_CONTROLLER_INFORMATION, index);
        return {
          index,
          address: [...information.subarray(0, 6)]
            .reverse()
            .map((byte) => byte.toString(16).padStart(2, '0'))
            .join(':'),
          // Address, version, manufacturer and supported settings come before.
          powered: (information.readUInt32LE(6 + 1 + 2 + 4) & POWERED) !== 0,
        };
      }),
    );
  } finally {
    socket.stop();
  }
}
