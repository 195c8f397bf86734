/*
 * The units' own reading of Modbus RTU, written from the specification a second time and bit by bit, so that a
 * mistake in the gateway's codec does not meet the same mistake here.
 */

/** A request as a unit reads it. `body` is what follows the function code, without the checksum. */
export interface HeardRequest {
  readonly unit: number;
  readonly functionCode: number;
  readonly body: Buffer;
}

function checksum(bytes: Buffer): Buffer {
  let register = 0xffff;
  for (const byte of bytes) {
    register ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      const carry = register % 2 === 1;
      register = Math.floor(register / 2);
      if (carry) register ^= 0b1010_0000_0000_0001;
    }
  }
  return Buffer.from([register % 256, Math.floor(register / 256)]);
}

/** The frame that holds these bytes. */
export function sealFrame(bytes: readonly number[]): Buffer {
  const body = Buffer.from(bytes);
  return Buffer.concat([body, checksum(body)]);
}

/** What a unit makes of the bytes between two silences; undefined when it would not answer them. */
export function heardRequest(bytes: Buffer): HeardRequest | undefined {
  const [unit, functionCode] = bytes;
  if (unit === undefined || functionCode === undefined || bytes.length < 4) return undefined;
  if (!checksum(bytes.subarray(0, -2)).equals(bytes.subarray(-2))) return undefined;
  return { unit, functionCode, body: bytes.subarray(2, -2) };
}
