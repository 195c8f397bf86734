import { GatewayError, sleep } from '../contract/index.ts';
import type { Gateway, Origin } from '../model/gateway.ts';

/** How long what is taken away is given to be gone, in milliseconds, and how often is looked. */
const GONE_MS = 20_000;
const LOOK_MS = 100;

/**
 * Takes away everything that applications made, each thing as an application would: grants with their codes, codes,
 * thresholds, people, spaces, and what was set for devices. Keys and webhooks stay: whoever reset it still follows it.
 * @throws GatewayError what a part of it throws; `still_in_use` when codes are not gone in time
 */
export async function emptyGateway(gateway: Omit<Gateway, 'sandbox'>, origin: Origin): Promise<void> {
  const { accessGrants, accessCodes, noise, userIdentities, spaces, devices, administration, clock } = gateway;
  for (const { deviceId, settings } of devices.list()) {
    if (settings.stopped) await administration.putIntoService(deviceId, origin);
    const customMetadata = Object.fromEntries(Object.keys(settings.customMetadata).map((key) => [key, null]));
    await administration.update(deviceId, { name: null, customMetadata, isManaged: true });
  }
  for (const { accessGrantId } of [...accessGrants.list()]) await accessGrants.delete(accessGrantId);
  for (const { accessCodeId, grant } of accessCodes.list())
    if (grant === undefined) await accessCodes.delete(accessCodeId, origin).catch(unlessGone);
  for (const { noiseThresholdId } of noise.list()) await noise.remove(noiseThresholdId, origin);
  for (const { accessCodeId } of accessCodes.unmanaged.list())
    await accessCodes.unmanaged.delete(accessCodeId, origin).catch(unlessGone);
  const until = clock.now() + GONE_MS;
  const isLeft = () =>
    [...accessGrants.list()].length + accessCodes.list().length + accessCodes.unmanaged.list().length > 0;
  while (isLeft()) {
    if (clock.now() >= until)
      throw new GatewayError(
        'still_in_use',
        'Not all codes are gone from the locks yet; the gateway goes on taking them away. Reset it again in a moment.',
      );
    await sleep(clock, LOOK_MS);
  }
  for (const { spaceId } of spaces.list()) await spaces.delete(spaceId);
  for (const { userIdentityId } of userIdentities.list()) await userIdentities.delete(userIdentityId);
}

function unlessGone(error: unknown): void {
  if (!(error instanceof GatewayError) || error.type !== 'access_code_not_found') throw error;
}
