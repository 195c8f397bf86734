/** RFC 8446, section 5.1: type, version, length. */
const RECORD_HEADER_LENGTH = 5;
const HANDSHAKE_RECORD = 22;
/** Section 4: type, length. */
const MESSAGE_HEADER_LENGTH = 4;
const CLIENT_HELLO = 1;

/**
 * Whether TLS can be begun with what a client said first: its ClientHello is there to the last byte, in however many records,
 * so that what it costs to answer it comes when it is begun; or it is none, which costs nothing to refuse.
 */
export function isWholeHello(heard: Buffer): boolean {
  const header: number[] = [];
  /** Bytes of the message that are there, its header included. */
  let message = 0;
  for (let at = 0; at < heard.length; ) {
    if (heard[at] !== HANDSHAKE_RECORD) return true;
    const from = at + RECORD_HEADER_LENGTH;
    if (heard.length < from) return false;
    const end = from + heard.readUInt16BE(at + 3);
    header.push(...heard.subarray(from, Math.min(end, from + MESSAGE_HEADER_LENGTH - header.length)));
    if (header.length > 0 && header[0] !== CLIENT_HELLO) return true;
    message += Math.min(end, heard.length) - from;
    const [, high = 0, middle = 0, low = 0] = header;
    const length = MESSAGE_HEADER_LENGTH + high * 65_536 + middle * 256 + low;
    if (header.length === MESSAGE_HEADER_LENGTH && message >= length) return true;
    at = end;
  }
  return false;
}
