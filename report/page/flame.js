// The flame graph: one of two trees, one measure, drawn by d3-flame-graph.
const flame = { chart: null, root: null, chosen: null, tree: 'down', measure: measures[0], group: LAST, inverted: true };

// Of two reports, the one whose values are the widths.
const flameGroup = () => (comparing ? flame.group : view.group);
function flameValue(node) {
  return valueOf(node.record, 2, flame.measure.column, flameGroup());
}

// d3-flame-graph marks the nodes that it is given: each drawing gets nodes of its own.
function flameNodes(node) {
  const root = { source: node, name: node.name, value: flameValue(node), children: [] };
  const waiting = [root];
  while (waiting.length > 0) {
    const at = waiting.pop();
    for (const child of at.source.children) {
      const value = flameValue(child);
      if (value === 0) continue;
      const made = { source: child, name: child.name, value, children: [] };
      at.children.push(made);
      waiting.push(made);
    }
    at.children.sort((a, b) => b.value - a.value);
  }
  return root;
}

const trees = {};
function flameTree() {
  trees[flame.tree] ??= treeOf(data[flame.tree]);
  return trees[flame.tree];
}

function flameDescribe(node) {
  const { source, value } = node.data;
  const whole = flame.root.value;
  const beside = valueOf(source.record, 2, flame.measure.beside, flameGroup());
  const parts = [`${amount(value, flame.measure.bytes)} (${count(value)}), ${share(value, whole)} of all`,
    flame.measure.bytes ? noun(beside, flame.measure.noun) : bytes(beside)];
  if (comparing) parts.push(`${signed(growthOf(source.record, 2, flame.measure.column), flame.measure.bytes)} since the first report`);
  return parts.join(', ');
}

function showDetails(node) {
  const place = document.getElementById('flame-details');
  if (!node) {
    place.textContent = 'Click or press Enter to zoom, Escape to go back; arrow keys move from frame to frame.';
    return;
  }
  const { source } = node.data;
  place.replaceChildren(element('b', {}, source.name), ` ${source.module ? `[${baseName(source.module)}] ` : ''}`,
    source.file ? `${source.file}${source.line ? `:${source.line}` : ''} ` : '', element('br'), flameDescribe(node));
}

function frameOf(node) {
  return d3.select('#flame-chart').selectAll('g.frame').filter((other) => other === node);
}

// Moves the mark that the keyboard uses; the frame comes into view.
function chooseFrame(node) {
  d3.select('#flame-chart').selectAll('g.frame').classed('chosen', (other) => other === node);
  flame.chosen = node;
  showDetails(node);
  frameOf(node).node()?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
}

function visibleChildren(node) {
  return (node.children ?? []).filter((child) => !frameOf(child).empty());
}

function frameAside(node, step) {
  const siblings = node.parent ? visibleChildren(node.parent).sort((a, b) => a.x0 - b.x0) : [node];
  return siblings[siblings.indexOf(node) + step];
}

function flameKey(event) {
  const from = flame.chosen ?? flame.hierarchy();
  const inwards = flame.inverted ? 'ArrowDown' : 'ArrowUp';
  const outwards = flame.inverted ? 'ArrowUp' : 'ArrowDown';
  const moves = {
    [inwards]: () => visibleChildren(from).sort((a, b) => b.value - a.value)[0],
    [outwards]: () => from.parent,
    ArrowLeft: () => frameAside(from, -1),
    ArrowRight: () => frameAside(from, 1),
  };
  if (event.key in moves) chooseFrame(moves[event.key]() ?? from);
  else if (event.key === 'Enter' || event.key === ' ') flame.chart.zoomTo(from);
  else if (event.key === 'Escape') resetFlame();
  else return;
  event.preventDefault();
}

function resetFlame() {
  flame.chart.resetZoom();
  flame.chosen = null;
  showDetails(null);
}

function flameColor(node) {
  if (node.highlight) return darkScheme.matches ? 'hsl(300 55% 48%)' : 'hsl(300 80% 76%)';
  const { source } = node.data;
  if (comparing) return growthColor(growthOf(source.record, 2, flame.measure.column), Math.max(...[0, 1].map((r) => valueOf(source.record, 2, flame.measure.column, r))));
  return colorOf(source.module, source.name);
}

function searchFlame(term) {
  const found = document.getElementById('flame-found');
  if (term === '') {
    flame.chart.clear();
    found.textContent = '';
  } else {
    flame.chart.search(term);
  }
}

function drawFlame() {
  const place = document.getElementById('flame-chart');
  const reduced = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
  place.replaceChildren();
  flame.root = flameNodes(flameTree());
  flame.chosen = null;
  flame.hierarchy = () => d3.select('#flame-chart').datum();
  flame.chart = flamegraph.default()
    .width(Math.max(300, place.clientWidth - 2)).cellHeight(19).minFrameSize(2)
    .transitionDuration(reduced ? 0 : 250).inverted(flame.inverted).sort((a, b) => b.data.value - a.data.value)
    .setColorMapper(flameColor)
    .setLabelHandler((node) => `${node.data.name}: ${flameDescribe(node)}`)
    .onHover((node) => showDetails(node))
    .onClick((node) => chooseFrame(node))
    .setSearchMatch((node, term) => node.data.name.toLowerCase().includes(term.toLowerCase()) ||
      node.data.source.module.toLowerCase().includes(term.toLowerCase()))
    .setSearchHandler((results, sum, total) => {
      document.getElementById('flame-found').textContent =
        `${noun(results.length, 'frame')} found, with ${amount(sum, flame.measure.bytes)}, ${share(sum, total)} of all`;
    })
    .setDetailsHandler(() => {});
  const svgHeight = flame.root.value > 0;
  if (svgHeight) d3.select(place).datum(flame.root).call(flame.chart);
  else place.append(element('p', { class: 'note' }, flame.measure.id === 'peak' && phaseOf(view.group) ? 'Nothing to show: call sites’ shares are kept of the peak of the whole run alone, which is not in this phase.' : 'Nothing to show: no call site has any of this.'));
  showDetails(null);
  const term = document.getElementById('flame-search').value;
  if (term !== '' && svgHeight) searchFlame(term);
  drawLegend();
}

// The modules of the frames, those with most of the graph first.
function modulesDrawn() {
  const sums = new Map();
  const waiting = [flame.root];
  while (waiting.length > 0) {
    const at = waiting.pop();
    if (at !== flame.root) sums.set(at.source.module, (sums.get(at.source.module) ?? 0) + at.value);
    waiting.push(...at.children);
  }
  return [...sums].sort((a, b) => b[1] - a[1]);
}

function drawLegend() {
  const items = comparing
    ? [['grew', growthColor(1, 1)], ['shrank', growthColor(-1, 1)], ['unchanged', growthColor(0, 1)]]
    : modulesDrawn().slice(0, 12).map(([module]) => [module ? baseName(module) : 'unknown', colorOf(module)]);
  document.getElementById('flame-legend').replaceChildren(...items.map(([name, color]) => {
    const swatch = element('span', { class: 'swatch' });
    swatch.style.background = color;
    return element('li', {}, swatch, name);
  }));
}

// Zooms to where a stack (innermost first) leads, as far as the tree has it.
function showInFlame(stack, measure) {
  if (measure) {
    flame.measure = measure;
    document.getElementById('flame-measure').value = measure.id;
  }
  drawFlame();
  const path = flame.tree === 'down' ? [...stack].reverse() : stack;
  let node = flame.hierarchy();
  for (const at of path) {
    const next = node?.children?.find((child) => child.data.name === at.name && child.data.source.module === at.module);
    if (!next) break;
    node = next;
  }
  if (node?.parent) flame.chart.zoomTo(node);
  document.getElementById('flame').scrollIntoView();
  document.getElementById('flame-chart').focus({ preventScroll: true });
}

function selectOf(id, label, options, value, changed) {
  const select = element('select', { id, onchange: (event) => changed(event.target.value) },
    ...options.map(([key, title]) => element('option', { value: key, selected: key === value }, title)));
  return element('label', { for: id }, `${label} `, select);
}

function addFlame() {
  const search = element('input', { type: 'search', id: 'flame-search', title: 'function or module', oninput: (event) => searchFlame(event.target.value.trim()) });
  const controls = element('div', { class: 'controls' },
    selectOf('flame-measure', 'Show', measures.map((m) => [m.id, m.title]), flame.measure.id, (id) => { flame.measure = measures.find((m) => m.id === id); drawFlame(); }),
    selectOf('flame-tree', 'starting from', [['down', 'callers (main first)'], ['up', 'the allocating function']], flame.tree, (tree) => { flame.tree = tree; drawFlame(); }),
    selectOf('flame-inverted', 'root', [['top', 'at the top'], ['bottom', 'at the bottom']], 'top', (side) => { flame.inverted = side === 'top'; drawFlame(); }),
    comparing && selectOf('flame-report', 'widths of', [['1', 'the second report'], ['0', 'the first report']], '1', (report) => { flame.group = Number(report); drawFlame(); }),
    element('label', { for: 'flame-search' }, 'Search ', search),
    element('button', { type: 'button', id: 'flame-reset', onclick: resetFlame }, 'Reset zoom'),
    element('span', { id: 'flame-found', role: 'status' }));
  const shown = data.down.nodes.length + data.up.nodes.length;
  const all = data.down.all + data.up.all;
  addSection('flame', 'Flame graph', controls,
    element('div', { id: 'flame-chart', class: 'chart', tabindex: 0, role: 'application', 'aria-label': 'Flame graph; arrow keys move, Enter zooms, Escape resets', onkeydown: flameKey }),
    element('div', { id: 'flame-details', class: 'details', role: 'status' }),
    element('ul', { id: 'flame-legend', class: 'legend' }),
    shown < all && element('p', { class: 'note' }, `${count(all - shown)} of ${noun(all, 'frame')} are left out, each with less than one ${count(Math.max(data.down.parts, data.up.parts))}th of everything; they show as gaps.`));
  drawFlame();
}
