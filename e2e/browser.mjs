// Drives headless Chromium for the tests: a line of JSON in, {"do": …, …}, is one command, a line
// of JSON out its result, {"ok": …} or {"error": …}. It ends with its input.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// The tests run as root in containers, where Chromium's sandbox cannot be set up; and /dev/shm is small there.
const browser = await chromium.launch({
  executablePath: process.argv[2], chromiumSandbox: false, args: ["--disable-dev-shm-usage", "--disable-gpu"],
});
const pages = [];

const commands = {
  // open loads a page in a window of its own and answers its number.
  async open({ url, width, height, scheme }) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, locale: "en-GB", timezoneId: "UTC" });
    const page = await context.newPage();
    const seen = { page, complaints: [], requests: [] };
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) seen.complaints.push(message.text());
    });
    page.on("pageerror", (error) => seen.complaints.push(String(error)));
    page.on("request", (request) => seen.requests.push(request.url()));
    await page.goto(url);
    return pages.push(seen) - 1;
  },
  // text answers what a person reads there; an element that is hidden has none.
  async text({ page, selector }) {
    const found = pages[page].page.locator(selector);
    return (await found.isVisible()) ? found.innerText() : "";
  },
  // width is how wide the page is, which is more than the window where it scrolls sideways.
  async width({ page }) {
    return pages[page].page.evaluate(() => document.documentElement.scrollWidth);
  },
  // ground is the colour behind the text, as rgb(r, g, b).
  async ground({ page }) {
    return pages[page].page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  },
  // violations are those of the rules of accessibility, as far as a machine can tell.
  async violations({ page }) {
    await pages[page].page.evaluate(axe);
    const { violations } = await pages[page].page.evaluate(() => window.axe.run());
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(" ")}`);
  },
  async screenshot({ page, path, whole }) {
    await pages[page].page.screenshot({ path, fullPage: whole });
  },
  // complaints are the errors and warnings of the browser's console, requests all addresses asked.
  async complaints({ page }) { return pages[page].complaints; },
  async requests({ page }) { return pages[page].requests; },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    console.log(JSON.stringify({ ok: (await commands[command.do](command)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
await browser.close();
