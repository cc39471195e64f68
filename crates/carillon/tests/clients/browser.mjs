// Chromium, headless, from CHROMIUM or /usr/bin/chromium: pages whose complaints are kept, and
// screenshots in CARILLON_SHOTS where that names a folder.

import { join } from 'node:path';
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** A browser for the tests of one suite; its profile is a new folder, gone with it. */
export function browser() {
  const chrome = new Chrome();
  before(() => chrome.start());
  after(() => chrome.stop());
  return chrome;
}

class Chrome {
  #browser;

  async start() {
    const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
    this.#browser = await chromium.launch({ executablePath, args: FLAGS });
  }

  async stop() {
    await this.#browser?.close();
  }

  /** A page at `url`, with `complaints`: what its console and its scripts called errors. */
  async visit(url, options = {}) {
    const page = await this.#browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
    page.setDefaultTimeout(20_000);
    page.complaints = [];
    page.on('console', (line) => line.type() === 'error' && page.complaints.push(line.text()));
    page.on('pageerror', (error) => page.complaints.push(String(error)));
    await page.goto(url);
    return page;
  }
}

export async function shoot(page, name) {
  const folder = process.env.CARILLON_SHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
