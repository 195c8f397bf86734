import type { BrokerAddress } from './broker-address.ts';

/** Why a connection is not there: a short word for monitoring and a sentence for a person. Never a broker's text. */
export interface Down {
  readonly reason: string;
  readonly hint: string;
}

/** A connection that could not be made or was lost. */
export class BrokerFailure extends Error implements Down {
  override readonly name = 'BrokerFailure';
  readonly reason: string;
  readonly hint: string;
  /** The broker speaks an older MQTT than was tried. */
  readonly versionRefused: boolean;

  constructor(down: Down, versionRefused = false) {
    super(`${down.reason}: ${down.hint}`);
    this.reason = down.reason;
    this.hint = down.hint;
    this.versionRefused = versionRefused;
  }
}

/** Where a failure happened: for the hints. */
export interface BrokerIdentity {
  /** The broker's name in configuration. */
  readonly name: string;
  readonly address: BrokerAddress;
  readonly username?: string | undefined;
}

/** The error of a socket or of TLS, by its code (errno, Node.js, OpenSSL's X509 verification). */
export function socketFailure(error: unknown, { name, address }: BrokerIdentity): BrokerFailure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const at = address.shown;
  const down = (reason: string, hint: string) => new BrokerFailure({ reason, hint });
  switch (code) {
    case 'ECONNREFUSED':
      return down('broker_unreachable', `Nothing listens at ${at}. Start the broker, or correct mqtt.${name}.url.`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return down('host_not_found', `The name ${address.host} is not known. Check DNS, or correct mqtt.${name}.url.`);
    case 'ETIMEDOUT':
      return down('broker_unreachable', `${at} does not answer. Check the network, the firewall and mqtt.${name}.url.`);
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ENETDOWN':
      return down('network_unreachable', `There is no way to ${at} (${code}). Check this machine's network.`);
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ECONNABORTED':
      return down('connection_lost', `The connection to ${at} broke (${code}). The broker's log may say why.`);
  }
  if (address.tls && tlsCode(code)) return down('tls_failed', tlsHint(code, name, at));
  return down('connection_failed', `Connecting to ${at} failed (${code}).`);
}

const tlsCode = (code: string) => /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|EPROTO|.*CERT|.*ISSUER|.*SIGNATURE)/.test(code);

function tlsHint(code: string, name: string, at: string): string {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return `The certificate of ${at} is not valid today (${code}). Renew it, and check this machine’s date.`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `The certificate of ${at} was made for another name. Use the name it holds in mqtt.${name}.url.`;
    case 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED':
    case 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE':
    case 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE':
    case 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN':
    case 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA':
      return `${at} wants another certificate from the gateway (${code}). Check mqtt.${name}.cert_file and key_file.`;
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return `${at} does not speak TLS. Use its TLS port, or mqtt:// in mqtt.${name}.url.`;
  }
  if (/CERT|ISSUER|SIGNATURE/.test(code))
    return `The certificate of ${at} cannot be trusted (${code}). Put the authority that signed it into mqtt.${name}.ca_file.`;
  return `TLS with ${at} failed (${code}). The broker’s log says why.`;
}

/** A refused CONNECT, by the code of CONNACK (MQTT 3.1.1, table 3.1; MQTT 5, section 3.2.2.2). */
export function connackFailure(code: number, place: BrokerIdentity): BrokerFailure {
  const { name, username, address } = place;
  const who = username === undefined ? 'an anonymous client' : `user ${username}`;
  switch (code) {
    case 0x01:
    case 0x84:
      return new BrokerFailure(
        { reason: 'version_refused', hint: `${address.shown} speaks neither MQTT 5 nor MQTT 3.1.1.` },
        true,
      );
    case 0x04:
    case 0x05:
    case 0x86:
    case 0x87:
      return new BrokerFailure({
        reason: 'credentials_refused',
        hint: `${address.shown} refuses ${who}. Check mqtt.${name}.username and the content of password_file.`,
      });
    case 0x02:
    case 0x85:
      return new BrokerFailure({
        reason: 'client_id_refused',
        hint: `${address.shown} refuses the gateway's client id. The broker's log says which ids it accepts.`,
      });
    default:
      return new BrokerFailure({
        reason: 'refused',
        hint: `${address.shown} refuses the connection (CONNACK ${code}). The broker's log says why.`,
      });
  }
}

/** A connection the broker ended, by the code of its DISCONNECT (MQTT 5, section 3.14.2.1). */
export function disconnectFailure(code: number, { address }: BrokerIdentity): BrokerFailure {
  if (code === 0x8e)
    return new BrokerFailure({
      reason: 'session_taken_over',
      hint: `Another client uses the gateway's client id at ${address.shown}. Give each gateway its own gateway.id.`,
    });
  if (code === 0x8b)
    return new BrokerFailure({ reason: 'broker_stopped', hint: `${address.shown} is shutting down. Start it again.` });
  return new BrokerFailure({
    reason: 'disconnected',
    hint: `${address.shown} ended the connection (DISCONNECT ${code}). The broker's log says why.`,
  });
}

/** mosquitto 2.0 closes the older of two clients with one id without a word. */
export const connectionClosed = ({ address }: BrokerIdentity) =>
  new BrokerFailure({
    reason: 'connection_lost',
    hint:
      `${address.shown} closed the connection. Check that it runs; if this comes back every few seconds, ` +
      'another client uses the gateway’s client id.',
  });

/** A broker that takes the connection and drops it before CONNACK, as a port does on which something else is spoken. */
export const closedWhileConnecting = ({ address, name }: BrokerIdentity) =>
  new BrokerFailure({
    reason: 'connection_lost',
    hint:
      `${address.shown} closed the connection before it answered. If that port is ` +
      `${address.tls ? 'without TLS, write mqtt://' : 'for TLS, write mqtts://'} in mqtt.${name}.url; ` +
      'else the broker’s log says why.',
  });

export const connectTimedOut = ({ address, name }: BrokerIdentity, ms: number) =>
  new BrokerFailure({
    reason: 'broker_unreachable',
    hint: `${address.shown} did not answer within ${ms / 1_000} s. Check the network and mqtt.${name}.url.`,
  });

export const notAnswering = ({ address }: BrokerIdentity, what: string) =>
  new BrokerFailure({ reason: 'not_answering', hint: `${address.shown} left ${what} unanswered. Check the network.` });

export const heldUp = ({ address }: BrokerIdentity) =>
  new BrokerFailure({
    reason: 'held_up',
    hint: `The gateway was held up until it was too late to send to ${address.shown}. Look at what else loads this machine.`,
  });
