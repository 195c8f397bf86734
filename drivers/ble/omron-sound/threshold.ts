import { type BleLink, type CommandContext, GatewayError } from '../../../src/contract/index.ts';
import { underSignals } from '../../../src/driver-kit/join-signals.ts';
import { LIMIT_RANGE, paths, SETTING_SERVICE } from './catalogue.ts';
import { OmronFrameError, readSoundSettings, withUpperLimit } from './codec.ts';

/**
 * Writes the sensor's one upper limit, or switches it off, and reads it back.
 * @throws GatewayError `device_rejected` for a limit the sensor does not take, `state_not_reached` when it holds another
 * afterwards, and what the link throws
 */
export async function writeLimit(
  link: BleLink,
  deviceName: string,
  ctx: CommandContext,
  limit: number | undefined,
  closing: AbortSignal,
): Promise<void> {
  if (limit !== undefined && (limit < LIMIT_RANGE.lowest || limit > LIMIT_RANGE.highest))
    throw new GatewayError(
      'device_rejected',
      `${deviceName} takes limits from ${LIMIT_RANGE.lowest} to ${LIMIT_RANGE.highest} dB. Choose one of these.`,
      { delivery: 'not_sent' },
    );
  await underSignals([ctx.signal, closing], async (signal) => {
    const session = { priority: 'code', signal, by: ctx.sendBy, services: [SETTING_SERVICE] } as const;
    await link.session(session, async (gatt) => {
      const before = await gatt.read(paths.soundSettings);
      const wanted = understood(deviceName, () => withUpperLimit(before, limit));
      if (!wanted.equals(before)) await gatt.command(await ctx.pointOfNoReturn(), paths.soundSettings, wanted);
      const after = await gatt.read(paths.soundSettings);
      const { upperLimitEnabled, upperLimit } = understood(deviceName, () => readSoundSettings(after));
      const holds = limit === undefined ? !upperLimitEnabled : upperLimitEnabled && upperLimit === limit;
      if (!holds)
        throw new GatewayError(
          'state_not_reached',
          `${deviceName} was given a noise limit and holds another. Try again.`,
        );
    });
  });
}

/** @throws GatewayError `misconfigured` for bytes that are no such sensor's */
export function understood<T>(deviceName: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof OmronFrameError)) throw cause;
    throw new GatewayError(
      'misconfigured',
      `${deviceName} answered with ${cause.message}: it is no OMRON 2JCIE-BL01. Check its address.`,
      { cause },
    );
  }
}
