import {
  type ModbusRequest,
  READ_COILS,
  readBits,
  readRegisters,
  type Written,
  writeCoil,
  writeRegister,
  writeRegisters,
} from '../modbus/requests.ts';
import type { Fitting } from './settings.ts';

/** Sends a request and resolves with what the board answered. */
export type Ask = <T>(request: ModbusRequest<T>) => Promise<T>;

/** A question to the board: which relays, or inputs, are on, in their order. */
export type BoardQuestion = (ask: Ask) => Promise<readonly boolean[]>;

/** Reads all relays: the form that every maker documents, where not every board takes a part of them. */
export function readRelays(unit: number, { profile, replyTimeoutMs }: Fitting): BoardQuestion {
  const { channels: count, coil_base } = profile;
  const functionCode = profile.read?.function_code ?? (profile.function_code === 6 ? 3 : READ_COILS);
  const target = { unit, address: profile.read?.base ?? coil_base, count, replyTimeoutMs };
  return functionCode === READ_COILS
    ? (ask) => ask(readBits({ ...target, functionCode }))
    : async (ask) => (await ask(readRegisters({ ...target, functionCode }))).map((word) => word !== 0);
}

/** Reads all inputs; undefined when no contact is wired. */
export function readInputs(unit: number, { profile, contact, replyTimeoutMs }: Fitting): BoardQuestion | undefined {
  if (contact === undefined || profile.inputs === undefined) return undefined;
  const { function_code, base, count } = profile.inputs;
  return (ask) => ask(readBits({ unit, functionCode: function_code, address: base, count, replyTimeoutMs }));
}

/** Releases the door for its time. The board ends it by itself. */
export function release(unit: number, fitting: Fitting): ModbusRequest<Written> {
  const { profile, channel, wiring, releaseSteps, replyTimeoutMs } = fitting;
  const { pulse } = profile;
  const on = wiring.releasedWhen === 'on';
  switch (pulse.method) {
    case 'coil_word': {
      const base = on ? pulse.on_base : required(pulse.off_base);
      return writeCoil({ unit, address: base + channel, word: releaseSteps, replyTimeoutMs });
    }
    case 'register_word': {
      const command = on ? pulse.on_command : required(pulse.off_command);
      const address = (pulse.base ?? profile.coil_base) + channel;
      return writeRegister({ unit, address, word: command + releaseSteps, replyTimeoutMs });
    }
    case 'two_registers': {
      const mode = on ? pulse.on_mode : required(pulse.off_mode);
      const address = pulse.base + channel * pulse.stride;
      return writeRegisters({ unit, address, words: [mode, releaseSteps], replyTimeoutMs });
    }
  }
}

/** Secures the door: the relay at rest, and a pulse under way called off. */
export function secure(unit: number, fitting: Fitting): ModbusRequest<Written> {
  const { profile, channel, wiring, replyTimeoutMs } = fitting;
  const word = wiring.securedWhen === 'on' ? profile.on_word : profile.off_word;
  const write = profile.function_code === 6 ? writeRegister : writeCoil;
  return write({ unit, address: profile.coil_base + channel, word, replyTimeoutMs });
}

function required(value: number | undefined): number {
  // The settings refuse this wiring for a board without off-pulse.
  if (value === undefined) throw new TypeError('this board cannot switch its relay off for a time');
  return value;
}
