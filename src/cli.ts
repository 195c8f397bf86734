#!/usr/bin/env node
import './require-node.mjs';

// Loaded only now: a Node.js that is too old would fail while it reads the rest, before it could say so.
await import('./cli/main.ts');
