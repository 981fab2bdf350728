// Puts the page together.
function verdictClass(facts) {
  if (facts.missed > 0 || facts.state !== 'ended') return 'warn';
  return facts.totals[2] > 0 ? 'bad' : 'good';
}

function card(measure) {
  const totals = data.reports[LAST].totals;
  const value = totals[1 + measure.column];
  const before = comparing ? data.reports[0].totals[1 + measure.column] : null;
  const beside = totals[1 + measure.beside];
  const change = comparing ? value - before : 0;
  return element('button', { type: 'button', class: 'card', id: `card-${measure.id}`, title: 'Show in the flame graph', onclick: () => showInFlame([], measure) },
    element('span', { class: 'name' }, measure.title),
    element('span', { class: 'value' }, amount(value, measure.bytes)),
    comparing
      ? element('span', { class: `exact ${change > 0 ? 'up' : change < 0 ? 'down' : ''}` }, `${signed(change, measure.bytes)} (was ${amount(before, measure.bytes)})`)
      : element('span', { class: 'exact' }, measure.bytes ? `${noun(value, 'byte')} in ${noun(beside, measure.noun)}` : measure.id === 'calls' ? bytes(beside) : `${share(value, beside)} of all calls`));
}

function addHead() {
  const facts = data.reports[LAST];
  const [verdict] = facts.summary.split('\n');
  const program = facts.program || `process ${facts.pid}`;
  document.title = comparing ? `${program}: two reports compared` : `${program}: memory report`;
  document.getElementById('top').append(
    element('h1', {}, program),
    element('p', { class: `verdict ${verdictClass(facts)}`, id: 'verdict' }, verdict.slice(verdict.indexOf(': ') + 2)),
    element('p', { class: 'where' }, comparing ? `${data.reports[1].file} compared with ${data.reports[0].file}` : facts.file),
    element('div', { class: 'cards' }, ...measures.map(card)));
  document.getElementById('nav').append(element('ul'));
}

// The text report's head: label and value in columns; what has no label goes on with the one before.
function addAbout() {
  const parts = data.reports.map((facts, report) => {
    const list = element('dl', { class: 'facts' });
    for (const line of facts.summary.split('\n').slice(1)) {
      const label = line.slice(2, 21).trim();
      const value = line.slice(21).trim();
      if (label !== '') list.append(element('dt', {}, label), element('dd', {}, value));
      else if (value !== '') list.lastElementChild?.append(element('br'), value);
    }
    list.append(element('dt', {}, 'file'), element('dd', {}, facts.file));
    for (const [module, complaint] of data[`notes${report}`]) list.append(element('dt', {}, 'note'), element('dd', {}, `${module} ${complaint}`));
    return element('div', {}, comparing && element('h3', {}, report === 0 ? 'First report' : 'Second report'), list);
  });
  addSection('about', 'About the run', element('div', { class: 'columns' }, ...parts));
  document.body.append(element('footer', {}, `${data.generator}. Bytes are those that the program asked for. This page is complete: it asks nothing of the network.`));
}

function redraw() {
  drawFlame();
}

document.getElementById('main').replaceChildren();
addHead();
data.reports.forEach((_, report) => addTimeline(report));
addFlame();
addTables();
addLeaks();
addHistograms();
addThreads();
addAbout();
darkScheme.addEventListener('change', redraw);
let resizing = 0;
window.addEventListener('resize', () => {
  clearTimeout(resizing);
  resizing = setTimeout(redraw, 200);
});
document.documentElement.dataset.ready = 'yes';
