/*
 * Imported first. Libraries below print what they send when `DEBUG` names them, PINs and keys included: mqtt-packet
 * whole payloads, for example. What the gateway itself has to say is in its log, whose level is in the configuration.
 */
if (process.env.DEBUG !== undefined) {
  delete process.env.DEBUG;
  process.stderr.write('DEBUG is ignored: libraries would print PINs and keys. Use log.level in the configuration.\n');
}
