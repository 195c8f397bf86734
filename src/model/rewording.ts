/** Takes somebody's name out of what applications and people wrote. */
export interface Rewording {
  /** A text without the name. */
  readonly text: (text: string) => string;
  /** A key that an application chose: the same, or one that says nothing and is as unique. */
  readonly key: (key: string) => string;
  /** Pairs that an application made up: names and values. */
  readonly pairs: <Value>(pairs: Readonly<Record<string, Value>>) => Record<string, Value>;
}
