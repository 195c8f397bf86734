/** Names of fields whose text is a secret itself, and not the name of a file or of another thing. */
const secretName = /(^|_)(password|passphrase|secret|token|pin|psk|(api|security|network|shared|private)_?key|code)$/i;

/**
 * A configuration to be shown. Secrets belong into files of their own, and stand in none of ours; what a driver from
 * outside takes as one, by its name, is hidden, and so is what stands before the `@` of an address.
 */
export function hideSecrets(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => hideSecrets(one, name));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, hideSecrets(one, key)]));
  if (value === undefined || value === null || typeof value === 'boolean') return value;
  if (secretName.test(name)) return '***';
  return typeof value === 'string' ? value.replace(/^([a-z][a-z\d+.-]*:\/\/)[^/@]*@/i, '$1***@') : value;
}
