import type { CodeTarget } from '../access-codes/code-generator.ts';
import { GatewayError, type Secret } from '../contract/index.ts';
import type { AccessGrantRecord } from '../model/grant-records.ts';
import type { CodesForGrants, ProvisioningOptions } from './provisioning-options.ts';

/** A door that is to be given a code, with its lock's rules. */
export interface GrantDoor {
  readonly deviceId: string;
  readonly target: CodeTarget;
}

type Group =
  | { readonly places: readonly GrantDoor[]; readonly digits: Secret; readonly error?: never }
  | { readonly places: readonly GrantDoor[]; readonly digits?: never; readonly error: unknown };

/**
 * The doors that can share one PIN together, each with it. Digits that were asked for come first; where some doors take
 * them, those that do not are given others.
 *
 * @param isFirst no door of the request has a PIN yet: digits that no door takes at all are an error then
 */
export function groupsOf(
  options: ProvisioningOptions,
  grant: AccessGrantRecord,
  request: number,
  places: readonly GrantDoor[],
  isFirst: boolean,
): Group[] {
  const { codes } = options;
  const asked = requestedDigits(options, grant, request);
  const takes = ({ target }: GrantDoor) => asked !== undefined && !failureOf(() => codes.assertTakes(target, asked));
  const willing = places.filter(takes);
  if (asked && isFirst && willing.length === 0) {
    return places.map((place) => {
      return { places: [place], error: failureOf(() => codes.assertTakes(place.target, asked)) };
    });
  }
  const groups: Group[] = asked && willing.length > 0 ? [{ places: willing, digits: asked }] : [];
  const shared: { places: GrantDoor[]; digits: Secret }[] = [];
  for (const place of places) {
    if (willing.includes(place)) continue;
    const fits = shared.find((group) => {
      const all = [...group.places, place];
      const digits = chosen(codes, all);
      if (!digits.digits) return false;
      group.places = all;
      group.digits = digits.digits;
      return true;
    });
    if (fits) continue;
    const own = chosen(codes, [place]);
    if (own.digits) shared.push({ places: [place], digits: own.digits });
    else groups.push({ places: [place], error: own.error });
  }
  return [...groups, ...shared];
}

function chosen(
  codes: CodesForGrants,
  places: readonly GrantDoor[],
): { readonly digits: Secret } | { readonly digits?: never; readonly error: unknown } {
  try {
    return { digits: codes.choose(places.map(({ target }) => target)) };
  } catch (error) {
    if (error instanceof GatewayError) return { error };
    throw error;
  }
}

/** The digits that a request asks for. */
export function requestedDigits(
  { vault }: Pick<ProvisioningOptions, 'vault'>,
  { accessGrantId, requests }: AccessGrantRecord,
  request: number,
): Secret | undefined {
  const sealed = requests[request]?.sealedCode;
  if (!sealed) return undefined;
  try {
    return vault.open(sealed, { accessGrantId });
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

function failureOf(check: () => void): GatewayError | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
}
