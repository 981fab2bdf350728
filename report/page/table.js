// A table that sorts, filters, and opens rows. A column: { title, value(row), show(row), number, bar }.
const ROWS_AT_ONCE = 25;

function makeTable({ id, rows, columns, sortBy, searchable, open, filterLabel, first = ROWS_AT_ONCE }) {
  const state = { column: columns[sortBy], descending: true, term: '', limit: first };
  const body = element('tbody');
  const status = element('span', { role: 'status', class: 'note' });
  const more = element('button', { type: 'button', class: 'more', onclick: () => { state.limit += 8 * ROWS_AT_ONCE; draw(); } });
  const heads = columns.map((column) => element('th', { scope: 'col', class: column.number ? 'number' : null },
    element('button', { type: 'button', onclick: () => sort(column) }, column.title)));

  function sort(column) {
    state.descending = state.column === column ? !state.descending : column.number === true;
    state.column = column;
    draw();
  }
  function compare(a, b) {
    const [x, y] = [state.column.value(a), state.column.value(b)];
    const order = typeof x === 'number' ? x - y : x.localeCompare(y);
    return state.descending ? -order : order;
  }
  function toggle(row, line) {
    if (line.nextSibling?.classList.contains('detail')) {
      line.nextSibling.remove();
      line.classList.remove('open');
      line.setAttribute('aria-expanded', 'false');
      return;
    }
    line.classList.add('open');
    line.setAttribute('aria-expanded', 'true');
    line.after(element('tr', { class: 'detail' }, element('td', { colspan: columns.length }, open(row))));
  }
  function cell(row, column, most) {
    const zero = column.number && column.value(row) === 0;
    const made = element('td', { class: column.number ? `number${zero ? ' zero' : ''}` : 'name' }, column.show ? column.show(row) : String(column.value(row)));
    if (column.bar && most > 0) {
      const value = column.value(row);
      const bar = element('span', { class: `bar${column.growth ? (value > 0 ? ' growth' : ' shrink') : ''}` });
      bar.style.width = `${(100 * Math.abs(value)) / most}%`;
      made.append(bar);
    }
    return made;
  }
  function lineOf(row, mosts) {
    const line = element('tr', open ? { class: 'row', tabindex: 0, 'aria-expanded': 'false' } : {}, ...columns.map((column, i) => cell(row, column, mosts[i])));
    if (open) {
      line.addEventListener('click', () => toggle(row, line));
      line.addEventListener('keydown', (event) => {
        if (event.target === line && (event.key === 'Enter' || event.key === ' ')) {
          event.preventDefault();
          toggle(row, line);
        }
      });
    }
    return line;
  }
  function draw() {
    const term = state.term.toLowerCase();
    const chosen = (term === '' ? [...rows] : rows.filter((row) => searchable(row).toLowerCase().includes(term))).sort(compare);
    const mosts = columns.map((column) => column.bar ? rows.reduce((most, row) => Math.max(most, Math.abs(column.value(row))), 0) : 0);
    columns.forEach((column, i) => heads[i].setAttribute('aria-sort', column !== state.column ? 'none' : state.descending ? 'descending' : 'ascending'));
    body.replaceChildren(...chosen.slice(0, state.limit).map((row) => lineOf(row, mosts)));
    status.textContent = term === '' ? noun(chosen.length, 'row') : `${count(chosen.length)} of ${noun(rows.length, 'row')}`;
    more.hidden = chosen.length <= state.limit;
    more.textContent = `Show more (${count(chosen.length - state.limit)} left)`;
  }
  const filter = element('input', { type: 'search', id: `${id}-filter`, title: 'function, file or module', oninput: (event) => { state.term = event.target.value.trim(); state.limit = first; draw(); } });
  draw();
  return element('div', { id },
    element('div', { class: 'controls' }, searchable && element('label', { for: `${id}-filter` }, `${filterLabel ?? 'Filter'} `, filter), status),
    element('div', { class: 'scroll' }, element('table', {}, element('thead', {}, element('tr', {}, ...heads)), body)), more);
}
