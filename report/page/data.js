// What the page is given (page_trees.c, page_rows.c, page_facts.c), unpacked.
const data = JSON.parse(document.getElementById('data').textContent);
const COLUMNS = 7;
const REPORTS = data.reports.length;
const LAST = REPORTS - 1;
const comparing = REPORTS === 2;
// Groups of columns: the reports, or the whole run and the phases that tables and trees can be cut to.
const GROUPS = data.phases.groups;
const view = { group: LAST };

// What a tree or a table can show: a column of each report, and the column that counts beside it.
const measures = [
  { id: 'live', title: 'Still allocated', column: 0, beside: 1, bytes: true, noun: 'block' },
  { id: 'peak', title: 'At the peak', column: 2, beside: 3, bytes: true, noun: 'block' },
  { id: 'total', title: 'All bytes', column: 4, beside: 5, bytes: true, noun: 'call' },
  { id: 'calls', title: 'Calls', column: 5, beside: 4, bytes: false, noun: 'call' },
  { id: 'temporary', title: 'Temporary', column: 6, beside: 5, bytes: false, noun: 'call' },
];

function measureTitle(measure) {
  return measure.id === 'live' && phaseOf(view.group) ? 'Live at its end' : measure.title;
}

const text = (number) => data.texts[number] ?? '';
const baseName = (path) => path.slice(path.lastIndexOf('/') + 1);

function unpackFunction(packed) {
  if (!packed) return null;
  const [name, module, file, line, flags] = packed;
  return { name: text(name), module: text(module), file: text(file), line, inlined: (flags & 1) !== 0 };
}
const functions = data.functions.map(unpackFunction);
const lineFunctions = data.lineFunctions.map(unpackFunction);

// A column's value of a record whose numbers begin at `at`: of one group, or by how much it grew.
function valueOf(record, at, column, group = view.group) {
  return record[at + group * COLUMNS + column];
}
function growthOf(record, at, column) {
  return comparing ? valueOf(record, at, column, 1) - valueOf(record, at, column, 0) : 0;
}

// The stack that ends in a line, innermost function first.
function stackOf(line) {
  const stack = [];
  for (let at = line; at !== 0; at = data.lines[at - 1][0]) stack.push(lineFunctions[data.lines[at - 1][1]]);
  return stack.length > 0 ? stack : [{ name: 'unknown call site', module: '', file: '', line: 0, inlined: false }];
}

// A tree as nodes with children. The one at the root is of no function.
function treeOf(packed) {
  const root = { name: 'all', module: '', record: null, children: [] };
  const nodes = [root];
  for (const record of packed.nodes) {
    const at = functions[record[1]];
    const node = { name: at.name, module: at.module, file: at.file, line: at.line, record, children: [] };
    nodes[record[0]].children.push(node);
    nodes.push(node);
  }
  root.record = [0, 0, ...Array.from({ length: GROUPS }, (_, group) => totalsOf(group)).flat()];
  // The peak's parts may be from a moment before the total was taken. A phase's own peak has none.
  for (let i = 2; i < root.record.length; i++) {
    const sum = root.children.reduce((all, child) => all + child.record[i], 0);
    const phase = !comparing && i >= 2 + COLUMNS;
    root.record[i] = phase && sum === 0 ? 0 : Math.max(root.record[i], sum);
  }
  return root;
}

// Name, times, beginning and so on of the phase that a group of columns is of; undefined for the whole run.
function phaseOf(group) {
  return comparing || group === 0 ? undefined : data.phases.rows.find((row) => row[4] === group);
}
function totalsOf(group = view.group) {
  return phaseOf(group)?.slice(7) ?? data.reports[Math.min(group, LAST)].totals.slice(1);
}
