import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';

// usage: node scripts/test-totals.mjs REPORT EXIT_CODE [REPORT EXIT_CODE]...
// Adds up vitest's JSON reports and closes with the line `N passed, N failed`.

const totals = { passed: 0, failed: 0, skipped: 0 };
const argument = process.argv.slice(2);
for (let i = 0; i < argument.length; i += 2) {
  const [file = '', exitCode] = [argument[i], Number(argument[i + 1])];
  let failed = 0;
  if (existsSync(file)) {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    totals.passed += report.numPassedTests;
    totals.skipped += report.numPendingTests + report.numTodoTests;
    failed += report.numFailedTests;
    // A file that does not load has no tests to count, and failed all the same.
    for (const { status, assertionResults } of report.testResults)
      if (status === 'failed' && !assertionResults.some((/** @type {any} */ test) => test.status === 'failed'))
        failed += 1;
  }
  // An unhandled error or a crash fails the run without failing a test.
  totals.failed += exitCode !== 0 && failed === 0 ? 1 : failed;
}
console.log(`${totals.skipped} skipped`);
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1;
