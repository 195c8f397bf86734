import {
  READ_COILS,
  READ_DISCRETE_INPUTS,
  READ_HOLDING_REGISTERS,
  readBits,
  readRegisters,
} from '../../drivers/serial/modbus/requests.ts';
import type { ModbusReply } from '../../drivers/serial/modbus/scan.ts';
import { GatewayError, type SerialLink, type SerialRequest } from '../contract/index.ts';
import type { LineSettings, SerialBus } from '../transports/serial/index.ts';

/** Longer than the slowest units that were read about take, 100 ms, and a USB adapter's own delay. */
const REPLY_TIMEOUT_MS = 150;

/** What answered at one address. */
export interface FoundUnit {
  readonly unit: number;
  readonly line: LineSettings;
  /** `relay_board`: it has eight coils. `register`: it has register 0. `unknown`: it said no to both. */
  readonly kind: 'relay_board' | 'register' | 'unknown';
  /** It has eight inputs. */
  readonly inputs: boolean;
  /** Register 0, where there is one. */
  readonly register: number | undefined;
}

export interface ScanOptions {
  readonly lines: readonly LineSettings[];
  readonly units: readonly number[];
  /** Resolves once the port is open. @throws Error in words when it cannot be */
  open(line: LineSettings): Promise<SerialBus>;
  progress(line: LineSettings): void;
  readonly signal: AbortSignal;
}

/** Asks every address at every baud rate. It only reads. */
export async function scanModbus({ lines, units, open, progress, signal }: ScanOptions): Promise<readonly FoundUnit[]> {
  const found: FoundUnit[] = [];
  for (const line of lines) {
    progress(line);
    const bus = await open(line);
    try {
      for (const unit of units) {
        // One that answered at another speed has no second one.
        if (found.some((other) => other.unit === unit)) continue;
        const answer = await examine(bus.link(unit), line, signal);
        if (answer) found.push(answer);
      }
    } finally {
      await bus.close();
    }
  }
  return found.sort((a, b) => a.unit - b.unit);
}

async function examine(link: SerialLink, line: LineSettings, signal: AbortSignal): Promise<FoundUnit | undefined> {
  const target = { unit: link.unit, address: 0, replyTimeoutMs: REPLY_TIMEOUT_MS };
  const ask = <T>(request: SerialRequest<ModbusReply<T>>) => askOnce(link, request, signal);
  // Any answer shows that somebody is there, a no included. Some units keep silent instead of saying no.
  const level = await ask(readRegisters({ ...target, functionCode: READ_HOLDING_REGISTERS, count: 1 }));
  const coils = await ask(readBits({ ...target, functionCode: READ_COILS, count: 8 }));
  if (level === undefined && coils === undefined) return undefined;
  const isBoard = coils?.ok ?? false;
  const inputs = isBoard && (await ask(readBits({ ...target, functionCode: READ_DISCRETE_INPUTS, count: 8 })))?.ok;
  const register = level?.ok ? level.value[0] : undefined;
  const kind = isBoard ? 'relay_board' : register === undefined ? 'unknown' : 'register';
  return { unit: link.unit, line, kind, inputs: inputs ?? false, register };
}

async function askOnce<T>(
  link: SerialLink,
  request: SerialRequest<ModbusReply<T>>,
  signal: AbortSignal,
): Promise<ModbusReply<T> | undefined> {
  try {
    return await link.query(request, { priority: 'poll', signal });
  } catch (error) {
    if (error instanceof GatewayError && error.type === 'device_offline') return undefined;
    throw error;
  }
}
