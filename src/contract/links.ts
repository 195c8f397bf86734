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
   * Called by the link, synchronously, immediately before the first byte that can act is handed to the operating
   * system. A command that goes out in several packets is one command.
   *
   * @throws GatewayError `expired`, `superseded` or the abort's own error, delivery `not_sent`, when the moment has
   * passed or the permit was spent before. The link must then send nothing.
   */
  spend(): void;
}

/** A message as it came from the broker. */
export interface MqttMessage {
  readonly topic: string;
  readonly payload: Buffer;
  /** True when the broker kept it from before the subscription: it tells of the past. */
  readonly retained: boolean;
}

/** A device's place on an MQTT broker. The link never logs payloads: they may carry PINs. */
export interface MqttLink extends Link {
  readonly kind: 'mqtt';
  /**
   * Listens to a topic filter for as long as the link lives, over reconnects. The listener is attached before the
   * SUBSCRIBE leaves, since a retained message may come with its acknowledgement.
   */
  subscribe(filter: string, listener: (message: MqttMessage) => void): Unsubscribe;
  /**
   * Publishes a message that cannot act: a read. Never retained, never queued while the link is down.
   * @throws GatewayError `link_unavailable` (`not_sent`)
   */
  query(topic: string, payload: string, signal: AbortSignal): Promise<void>;
  /**
   * Publishes a command that can act, QoS 1, never retained, never queued while the link is down, and never sent
   * again by the client below. Resolves when the broker has it.
   *
   * @throws GatewayError `link_unavailable` (`not_sent`) when nothing left or nobody is subscribed to the topic;
   * `outcome_unknown` (`maybe_sent`) when the broker did not acknowledge in time: the caller may still observe.
   */
  command(permit: SendPermit, topic: string, payload: string, signal: AbortSignal): Promise<void>;
}

/** Every kind of link a driver can ask for. */
export interface LinkKinds {
  readonly mqtt: MqttLink;
}

export type LinkKind = keyof LinkKinds;
