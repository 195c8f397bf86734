/** The driver of docs/writing-a-driver.md: its files as they are called there, and where they lie here. */
export const announcedSources = {
  'announcement.ts': 'drivers/mqtt/announced/announcement.ts',
  'driver.ts': 'drivers/mqtt/announced/driver.ts',
  'simulator.ts': 'drivers/mqtt/announced/simulator.ts',
  'suite.ts': 'test/kit/locks/announced-suite.ts',
  'contract.test.ts': 'drivers/mqtt/announced/contract.test.ts',
} as const;

/** A source of this tree as somebody outside writes it, with the names under which the package offers its parts. */
export const asOutside = (text: string): string =>
  text
    .replace(/'(?:\.\.\/)+src\/contract\/index\.ts'/g, "'strikeplate/driver'")
    .replace(/'(?:\.\.\/)+src\/(driver-kit|driver-testing)\/index\.ts'/g, "'strikeplate/$1'")
    .replace(/'(?:\.\.\/)+drivers\/mqtt\/announced\//g, "'./")
    .replace(/'(?:\.\.\/)+test\/kit\/(?:[a-z-]+\/)*announced-suite\.ts'/g, "'./suite.ts'");
