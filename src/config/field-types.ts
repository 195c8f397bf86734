import { isIP } from 'node:net';
import { z } from 'zod';

/** A short name used in paths, topics and on the command line. */
export const Slug = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$/,
    'must be made of lower-case letters, digits, "-" and "_", begin and end with a letter or digit, and have at most 64 characters',
  );

/** A name for people. */
export const DisplayName = z
  .string()
  .min(1, 'must not be empty')
  .max(100, 'must have at most 100 characters')
  .regex(/^\P{Cc}*$/u, 'must be one line without control characters')
  .regex(/^\S(?:.*\S)?$/u, 'must not begin or end with a space');

export const FilePath = z
  .string()
  .min(1, 'must not be empty')
  .regex(/^[^\0]*$/, 'must not hold a NUL character');

/** A serial port of this machine. */
export const TtyPath = z
  .string()
  .regex(/^\/[^\0\s]+$/, 'must be an absolute path such as /dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A10K-if00-port0');

/** A Bluetooth adapter of this machine's kernel: by its name, or by an address that stays when it is replugged. */
export const AdapterName = z
  .string()
  .regex(
    /^(?:hci\d{1,3}|[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5})$/,
    'must be a name such as hci0, or the address of an adapter such as "00:1A:7D:DA:71:13"',
  )
  .toLowerCase();

/** Of a Bluetooth LE device. */
export const BluetoothAddress = z
  .string()
  .regex(
    /^[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}$/,
    'must be a Bluetooth address such as "54:D2:72:11:22:33"; scan ble lists them',
  )
  .toLowerCase();

export const Port = z.int().min(0).max(65_535);

/** The zones that this Node.js knows: an IANA name, never an offset, since an offset has no summer time. */
export const TimeZone = z
  .string()
  .refine(isTimeZone, 'must be an IANA time zone such as Europe/Zurich or America/Argentina/Buenos_Aires');

function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** An address to listen on: an IP address, or a name of this machine. */
export const Host = z
  .string()
  .refine(
    (host) => isIP(host) !== 0 || /^(?!\d+(?:\.\d+)*$)[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(host),
    'must be an IP address or a host name, without a port',
  );

/** MQTT 5.0 section 4.7: a name to publish below, so no wildcards, and no empty level at either end. */
export const BaseTopic = z
  .string()
  .min(1, 'must not be empty')
  .max(200, 'must have at most 200 characters')
  .regex(/^[^+#\0]*$/, 'must not hold the wildcards + and #')
  .regex(/^[^/$](?:.*[^/])?$/, 'must not begin with "/" or "$" or end with "/"');

export const BrokerUrl = z.string().superRefine((text, check) => {
  const problem = brokerUrlProblem(text);
  if (problem !== undefined) check.addIssue({ code: 'custom', message: problem });
});

function brokerUrlProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return 'must be a URL such as mqtt://192.168.1.5:1883 or mqtts://broker.lan:8883';
  const url = new URL(text);
  if (url.protocol !== 'mqtt:' && url.protocol !== 'mqtts:') return 'must begin with mqtt:// or mqtts://';
  if (url.hostname === '') return 'must name the broker: mqtt://HOST:PORT';
  if (url.username !== '' || url.password !== '')
    return 'must not hold a user name or password; use username and password_file beside it';
  if ((url.pathname !== '' && url.pathname !== '/') || url.search !== '' || url.hash !== '')
    return 'must end after the port';
  return undefined;
}

const IPv4Network = z.cidrv4();
const IPv6Network = z.cidrv6();

/** A network by its address and the length of its prefix. */
export const Network = z
  .string()
  .refine(
    (text) => IPv4Network.safeParse(text).success || IPv6Network.safeParse(text).success,
    'must be a network such as 192.168.1.0/24 or fd00::/8',
  );
