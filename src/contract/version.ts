/**
 * The version of this contract. A driver carries the one that it was declared with. The major number changes when a
 * driver would have to be changed, the minor one when something was added that drivers may use.
 */
export const contractVersion = '1.1';

/**
 * Why a driver cannot be used by this gateway, as a sentence, or undefined when it can.
 * @param declared what the driver carries, whatever that is
 */
export function contractMismatch(declared: unknown): string | undefined {
  const parts = typeof declared === 'string' ? /^(\d+)\.(\d+)$/.exec(declared) : null;
  if (parts === null)
    return (
      `it does not say which version of the driver contract it was written for; this gateway has ${contractVersion}. ` +
      'Declare it with defineDriver of strikeplate/driver.'
    );
  const [ourMajor, ourMinor] = contractVersion.split('.').map(Number);
  if (Number(parts[1]) !== ourMajor)
    return (
      `it was written for version ${declared} of the driver contract, and this gateway has ${contractVersion}. Install ` +
      `a release of it for version ${ourMajor}.`
    );
  if (Number(parts[2]) > (ourMinor ?? 0))
    return (
      `it needs version ${declared} of the driver contract, and this gateway has ${contractVersion}. Install a newer ` +
      'release of the gateway, or an older one of the driver.'
    );
  return undefined;
}
