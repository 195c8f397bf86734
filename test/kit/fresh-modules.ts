import { vi } from 'vitest';
import { globalRegistry } from 'zod';

/*
 * Files that share a process each have the modules of this tree to themselves, as if they did not: what a module keeps,
 * and the hooks that one registers as it is loaded, are the file's own. Only libraries stay loaded, and are told to
 * forget what those modules left with them.
 */
vi.resetModules();
globalRegistry.clear();
