import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import { SimulatedLine } from '../modbus/simulated-line.ts';
import { SimulatedRelayBoard, type SimulatedRelayBoardOptions } from './simulator.ts';

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

function bench(options: Partial<SimulatedRelayBoardOptions> = {}) {
  const clock = new SimulatedClock();
  const line = new SimulatedLine({ clock, baudRate: 9600 });
  const board = new SimulatedRelayBoard({ clock, unit: 1, ...options });
  line.add(board);
  const said: string[] = [];
  line.onBytes((answer) =>
    said.push(
      answer
        .toString('hex')
        .toUpperCase()
        .replace(/..(?=.)/g, '$& '),
    ),
  );
  /** What the board answers to bytes that were published or computed by others. */
  const exchange = async (hex: string) => {
    said.length = 0;
    line.receive(bytes(hex));
    await clock.advance(100);
    return said.join('|');
  };
  return { clock, line, board, exchange };
}

describe('the simulated board', () => {
  it('speaks the frames that the maker publishes', async () => {
    const { clock, board, exchange } = bench();
    expect(await exchange('01 05 00 00 FF 00 8C 3A')).toBe('01 05 00 00 FF 00 8C 3A');
    expect(board.isOn(1)).toBe(true);
    expect(await exchange('01 01 00 00 00 08 3D CC')).toBe('01 01 01 01 90 48');
    expect(await exchange('01 05 00 00 00 00 CD CA')).toBe('01 05 00 00 00 00 CD CA');
    expect(board.isOn(1)).toBe(false);
    expect(await exchange('01 05 02 00 00 07 8D B0')).toBe('01 05 02 00 00 07 8D B0');
    await clock.advance(1000);
    const [, , on, off] = board.changes;
    expect([on?.by, off?.by]).toEqual(['pulse', 'pulse_end']);
    expect((off?.at ?? 0) - (on?.at ?? 0)).toBeCloseTo(700);
  });

  it('switches several at once', async () => {
    const { board, exchange } = bench();
    await exchange('01 05 00 00 FF 00 8C 3A');
    expect(await exchange('01 0F 00 00 00 08 01 00 FE 95')).toBe('01 0F 00 00 00 08 54 0D');
    expect(board.isOn(1)).toBe(false);
  });

  it('says no to what it does not have', async () => {
    const { exchange, line } = bench({ inputs: 0 });
    line.misbehave({ kind: 'exception', code: 6 }, { functionCodes: [5] });
    expect(await exchange('01 05 00 00 FF 00 8C 3A')).toBe('01 85 06 C2 92');
    expect(await exchange('01 02 00 00 00 08 79 CC')).toBe('01 82 02 C1 61');
  });

  it('hears nothing of frames with a wrong checksum or for others', async () => {
    const { board, exchange } = bench();
    expect(await exchange('01 05 00 00 FF 00 8C 3B')).toBe('');
    expect(await exchange('02 05 00 00 FF 00 8C 09')).toBe('');
    expect(board.changes).toEqual([]);
  });
});
