/** Whether a device can be worked with, and if not, why. Impossible pairs do not compile. */
export type Health =
  | { readonly status: 'online' }
  | {
      readonly status: 'offline';
      readonly reason: 'link_down' | 'bridge_down' | 'out_of_range' | 'not_answering' | 'device_gone';
      /** What a person can do about it, in a sentence. */
      readonly hint: string;
    }
  | { readonly status: 'not_ready'; readonly reason: 'opening' | 'interviewing' | 'asleep'; readonly hint: string }
  | {
      readonly status: 'misconfigured';
      readonly reason: 'key_refused' | 'wrong_settings' | 'unsupported_device' | 'missing_dependency';
      readonly hint: string;
    };
