import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { peerProgram } from './peer-program.ts';

export const chromiumProgram = peerProgram('chromium', 'chromium');

/** Debian's Chromium without a window, and without anything that it would ask the internet for. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumProgram ?? 'chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

export interface Visit {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: 'light' | 'dark';
  readonly locale?: string;
}

/** A browser of its own, with what went wrong in it: errors of scripts, of the policy, and requests to other places. */
export async function visit(
  browser: Browser,
  url: string,
  { width = 1280, height = 800, scheme = 'light', locale = 'en-GB' }: Visit = {},
): Promise<{ page: Page; context: BrowserContext; trouble: string[] }> {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, locale });
  // What is not there by then never comes; a busy machine is no reason to fail.
  context.setDefaultTimeout(240_000);
  const page = await context.newPage();
  const trouble: string[] = [];
  page.on('pageerror', (error) => trouble.push(`script: ${error.message}`));
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) trouble.push(`policy: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:'))
      trouble.push(`elsewhere: ${request.url()}`);
  });
  await page.goto(url);
  return { page, context, trouble };
}

export async function signIn(page: Page, key: string): Promise<void> {
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Presses a button that asks to be pressed again. */
export async function pressTwice(within: Locator, name: string, again: string): Promise<void> {
  await within.getByRole('button', { name }).click();
  await within.getByRole('button', { name: again }).click();
}

/** Holds a button as a thumb does. */
export async function hold(page: Page, name: string, ms = 900): Promise<void> {
  const button = page.getByRole('button', { name, exact: true }).first();
  await button.scrollIntoViewIfNeeded();
  const box = await button.boundingBox();
  if (box === null) throw new Error(`There is no button "${name}" to be seen.`);
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.waitForTimeout(ms);
  await page.mouse.up();
}
