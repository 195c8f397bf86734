import { writeFileSync } from 'node:fs';
import { drivers } from '../drivers/index.ts';
import { configSchemaText } from '../src/cli/gateway-commands.ts';
import { simulators } from '../src/simulation/index.ts';

const file = new URL('../config/gateway.schema.json', import.meta.url);
writeFileSync(file, await configSchemaText({ drivers, simulators }));
