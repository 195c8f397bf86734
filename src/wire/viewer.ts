/** Whoever is shown something: `codes` says whether the digits of access codes are for its eyes. */
export interface Viewer {
  may(scope: 'codes'): boolean;
}
