// Tables of call sites, functions, modules, leaks and threads.
function functionCell(at) {
  const place = at.file ? `${at.file}${at.line ? `:${at.line}` : ''}` : at.module && at.name !== baseName(at.module) ? `[${baseName(at.module)}]` : at.module;
  const swatch = element('span', { class: 'swatch', title: at.module });
  swatch.style.background = colorOf(at.module);
  return element('span', {}, swatch, at.name, ' ', element('span', { class: 'file' }, place));
}

// The innermost function with its source, and its next callers below.
function siteCell(stack) {
  const callers = stack.slice(1, 4).map((at) => at.name).join(' ← ');
  return element('span', {}, functionCell(stack[0]), callers !== '' && element('span', { class: 'callers' }, `← ${callers}${stack.length > 4 ? ' ← …' : ''}`));
}

// How long a call site's blocks lived, where that was measured.
function lifetimeList(bytesSteps, timeSteps) {
  return element('div', { class: 'columns' },
    histogram('Lifetimes, in bytes allocated meanwhile', lifetimeBars(bytesSteps, 2, bytes), 'block'),
    histogram('Lifetimes, in time', lifetimeBars(timeSteps, 4, duration), 'block'));
}

function stackOnly(stack) {
  return element('ol', { class: 'stack' }, ...stack.map((at) => element('li', {}, at.name, ' ',
    element('span', { class: 'file' }, `${at.file ? `${at.file}${at.line ? `:${at.line}` : ''} ` : ''}${at.module ? `[${baseName(at.module)}]` : ''}${at.inlined ? ' (inlined)' : ''}`))));
}

function stackList(stack, measure, lifetimes) {
  return element('div', {}, lifetimes?.[0] && lifetimeList(...lifetimes), stackOnly(stack),
    element('button', { type: 'button', class: 'to-flame', onclick: (event) => { event.stopPropagation(); showInFlame(stack, measure); } }, 'Show in the flame graph'));
}

// The columns of all measures, for records whose numbers begin at `at`.
function measureColumns(at, prefix = '') {
  const made = [];
  for (const measure of measures) {
    made.push({
      title: prefix + measureTitle(measure), number: true, bar: true,
      value: (row) => valueOf(row.record, at, measure.column),
      show: (row) => amount(valueOf(row.record, at, measure.column), measure.bytes),
    });
    if (comparing) {
      made.push({
        title: `± ${measure.title.toLowerCase()}`, number: true, bar: true, growth: true,
        value: (row) => growthOf(row.record, at, measure.column),
        show: (row) => signed(growthOf(row.record, at, measure.column), measure.bytes),
      });
    }
  }
  return made;
}

function searchableStack(row) {
  row.searchable ??= row.stack().map((at) => `${at.name} ${at.file} ${at.module}`).join('\n');
  return row.searchable;
}

// Columns that are all zero say nothing.
function withValues(columns, rows) {
  return columns.filter((column) => rows.some((row) => column.value(row) !== 0));
}

function siteRows() {
  return data.sites.rows.map((record) => {
    let stack;
    return { record, stack: () => (stack ??= stackOf(record[0])) };
  });
}

// Rows that have anything of what is shown; of a phase most have nothing.
function withAnything(rows, ...places) {
  if (!phaseOf(view.group)) return rows;
  return rows.filter((row) => measures.some((measure) => places.some((at) => valueOf(row.record, at, measure.column) !== 0)));
}

function siteTable() {
  const rows = withAnything(siteRows(), 1);
  const extra = 1 + GROUPS * COLUMNS;
  const more = (title, index, isBytes) => ({ title, number: true, value: (row) => row.record[extra + index], show: (row) => amount(row.record[extra + index], isBytes) });
  const columns = [
    { title: 'Call site', value: (row) => row.stack()[0].name, show: (row) => siteCell(row.stack()) },
    ...measureColumns(1),
    ...phaseOf(view.group) ? [] : withValues([more('Largest', 4, true), more('Reallocs', 5, false), more('Slack', 0, true), more('Moved by realloc', 1, true), more('Freed elsewhere', 2, false), more('Alignment', 3, false)], rows),
  ];
  const left = data.sites.all - data.sites.rows.length;
  return element('div', {}, makeTable({ id: 'sites-table', rows, columns, sortBy: comparing ? 2 : 1, searchable: searchableStack, open: (row) => stackList(row.stack(), null, row.record.slice(extra + 6)) }),
    left > 0 && element('p', { class: 'note' }, `${count(left)} of ${noun(data.sites.all, 'call site')} are left out: none of them is among the largest by any column.`));
}

function functionTable() {
  const all = 1 + GROUPS * COLUMNS;
  const rows = withAnything(data.table.rows.map((record) => ({ record, at: functions[record[0]] })), 1, all);
  const columns = [
    { title: 'Function', value: (row) => row.at.name, show: (row) => functionCell(row.at) },
    ...measureColumns(1, 'Own: ').slice(0, comparing ? 4 : 3),
    ...measureColumns(all, 'With callees: '),
  ];
  const left = data.table.all - data.table.rows.length;
  const find = (row) => {
    document.getElementById('flame-search').value = row.at.name;
    searchFlame(row.at.name);
    document.getElementById('flame').scrollIntoView();
  };
  const open = (row) => element('button', { type: 'button', class: 'to-flame', onclick: () => find(row) }, 'Find in the flame graph');
  return element('div', {}, makeTable({ id: 'functions-table', rows, columns, sortBy: 1, searchable: (row) => `${row.at.name} ${row.at.file} ${row.at.module}`, open }),
    left > 0 && element('p', { class: 'note' }, `${count(left)} of ${noun(data.table.all, 'function')} are left out: none of them is among the largest by any column.`));
}

function moduleTable() {
  const rows = withAnything(data.modules.map((record) => ({ record, module: text(record[0]) })), 1);
  const columns = [{ title: 'Module', value: (row) => row.module, show: (row) => functionCell({ name: row.module ? baseName(row.module) : 'unknown', module: row.module, file: '', line: 0 }) }, ...measureColumns(1)];
  return makeTable({ id: 'modules-table', rows, columns, sortBy: 1, searchable: (row) => row.module });
}

// Draws the tables anew, for another phase.
let redrawTables = () => {};

function addTables() {
  let made = {};
  let shown;
  const tabs = [['sites', 'Call sites', siteTable], ['functions', 'Functions', functionTable], ['modules', 'Modules', moduleTable]];
  const panel = element('div', { role: 'tabpanel', id: 'table-panel', 'aria-live': 'off' });
  const buttons = tabs.map(([id, title, make]) => element('button', { type: 'button', role: 'tab', id: `tab-${id}`, 'aria-controls': 'table-panel', onclick: () => show(id, make) }, title));
  function show(id, make) {
    shown = [id, make];
    made[id] ??= make();
    panel.replaceChildren(made[id]);
    for (const button of buttons) {
      const chosen = button.id === `tab-${id}`;
      button.setAttribute('aria-selected', String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
  }
  // As tabs are: one of them can be tabbed to, arrow keys lead to the others.
  const step = (event) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (way === undefined) return;
    const next = buttons[(buttons.indexOf(document.activeElement) + way + buttons.length) % buttons.length];
    next.focus();
    next.click();
    event.preventDefault();
  };
  addSection('tables', 'Where it is allocated', element('div', { class: 'tabs', role: 'tablist', onkeydown: step }, ...buttons), panel);
  show('sites', siteTable);
  redrawTables = () => {
    made = {};
    show(...shown);
  };
}

const kinds = [
  ['definite', 'Definitely lost', 'nothing points to these any more'],
  ['possible', 'Possibly lost', 'only pointers into their inside were found'],
  ['indirect', 'Indirectly lost', 'only lost blocks point to these'],
  ['reachable', 'Still reachable', 'pointers to these were there at the end'],
  ['ignored', 'Ignored', 'the program said so'],
  ['inherited', 'Inherited', 'from before a fork: another process’s to report'],
];

function lossTable(report, kind, records) {
  const rows = records.map((record) => {
    let stack;
    return { record, stack: () => (stack ??= stackOf(record[2])) };
  });
  const columns = [
    { title: 'Call site', value: (row) => row.stack()[0].name, show: (row) => siteCell(row.stack()) },
    { title: 'Bytes', number: true, bar: true, value: (row) => row.record[4], show: (row) => bytes(row.record[4]) },
    { title: 'Blocks', number: true, value: (row) => row.record[3], show: (row) => count(row.record[3]) },
    ...withValues([
      { title: 'and indirectly', number: true, value: (row) => row.record[6], show: (row) => bytes(row.record[6]) },
      { title: 'in blocks', number: true, value: (row) => row.record[5], show: (row) => count(row.record[5]) }], rows),
  ];
  return makeTable({ id: `leaks-${kind}-${report}`, rows, columns, sortBy: 1, first: 10, searchable: rows.length > 5 ? searchableStack : null, open: (row) => stackList(row.stack(), measures[0]) });
}

function addLeaks() {
  const parts = [];
  // Of two reports, what the second lost is the news.
  [...data.losses.entries()].reverse().forEach(([report, losses]) => {
    if (!losses.checked) return;
    const title = comparing ? `${report === 0 ? 'First' : 'Second'} report: ` : '';
    let any = false;
    for (const [kind, name, meaning] of kinds) {
      const records = losses.rows.filter((record) => record[1] === kind);
      if (records.length === 0) continue;
      const [blocks, sum] = losses.sums[kind];
      any = true;
      parts.push(element('details', { open: report === LAST && kind !== 'reachable' && kind !== 'inherited' && kind !== 'ignored' },
        element('summary', {}, element('b', { class: kind === 'definite' || kind === 'possible' ? 'up' : '' }, `${title}${name}: ${bytes(sum)} in ${noun(blocks, 'block')}`), ` — ${meaning}`),
        lossTable(report, kind, records)));
    }
    if (!any) parts.push(element('p', {}, `${title}no block is lost, none is left.`));
    if (losses.all > losses.rows.length) parts.push(element('p', { class: 'note' }, `${count(losses.all - losses.rows.length)} of ${noun(losses.all, 'loss record')} are left out, the least of each kind.`));
  });
  if (parts.length > 0) addSection('leaks', 'Leaks', ...parts);
}

function addThreads() {
  const titles = [[2, 'Allocations', false], [3, 'Allocated', true], [4, 'Frees', false], [5, 'Freed', true], [6, 'Stack', true], [7, 'Stack resident', true]];
  const rows = data.reports[LAST].threads.map((record) => ({ record }));
  if (rows.length === 0) return;
  const columns = [
    { title: 'Thread', value: (row) => row.record[1], show: (row) => `${row.record[1] || 'unnamed'} (${row.record[0]})` },
    ...withValues(titles.map(([index, title, isBytes]) => ({ title, number: true, bar: isBytes, value: (row) => row.record[index], show: (row) => amount(row.record[index], isBytes) })), rows),
  ];
  const left = data.reports[LAST].allThreads - rows.length;
  addSection('threads', 'Threads', makeTable({ id: 'threads-table', rows, columns, sortBy: Math.min(2, columns.length - 1), searchable: rows.length > 10 ? (row) => row.record[1] : null }),
    left > 0 && element('p', { class: 'note' }, `${count(left)} of ${noun(data.reports[LAST].allThreads, 'thread')} are left out, those that allocated least.`));
}
