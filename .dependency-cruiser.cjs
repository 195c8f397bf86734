/**
 * Who may import whom. scripts/borders.mjs runs this; test/house/borders.test.ts plants a violation of every rule.
 *
 * TypeScript 7 has no API that dependency-cruiser can use, so the parser is swc. It sees type-only imports as ordinary
 * ones: what may be imported as a type only is checked by scripts/borders.mjs.
 */
const tests = ['\\.test(-d)?\\.ts$', '^test/'];
const core = '^src/(attempts|devices|access-codes|access-grants|noise|events)/';
/** `simulator.ts`, or a `simulator/` of several files; `simulated-*` are parts that simulators share. */
const simulators = '^drivers/[^/]+/[^/]+/simulat(or|ed)';
const composition = ['^src/composition/', '^src/cli\\.ts$', '^src/cli/'];
const npm = (names) => `(^|/)node_modules/(${names})(/|$)`;
/** Builtins through which code reaches the world; a driver is given its link, its settings and its clock instead. */
const world =
  '^(node:)?(fs|fs/promises|net|tls|dgram|dns|dns/promises|http|https|http2|child_process|cluster|worker_threads|os|process|inspector|repl|readline|tty|vm|v8)$';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'contract-imports-nothing-of-ours',
      comment: 'A driver author imports the contract alone; it brings zod and the type of pino, nothing else.',
      severity: 'error',
      from: { path: '^src/contract/', pathNot: tests },
      to: { pathNot: ['^src/contract/', npm('zod|pino'), '^(node:)?util$'] },
    },
    {
      name: 'model-stands-on-the-contract-alone',
      comment: 'What the core and everyone around it speak of: shapes that know nobody who uses them.',
      severity: 'error',
      from: { path: '^src/model/', pathNot: tests },
      to: { pathNot: ['^src/contract/', '^src/model/'] },
    },
    {
      name: 'driver-kit-stands-on-the-contract-alone',
      comment: 'What drivers and transports share: it knows no product, no medium and no core.',
      severity: 'error',
      from: { path: '^src/driver-kit/', pathNot: tests },
      to: { pathNot: ['^src/contract/', '^src/driver-kit/', npm('zod|pino')] },
    },
    {
      name: 'driver-testing-stands-on-the-contract',
      comment:
        'A driver author holds a driver against the contract without the gateway: the suites know the contract, the ' +
        'model’s defaults and no core, transport or driver.',
      severity: 'error',
      from: { path: '^src/driver-testing/', pathNot: tests },
      to: { pathNot: ['^src/(contract|model|driver-testing)/', npm('vitest|pino')] },
    },
    {
      name: 'nothing-imports-driver-testing',
      comment: 'The suites ship for driver authors; nothing that runs beside a door needs them.',
      severity: 'error',
      from: { path: '^(src|drivers)/', pathNot: [...tests, '^src/driver-testing/'] },
      to: { path: '^src/driver-testing/' },
    },
    {
      name: 'vitest-only-in-driver-testing',
      comment: 'An optional peer that the suites alone need.',
      severity: 'error',
      from: { path: '^(src|drivers)/', pathNot: [...tests, '^src/driver-testing/'] },
      to: { path: npm('vitest|@vitest/[^/]+') },
    },
    {
      name: 'driver-imports-contract-and-its-own-folder',
      comment: 'A driver knows the contract, the kit and itself: no other product, no transport, no core.',
      severity: 'error',
      from: { path: '^drivers/([^/]+)/([^/]+)/', pathNot: [...tests, '^drivers/serial/modbus-'] },
      to: {
        pathNot: ['^src/(contract|driver-kit)/', '^drivers/$1/$2/', npm('zod|tweetnacl|zwave-js|@zwave-js/[^/]+')],
        dependencyTypesNot: ['core'],
      },
    },
    {
      name: 'modbus-driver-imports-its-family',
      comment: 'As every driver, and the codec that the Modbus drivers share in drivers/serial/modbus.',
      severity: 'error',
      from: { path: '^drivers/serial/(modbus-[^/]+)/', pathNot: tests },
      to: {
        pathNot: ['^src/(contract|driver-kit)/', '^drivers/serial/$1/', '^drivers/serial/modbus/', npm('zod')],
        dependencyTypesNot: ['core'],
      },
    },
    {
      name: 'driver-opens-nothing-itself',
      comment: 'A driver is given a link that is bound to its address; it opens no file, socket, port or process.',
      severity: 'error',
      from: { path: '^drivers/', pathNot: tests },
      to: { path: world, dependencyTypes: ['core'] },
    },
    {
      name: 'driver-index-loads-lazily',
      comment: 'drivers/index.ts loads a driver with import() when a device asks for it, and knows nothing else.',
      severity: 'error',
      from: { path: '^drivers/index\\.ts$' },
      to: { path: '^drivers/', dynamic: false },
    },
    {
      name: 'driver-index-knows-drivers-alone',
      comment: 'drivers/index.ts maps an id to a driver; it may name the types of the contract.',
      severity: 'error',
      from: { path: '^drivers/[^/]+\\.ts$', pathNot: tests },
      to: { pathNot: ['^drivers/', '^src/contract/'] },
    },
    {
      name: 'only-composition-knows-drivers',
      comment:
        'The core sees devices through the contract. The composition and cli load drivers/index.ts; the demo simulators.',
      severity: 'error',
      from: { path: '^src/', pathNot: [...tests, ...composition, '^src/simulation/'] },
      to: { path: '^drivers/' },
    },
    {
      name: 'simulation-uses-simulators-alone',
      comment: 'The simulated building plays the devices. It never borrows the code that talks to them.',
      severity: 'error',
      from: { path: '^src/simulation/', pathNot: tests },
      to: { path: '^drivers/', pathNot: simulators },
    },
    {
      name: 'mqtt-only-in-its-transport',
      comment: 'One folder knows the MQTT libraries.',
      severity: 'error',
      from: { path: '^(src|drivers)/', pathNot: [...tests, '^src/transports/mqtt/', '^src/simulation/'] },
      to: { path: npm('mqtt|mqtt-packet|mqtt-connection|aedes|aedes-[^/]+') },
    },
    {
      name: 'serialport-only-in-its-transport',
      comment: 'One folder knows serialport.',
      severity: 'error',
      from: { path: '^(src|drivers)/', pathNot: [...tests, '^src/transports/serial/'] },
      to: { path: npm('serialport|@serialport/[^/]+') },
    },
    {
      name: 'noble-only-in-its-transport',
      comment: 'One folder knows the Bluetooth stack. bleno plays a peripheral: simulation and tests alone.',
      severity: 'error',
      from: { path: '^(src|drivers)/', pathNot: [...tests, '^src/transports/ble/'] },
      to: { path: npm('@stoprocent/(noble|bluetooth-hci-socket)|@jellybrick/dbus-next') },
    },
    {
      name: 'bleno-only-in-simulation',
      comment: 'bleno plays a Bluetooth peripheral: the simulation and tests alone.',
      severity: 'error',
      from: { path: '^(src|drivers)/', pathNot: [...tests, '^src/simulation/'] },
      to: { path: npm('@stoprocent/bleno') },
    },
    {
      name: 'zwave-js-only-in-its-transport',
      comment: 'One folder knows zwave-js; the simulated network is made of the nodes that it ships for tests.',
      severity: 'error',
      from: {
        path: '^(src|drivers)/',
        pathNot: [...tests, '^src/transports/zwave/', '^drivers/zwave/node/simulat(or|ed)'],
      },
      to: { path: npm('zwave-js|@zwave-js/[^/]+') },
    },
    {
      name: 'transport-implements-the-contract',
      comment: 'A transport implements the links of the contract and knows neither the core nor another transport.',
      severity: 'error',
      from: { path: '^src/transports/([^/]+)/', pathNot: tests },
      to: {
        path: '^src/',
        pathNot: ['^src/(contract|driver-kit)/', '^src/transports/$1/', '^src/transports/[^/]+\\.ts$'],
      },
    },
    {
      name: 'core-is-given-what-it-needs',
      comment: 'attempts, devices, access-codes, noise and events receive store, clock and log as arguments.',
      severity: 'error',
      from: { path: core, pathNot: tests },
      to: { path: '^src/', pathNot: ['^src/(contract|model)/', core] },
    },
    {
      name: 'core-imports-downwards',
      comment: 'access-codes and noise stand on attempts, attempts on devices; events stand beside them.',
      severity: 'error',
      from: { path: '^src/(devices|events)/', pathNot: tests },
      to: { path: core, pathNot: '^src/$1/' },
    },
    {
      name: 'attempts-know-no-subject',
      comment: 'An attempt is carried through alike, whatever it is about.',
      severity: 'error',
      from: { path: '^src/attempts/', pathNot: tests },
      to: { path: '^src/(access-codes|access-grants|noise)/' },
    },
    {
      name: 'codes-know-no-grants',
      comment: 'Grants stand on codes: a code is brought about alike, whoever wants it.',
      severity: 'error',
      from: { path: '^src/access-codes/', pathNot: tests },
      to: { path: '^src/access-grants/' },
    },
    {
      name: 'grants-stand-on-codes',
      comment: 'Grants bring codes about and know nothing of noise.',
      severity: 'error',
      from: { path: '^src/access-grants/', pathNot: tests },
      to: { path: '^src/(noise|events)/' },
    },
    {
      name: 'codes-and-noise-are-strangers',
      comment: 'Two subjects of the core that share nothing.',
      severity: 'error',
      from: { path: '^src/(access-codes|noise)/', pathNot: tests },
      to: { path: '^src/(access-codes|access-grants|noise)/', pathNot: ['^src/$1/', '^src/access-grants/'] },
    },
    {
      name: 'core-uses-few-libraries',
      comment:
        'The core is logic: xstate for the machine, zod for shapes, uuid for ids. Everything else arrives as an ' +
        'argument; pino by its types alone.',
      severity: 'error',
      from: { path: core, pathNot: tests },
      to: {
        path: '(^|/)node_modules/',
        pathNot: npm('xstate|zod|uuid|pino'),
      },
    },
    {
      name: 'core-opens-nothing-itself',
      comment: 'The core reaches the world through the ports it is given.',
      severity: 'error',
      from: { path: core, pathNot: tests },
      to: { path: world, dependencyTypes: ['core'] },
    },
    {
      name: 'store-and-clock-stand-alone',
      comment: 'Records and time know nothing of what uses them.',
      severity: 'error',
      from: { path: '^src/(store|clock)/', pathNot: tests },
      to: { path: '^src/', pathNot: ['^src/(contract|model)/', '^src/(store|clock)/'] },
    },
    {
      name: 'device-events-look-on',
      comment: 'They put what the core did into events: they see the core, and nothing that is around it.',
      severity: 'error',
      from: { path: '^src/device-events/', pathNot: tests },
      to: { path: '^src/', pathNot: ['^src/(contract|model|device-events)/', core] },
    },
    {
      name: 'webhooks-know-records-alone',
      comment: 'They send what is on disk; how it is sent and put into words is given to them.',
      severity: 'error',
      from: { path: '^src/webhooks/', pathNot: tests },
      to: { path: '^src/', pathNot: '^src/(contract|model|webhooks)/' },
    },
    {
      name: 'nothing-imports-the-onlookers',
      comment: 'device-events and webhooks watch the core; only the composition starts them.',
      severity: 'error',
      from: { path: '^(src|drivers)/', pathNot: [...tests, ...composition, '^src/(device-events|webhooks)/'] },
      to: { path: '^src/(device-events|webhooks)/' },
    },
    {
      name: 'nothing-imports-http',
      comment: 'HTTP calls the core. Nothing calls HTTP but the composition and cli, which start it.',
      severity: 'error',
      from: { path: '^(src|drivers)/', pathNot: [...tests, ...composition, '^src/http/'] },
      to: { path: '^src/http/' },
    },
    {
      name: 'nothing-imports-monitor',
      comment: 'The monitor watches the core. Nothing calls it but the composition and cli, which start it.',
      severity: 'error',
      from: { path: '^(src|drivers)/', pathNot: [...tests, ...composition, '^src/monitor/'] },
      to: { path: '^src/monitor/' },
    },
    {
      name: 'http-and-monitor-know-no-hardware',
      comment: 'They see devices through the ports, never through a transport or the simulation.',
      severity: 'error',
      from: { path: '^src/(http|monitor)/', pathNot: tests },
      to: { path: '^src/(transports|simulation)/' },
    },
    {
      name: 'permission-knows-the-ports-alone',
      comment: 'What a key reaches is decided by the ports of the gateway: no route, no store and no core has a say.',
      severity: 'error',
      from: { path: '^src/permission/', pathNot: tests },
      to: { path: '^src/', pathNot: '^src/(contract|model|permission)/' },
    },
    {
      name: 'wire-maps-the-model',
      comment: 'What HTTP answers and the monitor tells are the same objects, made of records alone.',
      severity: 'error',
      from: { path: '^src/wire/', pathNot: tests },
      to: { path: '^src/', pathNot: '^src/(contract|model|wire)/' },
    },
    {
      name: 'nothing-imports-the-composition',
      comment: 'The composition and cli see everything, so nothing may see them.',
      severity: 'error',
      from: { path: '^(src|drivers)/', pathNot: [...tests, ...composition] },
      to: { path: composition },
    },
    {
      name: 'no-cycles',
      comment: 'Two modules that need each other are one, or miss a third. Cycles of types count.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'simulator-never-uses-its-driver',
      comment: 'A simulator that encodes with the code under test proves nothing. Catalogues of names may be shared.',
      severity: 'error',
      from: { path: simulators, pathNot: tests },
      to: {
        path: '^drivers/[^/]+/[^/]+/[^/]*(codec|connection|session|command|driver)[^/]*(\\.ts$|/)',
        reachable: true,
      },
    },
    {
      name: 'modbus-simulator-never-uses-the-codec',
      comment: 'The simulated line has a checksum and a parser of its own; the shared codec is what it tests.',
      severity: 'error',
      from: {
        path: ['^drivers/serial/modbus-[^/]+/simulat(or|ed)', '^drivers/serial/modbus/simulated'],
        pathNot: tests,
      },
      to: { path: '^drivers/serial/modbus/', pathNot: simulators, reachable: true },
    },
    {
      name: 'driver-never-uses-its-simulator',
      comment: 'Nothing in the core or a driver knows that a device is simulated.',
      severity: 'error',
      from: { path: '^drivers/', pathNot: [...tests, simulators] },
      to: { path: simulators },
    },
    {
      name: 'product-imports-no-test-code',
      comment: 'What ships never needs what tests it.',
      severity: 'error',
      from: { path: '^(src|drivers)/', pathNot: tests },
      to: { path: tests },
    },
    {
      name: 'product-imports-no-development-package',
      comment:
        '`npm ci --omit=dev` must leave all that the product needs. zwave-js, the D-Bus library and vitest are optional ' +
        'peers, each with a rule of its own.',
      severity: 'error',
      from: { path: '^(src|drivers)/', pathNot: tests },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        pathNot: npm('zwave-js|@zwave-js/[^/]+|@jellybrick/dbus-next|vitest|@types/[^/]+'),
      },
    },
    {
      name: 'every-import-resolves',
      comment: 'An import that leads nowhere is an import that no rule can judge.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    parser: 'swc',
    // The console is a browser's program, written in TSX, and stands alone: test/house/console.test.ts holds it to that.
    exclude: { path: '^src/console/' },
    doNotFollow: { path: '(^|/)node_modules/' },
    moduleSystems: ['es6', 'cjs'],
    // A checkout may link its node_modules: names of packages, not real paths, are what the rules speak of.
    preserveSymlinks: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.cjs', '.json'],
    },
    skipAnalysisNotInRules: true,
  },
};
