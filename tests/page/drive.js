// Opens pages in headless Chromium and holds what they show against what the report says.
//   drive.js PACKAGES TEST ARGUMENTS...   TEST is one of the functions below; exit 1 and a line on failure
'use strict';
const fs = require('fs');
const path = require('path');

const [packages, test, ...parameters] = process.argv.slice(2);
const { chromium } = require(path.join(packages, 'playwright-core'));
const browsers = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

function check(condition, what) {
  if (!condition) throw new Error(what);
}

// A page that may not complain, ask for anything, or run what it was not given.
async function open(browser, file, scheme = 'light') {
  const page = await browser.newPage({ viewport: { width: 1300, height: 900 }, colorScheme: scheme });
  page.complaints = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && page.complaints.push(message.text()));
  page.on('pageerror', (error) => page.complaints.push(error.message));
  page.on('dialog', (dialog) => { page.complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('request', (request) => request.url().startsWith('file:') || page.complaints.push(`request: ${request.url()}`));
  const started = Date.now();
  await page.goto(`file://${path.resolve(file)}`);
  await page.waitForFunction(() => document.documentElement.dataset.ready === 'yes', null, { timeout: 20000 });
  page.opened = Date.now() - started;
  return page;
}

const settle = (page) => page.waitForTimeout(700);
const texts = (page, selector) => page.$$eval(selector, (found) => found.map((one) => one.textContent));
const grouped = (number) => number.toLocaleString('en-US');

function expectQuiet(page) {
  check(page.complaints.length === 0, `the page complains: ${page.complaints.join('; ')}`);
}

async function totals(browser, file, reportFile) {
  const { totals: expected, program } = JSON.parse(fs.readFileSync(reportFile, 'utf8'));
  for (const scheme of ['light', 'dark']) {
    const page = await open(browser, file, scheme);
    await settle(page);
    const cards = (await texts(page, '.card')).join(' | ');
    for (const number of [expected.live_bytes, expected.live_blocks, expected.peak_bytes, expected.allocated_bytes, expected.allocations, expected.temporary])
      check(cards.includes(grouped(number)), `${grouped(number)} is not in ${cards}`);
    check((await texts(page, 'h1'))[0] === path.basename(program ?? (await texts(page, 'h1'))[0]), 'the heading is not the program');
    // The drawn flame graph's root has all of it.
    const root = await page.$eval('#flame-chart g.frame title', (title) => title.textContent);
    check(root.includes(`(${grouped(expected.live_bytes)})`), `the flame graph's root is ${root}`);
    for (const [measure, value] of [['peak', expected.peak_bytes], ['total', expected.allocated_bytes], ['calls', expected.allocations]]) {
      await page.selectOption('#flame-measure', measure);
      await settle(page);
      const title = await page.$eval('#flame-chart g.frame title', (one) => one.textContent);
      check(title.includes(`(${grouped(value)})`), `${measure}: the flame graph's root is ${title}, not ${value}`);
    }
    expectQuiet(page);
    await page.close();
  }
}

async function interact(browser, file, wanted) {
  const page = await open(browser, file);
  await settle(page);
  // Sorting: by bytes falling at first, rising after a click, by name after another.
  const column = () => page.$$eval('#sites-table tbody tr.row td:first-child', (cells) => cells.map((cell) => cell.textContent));
  const numbers = () => page.$$eval('#sites-table tbody tr.row', (rows) => rows.map((row) => row.querySelector('td.number .bar').style.width).map(parseFloat));
  const falling = await numbers();
  check(falling.length > 1 && falling.every((n, i) => i === 0 || n <= falling[i - 1]), `rows do not fall: ${falling}`);
  await page.click('#sites-table th:nth-child(2) button');
  const rising = await numbers();
  check(rising.every((n, i) => i === 0 || n >= rising[i - 1]), `rows do not rise: ${rising}`);
  check(await page.getAttribute('#sites-table th:nth-child(2)', 'aria-sort') === 'ascending', 'the sorted column does not say so');
  // Filtering leaves rows whose stack has the word.
  await page.fill('#sites-table-filter', wanted);
  const status = (await texts(page, '#sites-table .controls [role=status]'))[0];
  const filtered = await column();
  check(filtered.length > 0 && /^\d[\d,]* of /.test(status), `the filter says ${status}`);
  await page.fill('#sites-table-filter', 'no such function anywhere');
  check((await column()).length === 0, 'a filter that nothing fits leaves rows');
  await page.fill('#sites-table-filter', wanted);
  // A row opens with the keyboard, shows its stack, and leads to the flame graph.
  await page.focus('#sites-table tbody tr.row');
  await page.keyboard.press('Enter');
  const stack = await texts(page, '#sites-table tr.detail li');
  check(stack.some((line) => line.includes(wanted)), `the stack does not have ${wanted}: ${stack}`);
  await page.click('#sites-table tr.detail .to-flame');
  await settle(page);
  check(await page.$$eval('#flame-chart g.fade', (faded) => faded.length) > 0, 'the flame graph did not zoom');
  // Reset, then zoom with the keyboard.
  await page.click('#flame-reset');
  await settle(page);
  check(await page.$$eval('#flame-chart g.fade', (faded) => faded.length) === 0, 'reset does not reset');
  await page.focus('#flame-chart');
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowRight', 'ArrowLeft', 'Enter']) await page.keyboard.press(key);
  await settle(page);
  check(await page.$$eval('#flame-chart g.chosen', (chosen) => chosen.length) === 1, 'the keyboard chose no frame');
  await page.keyboard.press('Escape');
  await settle(page);
  // Search counts what it finds.
  await page.fill('#flame-search', wanted);
  await settle(page);
  const found = (await texts(page, '#flame-found'))[0];
  check(/^[1-9]/.test(found) && found.includes('% of all'), `the search says ${found}`);
  await page.fill('#flame-search', '');
  // The other tree begins with what allocates; the other side has the root at the bottom.
  await page.selectOption('#flame-tree', 'up');
  await page.selectOption('#flame-inverted', 'bottom');
  await settle(page);
  const place = await page.$$eval('#flame-chart g.frame', (frames) => frames.slice(0, 2).map((frame) => frame.getBoundingClientRect().top));
  check(place[0] > place[1], 'the root is not at the bottom');
  await page.focus('#tab-sites');
  await page.keyboard.press('ArrowRight');
  check(await page.getAttribute('#tab-functions', 'aria-selected') === 'true', 'an arrow key does not lead to the next tab');
  for (const tab of ['functions', 'modules']) {
    await page.click(`#tab-${tab}`);
    check((await texts(page, `#${tab}-table tbody tr`)).length > 0, `the table of ${tab} is empty`);
  }
  expectQuiet(page);
}

async function timeline(browser, file) {
  const page = await open(browser, file);
  const before = (await texts(page, '#timeline-range-0'))[0];
  const box = await (await page.$('#timeline .brush .overlay')).boundingBox();
  await page.mouse.move(box.x + box.width * 0.3, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + box.height / 2, { steps: 5 });
  await page.mouse.up();
  const brushed = (await texts(page, '#timeline-range-0'))[0];
  check(brushed !== before && brushed.startsWith('From '), `the brush changes nothing: ${brushed}`);
  await page.focus('#timeline .chart');
  await page.keyboard.press('Escape');
  check((await texts(page, '#timeline-range-0'))[0] === before, 'Escape does not show all again');
  await page.keyboard.press('+');
  check((await texts(page, '#timeline-range-0'))[0] !== before, 'plus does not zoom');
  expectQuiet(page);
}

async function leaks(browser, file, reportFile) {
  const report = JSON.parse(fs.readFileSync(reportFile, 'utf8'));
  const page = await open(browser, file);
  const shown = (await texts(page, '#leaks summary')).join(' | ').replace(/,/g, '');
  const kinds = { definite: 'Definitely lost', indirect: 'Indirectly lost', possible: 'Possibly lost', reachable: 'Still reachable' };
  const sums = report.checks[report.checks.length - 1].check.kinds;
  check(sums.definite.blocks > 0, 'the program lost nothing');
  for (const [kind, title] of Object.entries(kinds)) {
    const blocks = sums[kind].blocks;
    check(blocks === 0 || new RegExp(`${title}: [^|]* in ${blocks} block`).test(shown), `${title}: ${blocks} blocks are not in ${shown}`);
  }
  expectQuiet(page);
}

async function compared(browser, file, firstFile, secondFile) {
  const [first, second] = [firstFile, secondFile].map((name) => JSON.parse(fs.readFileSync(name, 'utf8')).totals);
  const page = await open(browser, file);
  await settle(page);
  const change = second.allocations - first.allocations;
  const card = (await texts(page, '#card-calls'))[0];
  check(card.includes(grouped(second.allocations)) && card.includes(`${change > 0 ? '+' : change < 0 ? '' : '±'}${grouped(change).replace('-', '−')}`), `the card says ${card}, not ${change}`);
  check((await texts(page, '#sites-table th')).some((title) => title.startsWith('±')), 'the table has no growth');
  await page.selectOption('#flame-report', '0');
  await settle(page);
  const root = await page.$eval('#flame-chart g.frame title', (title) => title.textContent);
  check(root.includes(`(${grouped(first.live_bytes)})`), `the first report's flame graph has ${root}`);
  expectQuiet(page);
}

// Tables, totals and flame graph are cut to a phase, and back.
async function phases(browser, file, wholeFile, cutFile, name) {
  const [whole, cut] = [wholeFile, cutFile].map((one) => JSON.parse(fs.readFileSync(one, 'utf8')).totals);
  const page = await open(browser, file);
  await settle(page);
  const rows = await texts(page, '#phases-table tbody tr');
  check(rows.length === 4 && rows.some((row) => row.startsWith(name)), `the table of phases has ${rows}`);
  const option = await page.$$eval('#phase-choice option', (all, wanted) => all.find((one) => one.textContent === `phase ${wanted}`).value, name);
  await page.selectOption('#phase-choice', option);
  await settle(page);
  const card = (await texts(page, '#card-calls'))[0];
  check(card.includes(`Calls${grouped(cut.allocations)}`), `cut, the card says ${card}, not ${cut.allocations}`);
  await page.selectOption('#flame-measure', 'calls');
  await settle(page);
  const root = () => page.$eval('#flame-chart g.frame title', (title) => title.textContent);
  check((await root()).includes(`(${grouped(cut.allocations)})`), `cut, the flame graph has ${await root()}`);
  const sites = await texts(page, '#sites-table tbody tr');
  check(sites.length > 0 && sites.every((row) => row.includes('works') || row.includes('keeps_with_slack')), `cut, the table has ${sites}`);
  await page.selectOption('#phase-choice', '0');
  await settle(page);
  check((await texts(page, '#card-calls'))[0].includes(grouped(whole.allocations)), 'the whole run does not come back');
  expectQuiet(page);
}

// Resident memory by kind, mappings, lifetimes of a call site.
async function memory(browser, file, reportFile) {
  const report = JSON.parse(fs.readFileSync(reportFile, 'utf8'));
  const page = await open(browser, file);
  await settle(page);
  const parts = (await texts(page, '#memory .parts li')).join(' | ');
  check(parts.includes('Heap: pages with live blocks') && parts.includes('Program and libraries'), `the memory's parts are ${parts}`);
  const width = await page.$$eval('#memory .stacked .part', (all) => all.reduce((sum, one) => sum + parseFloat(one.style.width), 0));
  check(Math.abs(width - 100) < 0.5, `the bar's parts are ${width}% of it`);
  check((await page.textContent('#memory')).includes('Fragmentation'), 'nothing is said of fragmentation');
  const mapped = (await texts(page, '#mappings p'))[0];
  check(mapped.includes(`mapped in ${grouped(report.mappings.totals.allocations)} call`), `mappings: ${mapped}`);
  check((await texts(page, '#map-sites-table tbody tr')).length > 0, 'no call site of mappings');
  await page.click('#sites-table tbody tr.row:has-text("works")');
  check((await texts(page, '#sites-table tr.detail h3')).length === 2, 'no lifetimes in the row of a call site');
  expectQuiet(page);
}

// Nothing but tables and flame graphs, which scroll by themselves, is wider than a telephone.
async function narrow(browser, file) {
  const page = await open(browser, file);
  await page.setViewportSize({ width: 360, height: 800 });
  await settle(page);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  check(width <= 360, `the page is ${width} wide on a screen of 360`);
  expectQuiet(page);
}

// The verdict's colour is that of its words.
async function verdict(browser, file, wanted) {
  const page = await open(browser, file);
  check((await page.getAttribute('#verdict', 'class')) === `verdict ${wanted}`, `${await page.textContent('#verdict')}: is ${await page.getAttribute('#verdict', 'class')}`);
  expectQuiet(page);
}

// Names that look like markup stay text.
async function hostile(browser, file, name) {
  const page = await open(browser, file);
  await settle(page);
  await page.click('#sites-table tbody tr.row');
  check((await page.textContent('body')).includes(name), `the name ${name} is not shown`);
  check(await page.evaluate(() => window.owned === undefined && document.querySelector('img, iframe, object, b.owned') === null), 'a name became markup');
  const frames = await texts(page, 'main');
  check(frames.length === 1, 'the page was cut short');
  expectQuiet(page);
}

async function large(browser, file, milliseconds) {
  let best = Infinity;
  for (let round = 0; round < 3; round++) {
    const page = await open(browser, file);
    best = Math.min(best, page.opened);
    check((await page.textContent('#tables')).includes('are left out'), 'nothing is said of what is left out');
    expectQuiet(page);
    await page.close();
  }
  console.log(`opened after ${best} ms`);
  check(best < Number(milliseconds), `it took ${best} ms to open`);
}

// speedscope's own page reads an export, and finds all profiles in it.
async function speedscope(browser, file, program) {
  const page = await browser.newPage({ viewport: { width: 1300, height: 900 } });
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => { complaints.push(dialog.message()); dialog.dismiss(); });
  await page.goto(`file://${path.join(packages, 'speedscope/dist/release/index.html')}`);
  await page.setInputFiles('input[type=file]', path.resolve(file));
  await page.waitForFunction((name) => document.title.includes(name) || document.body.textContent.includes('/5'), program, { timeout: 20000 });
  const shown = await page.textContent('body');
  check(/1\/5|\(1 of 5\)|1 \/ 5/.test(shown) || shown.includes('still allocated'), `speedscope shows ${shown.slice(0, 300)}`);
  check(complaints.length === 0, `speedscope complains: ${complaints.join('; ')}`);
}

const tests = { totals, interact, timeline, leaks, compared, hostile, large, phases, memory, narrow, verdict, speedscope };

(async () => {
  const browser = await chromium.launch({ executablePath: browsers.find(fs.existsSync), args: ['--no-sandbox', '--disable-gpu'] });
  try {
    await tests[test](browser, ...parameters);
  } finally {
    await browser.close();
  }
})().catch((error) => {
  console.log(`${test}: ${error.message}`);
  process.exit(1);
});
