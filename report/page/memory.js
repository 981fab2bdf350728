// Phases, what the resident memory consists of, and mappings.
function addPhases() {
  if (data.phases.rows.length < 2) return;
  const rows = data.phases.rows.map((record) => ({ record }));
  const select = selectOf('phase-choice', 'Show', [['0', 'the whole run'], ...rows.filter((row) => row.record[4] > 0).map((row) => [String(row.record[4]), `phase ${row.record[0]}`])], '0', (group) => showPhase(Number(group)));
  const number = (title, index, show, bar = false) => ({ title, number: true, bar, value: (row) => row.record[index], show: (row) => show(row.record[index]) });
  const growth = (row) => row.record[7 + 4] - row.record[6];
  const columns = [
    { title: 'Phase', value: (row) => row.record[0] },
    ...withValues([number('Times', 1, count)], rows.filter((row) => row.record[1] !== 1)),
    number('First began', 2, duration),
    number('Took', 3, duration, true),
    number('All bytes', 7 + 4, bytes, true),
    number('Calls', 7 + 5, count),
    number('Temporary', 7 + 6, count),
    number('Freed', 6, bytes, true),
    { title: 'Heap grew by', number: true, bar: true, growth: true, value: growth, show: (row) => signed(growth(row), true) },
    number('Peak', 7 + 2, bytes, true),
    number('Live at its end', 7, bytes, true),
  ];
  const open = (row) => row.record[4] > 0
    ? element('button', { type: 'button', onclick: (event) => { event.stopPropagation(); showPhase(row.record[4]); document.getElementById('flame').scrollIntoView(); } }, 'Cut flame graph and tables to this phase')
    : element('span', { class: 'note' }, 'The page has no room for this phase’s own columns; memtrack report --phase shows it.');
  const left = data.phases.all - rows.length;
  addSection('phases', 'Phases', element('div', { class: 'controls' }, select, element('span', { class: 'note' }, 'Totals above, flame graph and tables are those of the phase; leaks, sizes and memory are always of the whole run.')),
    makeTable({ id: 'phases-table', rows, columns, sortBy: rows.some((row) => row.record[1] !== 1) ? 5 : 4, searchable: rows.length > 10 ? (row) => row.record[0] : null, open }),
    left > 0 && element('p', { class: 'note' }, `${count(left)} of ${noun(data.phases.all, 'phase')} are left out.`));
}

const memoryParts = [
  ['in-use', 'Heap: pages with live blocks'], ['idle', 'Heap: pages without one (malloc_trim may give them back)'], ['mapping', 'Mappings of the program'],
  ['stack', 'Stacks of threads'], ['module', 'Program and libraries'], ['memtrack', 'memtrack itself'], ['kernel', 'Kernel’s pages'], ['other', 'Not explained'],
];

// One bar that is cut into its parts, with what they are below.
function memoryBar(parts, whole) {
  const bar = element('div', { class: 'stacked', role: 'img', 'aria-label': parts.map(([, name, value]) => `${name} ${share(value, whole)}`).join(', ') });
  for (const [id, name, value] of parts) {
    const piece = element('span', { class: `part part-${id}`, title: `${name}: ${bytes(value)}, ${share(value, whole)}` });
    piece.style.width = `${(100 * value) / whole}%`;
    bar.append(piece);
  }
  const list = element('ul', { class: 'parts' }, ...parts.map(([id, name, value]) =>
    element('li', {}, element('span', { class: `swatch part-${id}` }), `${name} `, element('b', {}, bytes(value)), ` ${share(value, whole)}`)));
  return element('div', {}, bar, list);
}

function addMemory() {
  const places = data.memory.map((memory, report) => {
    const [, resident, most, inUse, idle, live, usable] = memory.sums;
    if (resident === 0) return null;
    const kinds = new Map(memory.kinds.map(([kind, , part]) => [kind, part]));
    kinds.set('in-use', inUse).set('idle', idle);
    const parts = memoryParts.map(([id, name]) => [id, name, kinds.get(id) ?? 0]).filter(([, , value]) => value > 0);
    const heap = inUse + idle;
    const lines = [`${bytes(resident)} resident at the end, ${bytes(most)} at its most.`];
    if (heap > 0) lines.push(`Fragmentation: the allocator keeps ${bytes(heap)} resident for ${bytes(live)} of live blocks; ${share(Math.max(0, heap - live), heap)} of it is free, rounding or book-keeping` + (usable > live ? ` (rounding alone: ${bytes(usable - live)}).` : '.'));
    return element('div', {}, comparing && element('h3', {}, report === 0 ? 'First report' : 'Second report'), memoryBar(parts, resident), ...lines.map((line) => element('p', { class: 'note' }, line)));
  }).filter(Boolean);
  if (places.length > 0) addSection('memory', 'Memory of the process', ...places);
}

function mappingSites() {
  const rows = data.mapSites.rows.map((record) => {
    let stack;
    return { record, stack: () => (stack ??= stackOf(record[0])) };
  });
  const number = (title, index, isBytes) => ({ title, number: true, bar: isBytes, value: (row) => row.record[index], show: (row) => amount(row.record[index], isBytes) });
  const columns = [
    { title: 'Call site', value: (row) => row.stack()[0].name, show: (row) => siteCell(row.stack()) },
    number('Still mapped', 1, true), number('Mappings', 2, false), number('At the peak', 3, true), number('All bytes', 4, true), number('Calls', 5, false), number('Unmapped', 6, true),
    ...withValues([{ title: 'File', value: (row) => row.record[7] }], rows).filter(() => rows.some((row) => row.record[7] !== '')),
  ];
  return makeTable({ id: 'map-sites-table', rows, columns, sortBy: rows.some((row) => row.record[1] > 0) ? 1 : 4, first: 10, searchable: rows.length > 5 ? searchableStack : null, open: (row) => stackOnly(row.stack()) });
}

function mappingList(mappings) {
  const rows = mappings.rows.map((record) => ({ record }));
  const rights = (bits) => `${bits & 1 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${bits & 4 ? 'x' : '-'}`;
  const columns = [
    { title: 'Address', value: (row) => row.record[0] },
    { title: 'Bytes', number: true, bar: true, value: (row) => row.record[1], show: (row) => bytes(row.record[1]) },
    { title: 'Kind', value: (row) => row.record[2] },
    { title: 'Rights', value: (row) => rights(row.record[3]) },
    { title: 'Held', value: (row) => (row.record[6] ? 'has heap blocks' : row.record[5] === 'unknown' ? '' : row.record[5]) },
    { title: 'File', value: (row) => row.record[4] },
  ];
  return makeTable({ id: 'mappings-table', rows, columns, sortBy: 1, first: 10, searchable: rows.length > 10 ? (row) => `${row.record[0]} ${row.record[2]} ${row.record[4]}` : null });
}

function addMappings() {
  const { totals } = { totals: data.reports[LAST].mapped };
  const mappings = data.memory[LAST].mappings;
  if (data.mapSites.all === 0 && mappings.all === 0) return;
  const heapAtPeak = data.memory[LAST].sums[7];
  const left = data.mapSites.all - data.mapSites.rows.length;
  addSection('mappings', 'Mappings',
    element('p', {}, `${bytes(totals[1])} in ${noun(totals[2], 'mapping')} at the end; at most ${bytes(totals[3])}, with ${bytes(heapAtPeak)} of heap at that moment; ${bytes(totals[5])} mapped in ${noun(totals[6], 'call')}.`),
    data.mapSites.rows.length > 0 && mappingSites(),
    left > 0 && element('p', { class: 'note' }, `${count(left)} of ${noun(data.mapSites.all, 'call site')} are left out.`),
    mappings.rows.length > 0 && element('details', {}, element('summary', {}, `Mappings at the end${mappings.all > mappings.rows.length ? `, the largest ${count(mappings.rows.length)} of ${count(mappings.all)}` : ''}`), mappingList(mappings)));
}
