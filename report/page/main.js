// Puts the page together.
function verdictClass(facts) {
  const losses = data.losses[LAST];
  if (facts.ownMalloc && facts.totals[6] === 0) return 'warn';
  if (losses.sums.definite[0] > 0 || losses.sums.indirect[0] > 0) return 'bad';
  if (facts.missed > 0 || facts.state !== 'ended' || losses.sums.possible[0] > 0) return 'warn';
  return losses.checked || facts.totals[2] === 0 ? 'good' : 'warn';
}

function card(measure) {
  const totals = totalsOf();
  const value = totals[measure.column];
  const before = comparing ? totalsOf(0)[measure.column] : null;
  const beside = totals[measure.beside];
  const change = comparing ? value - before : 0;
  return element('button', { type: 'button', class: 'card', id: `card-${measure.id}`, title: 'Show in the flame graph', onclick: () => showInFlame([], measure) },
    element('span', { class: 'name' }, measureTitle(measure)),
    element('span', { class: 'value' }, amount(value, measure.bytes)),
    comparing
      ? element('span', { class: `exact ${change > 0 ? 'up' : change < 0 ? 'down' : ''}` }, `${signed(change, measure.bytes)} (was ${amount(before, measure.bytes)})`)
      : element('span', { class: 'exact' }, measure.bytes && !(phaseOf(view.group) && beside === 0 && value > 0) ? `${noun(value, 'byte')} in ${noun(beside, measure.noun)}` : measure.bytes ? noun(value, 'byte') : measure.id === 'calls' ? bytes(beside) : `${share(value, beside)} of all calls`));
}

function addHead() {
  const facts = data.reports[LAST];
  const line = facts.summary.split('\n')[0];
  const verdict = line.slice(line.indexOf(': ') + 2);
  const program = facts.program || `process ${facts.pid}`;
  document.title = comparing ? `${program}: two reports compared` : `${program}: memory report`;
  document.getElementById('top').append(
    element('h1', {}, program),
    element('p', { class: `verdict ${verdictClass(facts)}`, id: 'verdict' }, verdict[0].toUpperCase() + verdict.slice(1)),
    element('p', { class: 'where' }, comparing ? `${data.reports[1].file} compared with ${data.reports[0].file}` : facts.file),
    element('div', { class: 'cards', id: 'cards' }, ...measures.map(card)));
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

// Cuts cards, flame graph and tables to a phase, or shows the whole run again.
function showPhase(group) {
  view.group = group;
  document.getElementById('phase-choice').value = String(group);
  document.getElementById('cards').replaceChildren(...measures.map(card));
  document.body.classList.toggle('cut', phaseOf(group) !== undefined);
  redraw();
  redrawTables();
}

document.getElementById('main').replaceChildren();
addHead();
data.reports.forEach((_, report) => addTimeline(report));
addPhases();
addFlame();
addTables();
addLeaks();
addHistograms();
addMemory();
addMappings();
addThreads();
addAbout();
darkScheme.addEventListener('change', redraw);
let resizing = 0;
window.addEventListener('resize', () => {
  clearTimeout(resizing);
  resizing = setTimeout(() => { clearNavigation(); redraw(); }, 200);
});
// What a link leads to is not to stand below the navigation, which stays at the top.
function clearNavigation() {
  const nav = document.getElementById('nav');
  const stays = getComputedStyle(nav).position === 'sticky';
  document.documentElement.style.scrollPaddingTop = `${(stays ? nav.offsetHeight : 0) + 10}px`;
}
clearNavigation();
document.documentElement.dataset.ready = 'yes';
