/** One delivery, ready to leave. */
export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The way out of the gateway. */
export interface WebhookSender {
  /**
   * Resolves with the answer's status, whatever it is; redirects are not followed.
   * @throws Error in plain words, without the URL: it may hold a secret
   */
  send(request: WebhookRequest, signal: AbortSignal): Promise<number>;
  /**
   * Looks at a URL before it is taken. A name that cannot be resolved now is taken: it is looked at again before each
   * delivery.
   * @throws GatewayError `invalid_input`
   */
  check(url: string): Promise<void>;
}
