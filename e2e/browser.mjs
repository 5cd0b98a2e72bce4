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

// brokenWords runs in the page. A word is a run of letters and digits; a number has its points and commas.
function brokenWords() {
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    if (!node.parentElement.checkVisibility({ visibilityProperty: true }) || node.parentElement.closest("script, style")) continue;
    for (const word of node.data.matchAll(/\p{N}+(?:[.,:]\p{N}+)+|[\p{L}\p{N}]+/gu)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const lines = new Set([...range.getClientRects()].filter((rect) => rect.width > 0).map((rect) => Math.round(rect.bottom)));
      if (lines.size > 1) found.push(`${word[0]} in <${node.parentElement.localName} class="${node.parentElement.className}">`);
    }
  }
  return found;
}

// spilledElements runs in the page.
function spilledElements() {
  const found = [];
  const hidden = (element) => !element.checkVisibility() || element.closest("thead, .u-over, .u-under, svg") !== null;
  for (const element of document.body.querySelectorAll("*")) {
    if (hidden(element)) continue;
    const { left, right, width } = element.getBoundingClientRect();
    const spills = element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1;
    if (width > 0 && (spills || left < -0.5 || right > document.documentElement.clientWidth + 0.5)) {
      found.push(`<${element.localName} id="${element.id}" class="${element.className}"> ${element.textContent.slice(0, 60)}`);
    }
  }
  return found;
}

const commands = {
  // open loads a page in a window of its own and answers its number.
  async open({ url, width, height, scheme, locale = "en-GB" }) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, locale, timezoneId: "UTC" });
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
  async close({ page }) { await pages[page].page.context().close(); },
  async reload({ page }) { await pages[page].page.reload(); },
  async click({ page, selector }) { await pages[page].page.locator(selector).click(); },
  async select({ page, selector }) { await pages[page].page.locator(selector).selectText(); },
  async deselect({ page }) { await pages[page].page.evaluate(() => getSelection().removeAllRanges()); },
  async selected({ page }) { return pages[page].page.evaluate(() => getSelection().toString()); },
  // broken are the numbers and words of which one part is in one line, and the rest in another.
  async broken({ page }) { return pages[page].page.evaluate(brokenWords); },
  // spilled are the elements whose text is wider than they are, or that stick out of the window.
  async spilled({ page }) { return pages[page].page.evaluate(spilledElements); },
  async attribute({ page, selector, name }) { return pages[page].page.locator(selector).getAttribute(name); },
  async title({ page }) { return pages[page].page.title(); },
  // colour is that behind an element, as rgb(r, g, b).
  async colour({ page, selector }) {
    return pages[page].page.locator(selector).evaluate((found) => getComputedStyle(found).backgroundColor);
  },
  // hover moves the mouse to a part of an element's width.
  async hover({ page, selector, part }) {
    const { width, height } = await pages[page].page.locator(selector).boundingBox();
    await pages[page].page.locator(selector).hover({ position: { x: width * part, y: height / 2 } });
  },
  // drag moves the mouse with its button down from one part of an element's width to another.
  async drag({ page, selector, from, part }) {
    const { mouse } = pages[page].page;
    const { x, y, width, height } = await pages[page].page.locator(selector).boundingBox();
    await mouse.move(x + width * from, y + height / 2);
    await mouse.down();
    await mouse.move(x + width * part, y + height / 2, { steps: 5 });
    await mouse.up();
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
