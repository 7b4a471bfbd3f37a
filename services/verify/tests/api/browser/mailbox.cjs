// Opens the dev mailbox in a headless Chromium: node mailbox.cjs FOLDER URL RECIPIENT
// FOLDER is where npm has put puppeteer-core and axe-core. What is wrong is said, and ends it with 1.
const assert = require("node:assert/strict");
const [folder, url, recipient] = process.argv.slice(2);
const installed = (name) => require(require.resolve(name, { paths: [folder] }));
const puppeteer = installed("puppeteer-core");
const axe = installed("axe-core");

/** What a person finds on the page after asking for the messages of `recipient`. */
async function seen(browser, javascript) {
  const page = await browser.newPage();
  await page.setJavaScriptEnabled(javascript);
  // Only for axe: the page itself brings no script, and its policy lets none in.
  await page.setBypassCSP(javascript);
  await page.goto(url);
  await page.type("#to", recipient);
  await Promise.all([page.waitForNavigation(), page.click("button[type=submit]")]);
  const found = await page.evaluate(() => ({
    title: document.title,
    query: location.search,
    to: [...document.querySelectorAll("dl dd:first-of-type")].map((to) => to.textContent),
    copied: [...document.querySelectorAll(".copied")].map((text) => text.textContent),
    links: [...document.querySelectorAll("dl a")].map((link) => link.href),
    sandboxes: [...document.querySelectorAll("iframe")].map((frame) => frame.getAttribute("sandbox")),
    unlabelled: [...document.querySelectorAll("input, button")].filter((control) => !control.labels?.length && !control.textContent).length,
  }));
  await page.click("summary");
  found.opens = await page.$eval("details", (details) => details.open);
  if (javascript) {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    found.violations = violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map((node) => node.target)}`);
  }
  await page.close();
  return found;
}

(async () => {
  const options = { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] };
  const browser = await puppeteer.launch(options);
  try {
    const { violations, ...scripted } = await seen(browser, true);
    const plain = await seen(browser, false);
    assert.deepEqual(violations, []);
    assert.deepEqual(scripted, plain);
    assert.equal(plain.title, "Dev mailbox");
    assert.ok(plain.query.includes(encodeURIComponent(recipient)), plain.query);
    assert.deepEqual([...new Set(plain.to)], [recipient]);
    assert.ok(plain.links.length > 0 && plain.links.every((link) => plain.copied.includes(link)), plain.copied);
    assert.ok(plain.copied.includes("424242"), plain.copied);
    assert.ok(plain.sandboxes.length > 0 && plain.sandboxes.every((sandbox) => sandbox === ""), plain.sandboxes);
    assert.equal(plain.unlabelled, 0);
    assert.ok(plain.opens);
  } finally {
    await browser.close();
  }
})().catch((wrong) => {
  console.error(wrong);
  process.exitCode = 1;
});
