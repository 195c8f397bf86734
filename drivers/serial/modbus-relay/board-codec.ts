import { type ModbusRequest, readBits, writeCoil, writeRegisters } from '../modbus/requests.ts';
import type { Fitting } from './settings.ts';

/** Reads all relays: the form that every maker documents, where not every board takes a part of them. */
export function readRelays(unit: number, { profile, replyTimeoutMs }: Fitting): ModbusRequest<readonly boolean[]> {
  return readBits({
    unit,
    functionCode: 1,
    address: profile.coil_base,
    count: profile.channels,
    replyTimeoutMs,
  });
}

/** Reads all inputs; undefined when no contact is wired. */
export function readInputs(
  unit: number,
  { profile, contact, replyTimeoutMs }: Fitting,
): ModbusRequest<readonly boolean[]> | undefined {
  if (contact === undefined || profile.inputs === undefined) return undefined;
  const { function_code, base, count } = profile.inputs;
  return readBits({ unit, functionCode: function_code, address: base, count, replyTimeoutMs });
}

/** Releases the door for its time. The board ends it by itself. */
export function release(unit: number, fitting: Fitting): ModbusRequest<'written'> {
  const { profile, channel, wiring, releaseSteps, replyTimeoutMs } = fitting;
  const { pulse } = profile;
  const on = wiring.releasedWhen === 'on';
  if (pulse.method === 'coil_word') {
    const base = on ? pulse.on_base : required(pulse.off_base);
    return writeCoil({ unit, address: base + channel, word: releaseSteps, replyTimeoutMs });
  }
  const mode = on ? pulse.on_mode : required(pulse.off_mode);
  const address = pulse.base + channel * pulse.stride;
  return writeRegisters({ unit, address, words: [mode, releaseSteps], replyTimeoutMs });
}

/** Secures the door: the relay at rest, and a pulse under way called off. */
export function secure(unit: number, fitting: Fitting): ModbusRequest<'written'> {
  const { profile, channel, wiring, replyTimeoutMs } = fitting;
  const word = wiring.securedWhen === 'on' ? profile.on_word : profile.off_word;
  return writeCoil({ unit, address: profile.coil_base + channel, word, replyTimeoutMs });
}

function required(value: number | undefined): number {
  // The settings refuse this wiring for a board without off-pulse.
  if (value === undefined) throw new TypeError('this board cannot switch its relay off for a time');
  return value;
}
