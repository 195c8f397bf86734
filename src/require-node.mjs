/*
 * Imported first by every way into the program. An older Node.js would stop at syntax or modules that it does not have,
 * with words that help nobody. Nothing here is newer than Node.js 14, which knows no module that is loaded later.
 */
const needed = { major: 20, minor: 19 };
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < needed.major || (major === needed.major && minor < needed.minor)) {
  process.stderr.write(
    `Strikeplate needs Node.js ${needed.major}.${needed.minor} or newer, and ${process.execPath} is ` +
      `${process.versions.node}. Install Node.js 24 (https://nodejs.org, or https://deb.nodesource.com for Debian), ` +
      'then repeat the command.\n',
  );
  // As for a configuration that cannot be used: a service manager need not try again.
  process.exit(3);
}
