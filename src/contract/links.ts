/** Calls off a subscription. Calling it again does nothing. */
export type Unsubscribe = () => void;

export type LinkState =
  | { readonly status: 'up' }
  /** `reason` is a short word for monitoring; `hint` tells a person what to look at. */
  | { readonly status: 'down'; readonly reason: string; readonly hint: string };

/** What every link has in common. A link is bound to one device's address by whoever made it. */
export interface Link {
  readonly state: LinkState;
  onStateChange(listener: (state: LinkState) => void): Unsubscribe;
}

/**
 * The right to send one command that can act, handed out by `pointOfNoReturn` after its intent was committed.
 * A driver passes it on to its link; only the link spends it.
 */
export interface SendPermit {
  /**
   * `Clock.now()` in milliseconds after which no byte of the command may leave. A link that hands bytes to something
   * that may hold them back (a socket's send buffer) calls them off by then.
   */
  readonly sendBy: number;
  /**
   * Called by the link, synchronously, immediately before the first byte that can act is handed to the operating
   * system. A command that goes out in several packets is one command.
   *
   * @throws GatewayError `expired`, `superseded` or the abort's own error, delivery `not_sent`, when the moment has
   * passed or the permit was spent before. The link must then send nothing.
   */
  spend(): void;
  /**
   * Called by the link, after `spend`, only when it is certain that nothing left or that nobody received it (for MQTT:
   * reason code 16, nobody is subscribed). Without it, a failure after `spend` counts as `maybe_sent` whatever its
   * error says.
   */
  withdraw(): void;
}

/** A message as it came from the broker. */
export interface MqttMessage {
  readonly topic: string;
  readonly payload: Buffer;
  /** True when the broker kept it from before the subscription: it tells of the past. */
  readonly retained: boolean;
}

export interface MqttSubscribeOptions {
  /** Bytes of payload, 64 KiB unless told and 4 MiB at most. What is larger is not handed over, and told once. */
  readonly maxBytes?: number;
}

/** A device's place on an MQTT broker. The link never logs payloads: they may carry PINs. */
export interface MqttLink extends Link {
  readonly kind: 'mqtt';
  /**
   * Listens to a topic filter for as long as the link lives, over reconnects. The listener is attached before the
   * SUBSCRIBE leaves, since a retained message may come with its acknowledgement. Where more than some 20 messages a
   * second come for long, of each topic the newest is handed over, ten times a second, fifty times for the ten seconds
   * after a command, and before a command leaves.
   * @param filter or several, each as if it were listened to alone (since version 1.1 of the contract)
   */
  subscribe(
    filter: string | readonly string[],
    listener: (message: MqttMessage) => void,
    options?: MqttSubscribeOptions,
  ): Unsubscribe;
  /**
   * Names a topic, or a filter, on which this device takes commands, for as long as the link lives. A command that
   * somebody left retained there is carried out again whenever the device reconnects. So, now and on every connect,
   * before this link reports up, and once a minute while it is, such messages are looked for, cleared by an empty
   * retained message, and reported.
   */
  claimCommandTopic(filter: string): Unsubscribe;
  /**
   * Publishes a message that cannot act: a read. Never retained, never queued while the link is down.
   * @throws GatewayError `link_unavailable` (`not_sent`)
   */
  query(topic: string, payload: string, signal: AbortSignal): Promise<void>;
  /**
   * Publishes a command that can act, QoS 1, never retained, never queued while the link is down, and never sent
   * again by the client below. Resolves when the broker has it, with the moment (`Clock.now()`) at which its
   * acknowledgement was read: whoever awaits it is told later, when more may have been heard since.
   *
   * @throws GatewayError `link_unavailable` (`not_sent`) when nothing left or nobody is subscribed to the topic;
   * `outcome_unknown` (`maybe_sent`) when the broker did not acknowledge in time: the caller may still observe.
   */
  command(permit: SendPermit, topic: string, payload: string, signal: AbortSignal): Promise<number>;
}

/** What a scan of the bytes received so far came to. */
export type SerialScan<T> =
  | { readonly found: true; readonly value: T }
  /**
   * `saw` says in a few words what was there instead of the reply, undefined while there is nothing to tell. `corrupt`
   * when that was this request's own reply, damaged: it does not come again.
   */
  | { readonly found: false; readonly saw: string | undefined; readonly corrupt?: true };

/** One question on a serial line, and how its answer is told apart from everything else that may be heard there. */
export interface SerialRequest<T> {
  readonly bytes: Buffer;
  /**
   * The same for all requests to one unit whose replies can be taken for one another: where replies carry no number,
   * a late one answers an earlier question.
   */
  readonly replyKind: string;
  /**
   * Looks for the reply in everything received since the request left, called again as bytes arrive. It must find
   * the reply behind leading noise and take nothing but the reply: not another unit's, not a damaged one.
   */
  scan(received: Buffer): SerialScan<T>;
  /** How long the device may take to begin its answer, in milliseconds after the last byte left. */
  readonly replyTimeoutMs: number;
}

export interface SerialQueryOptions {
  /** Doors go before polls, in the order of their arrival each. */
  readonly priority: 'door' | 'poll';
  /**
   * `Clock.now()`: the reply to an equal request that left since then, and was lost when the port was, will do in the
   * place of this one's. What it shows is then so since that time, and perhaps not later.
   */
  readonly since?: number;
  readonly signal: AbortSignal;
}

/**
 * A device's place on a serial line that it shares with others: one exchange at a time, door commands before polls,
 * silence between frames. The link owns time and echo on the line, the driver its protocol.
 */
export interface SerialLink extends Link {
  readonly kind: 'serial';
  /** The device's address on the line, as configured. */
  readonly unit: number;
  /**
   * Sends a request that cannot act and resolves with its reply. While the reply to an earlier request of the same
   * `replyKind` may still come, it waits: other units and other requests go first.
   * @throws GatewayError `link_unavailable` when the port is closed, `device_offline` when no usable reply came;
   * both `not_sent`. The signal's reason when it aborted before the request left or while the reply was awaited.
   */
  query<T>(request: SerialRequest<T>, options: SerialQueryOptions): Promise<T>;
  /**
   * Sends a request that can act, once, before all waiting polls, and resolves with its reply. One that may be the
   * reply to an earlier request is not believed.
   * @throws GatewayError `link_unavailable`, `device_not_ready` or what the permit says (`not_sent`) when nothing
   * left; `outcome_unknown` (`maybe_sent`) when no usable reply came: the caller may still observe.
   */
  command<T>(permit: SendPermit, request: SerialRequest<T>, signal: AbortSignal): Promise<T>;
  /**
   * Sends a write that does nothing but return an actuator to its secured rest, without an attempt: for a release
   * that was found switched on and that no attempt accounts for. The link logs each use with the reason.
   * @throws as `command`
   */
  restore<T>(request: SerialRequest<T>, reason: string, signal: AbortSignal): Promise<T>;
}

/** What an advertising device sends to everybody. */
export interface BleAdvertisement {
  readonly address: string;
  readonly addressType: 'public' | 'random';
  /** dBm, as received. */
  readonly rssi: number;
  readonly localName: string | undefined;
  /** As on the air: the two bytes of the company identifier first, least significant first. */
  readonly manufacturerData: Buffer | undefined;
  readonly serviceUuids: readonly string[];
  readonly serviceData: readonly { readonly uuid: string; readonly data: Buffer }[];
}

/** A service and a characteristic in it. UUIDs are 4 or 32 lower-case hexadecimal digits. */
export interface GattPath {
  readonly service: string;
  readonly characteristic: string;
}

/**
 * One connection with a device, with its services discovered. One operation at a time; each has a deadline of the
 * link's own, after which the connection is ended, since an unanswered request blocks it.
 */
export interface GattSession {
  /** Aborts with the reason when the connection is lost, or the caller's own signal did. */
  readonly signal: AbortSignal;
  offers(path: GattPath): boolean;
  /** @throws GatewayError `device_offline` (`not_sent`) */
  read(path: GattPath): Promise<Buffer>;
  /**
   * Listens for indications or notifications, whichever the characteristic has, until the connection ends.
   * @throws GatewayError `device_offline` (`not_sent`)
   */
  subscribe(path: GattPath, listener: (value: Buffer) => void): Promise<void>;
  /**
   * Writes, with response, a value that cannot act.
   * @throws GatewayError `device_offline` (`not_sent`)
   */
  query(path: GattPath, value: Buffer): Promise<void>;
  /**
   * Writes, with response, a value that can act. It is called off by ending the connection when the device has not
   * confirmed it by the permit's `sendBy`, or within the time in which the radio itself gives a silent peer up.
   * @throws GatewayError what the permit says (`not_sent`), or `outcome_unknown` (`maybe_sent`)
   */
  command(permit: SendPermit, path: GattPath, value: Buffer): Promise<void>;
}

export interface BleSessionOptions {
  /** Who goes first where several wait for the adapter; within one class, in the order of arrival. */
  readonly priority: 'door' | 'code' | 'poll';
  readonly signal: AbortSignal;
  /** `Clock.now()` by which the connection must stand; later it is not worth having. */
  readonly by?: number;
  /** The services to discover; what the device lacks of them is left out. */
  readonly services: readonly string[];
}

/**
 * A Bluetooth LE device within reach of an adapter that it shares with others. Connections are made when they are
 * needed and ended afterwards; by default an adapter has one at a time.
 */
export interface BleLink extends Link {
  readonly kind: 'ble';
  readonly address: string;
  /**
   * Connects, runs `use`, disconnects. Nothing of the session works once `use` has settled.
   * @throws GatewayError `link_unavailable` while there is no adapter, `device_offline` when the device was not
   * reached, both `not_sent`; what `use` throws; the signal's reason
   */
  session<T>(options: BleSessionOptions, use: (gatt: GattSession) => Promise<T>): Promise<T>;
  /** Hears what the device advertises, every few seconds while the adapter has nothing better to do. */
  onAdvertisement(listener: (advertisement: BleAdvertisement) => void): Unsubscribe;
}

/** ATT result codes that a simulated peripheral answers with: Core Specification, Vol 3 Part F, section 3.4.1.1. */
export const attResult = { success: 0x00, invalidLength: 0x0d, unlikelyError: 0x0e } as const;

export interface GattSubscriber {
  /** The longest value one notification or indication can carry: the connection's MTU less 3. */
  readonly maxLength: number;
  /** Sends a value; indications wait for the confirmation of the one before. */
  push(value: Buffer): void;
}

/** UUIDs are written as 4 or 32 lower-case hexadecimal digits. */
export interface GattPeripheralCharacteristic {
  readonly uuid: string;
  readonly properties: readonly ('read' | 'write' | 'writeWithoutResponse' | 'notify' | 'indicate')[];
  /** Resolves with the ATT result code. What is pushed before it resolves arrives before the write's response. */
  write?(value: Buffer): Promise<number> | number;
  read?(): Buffer;
  /** A central listens from now on, or with `undefined` no more. */
  subscribed?(subscriber: GattSubscriber | undefined): void;
}

export interface GattPeripheralService {
  readonly uuid: string;
  readonly characteristics: readonly GattPeripheralCharacteristic[];
}

/** What a simulated device can ask of the radio that carries it. */
export interface PeripheralRadio {
  /** Call it when {@link GattPeripheral.advertising} has something new to say. */
  advertise(): void;
  /** Ends the connection. */
  disconnect(): void;
}

/** A Bluetooth LE device as its simulator describes it: advertising, services, one central at a time. */
export interface GattPeripheral {
  readonly services: readonly GattPeripheralService[];
  /** Advertising data and scan response, at most 31 bytes each. */
  advertising(): { readonly data: Buffer; readonly scanResponse: Buffer };
  /** Called once, before anything else. */
  powered(radio: PeripheralRadio): void;
  connected(): void;
  disconnected(): void;
}
