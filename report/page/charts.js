// The timeline with its brush, and histograms.
const curves = [
  ['heap', 'live heap', 1], ['peak', 'most since the point before', 2], ['mapped', 'mappings', 3], ['resident', 'resident set', 4],
];

// A curve so many times above the heap's peak is not drawn until it is asked for.
const CURVE_MOST = 5;
// Names of phases that can be told apart in the timeline.
const PHASES_NAMED = 40;

function timelineScales(points, width, height, shown) {
  const x = d3.scaleLinear().domain([points[0][0], points[points.length - 1][0]]).range([0, width]);
  const most = d3.max(points, (point) => d3.max(shown, ([, , index]) => point[index]) ?? 0);
  return { x, y: d3.scaleLinear().domain([0, (most || 1) * 1.05]).range([height, 0]) };
}

function drawCurves(group, points, scales, shown) {
  group.selectAll('path.area').data(shown.some(([id]) => id === 'heap') ? [points] : []).join('path').attr('class', 'area')
    .attr('d', d3.area().x((p) => scales.x(p[0])).y0(scales.y(0)).y1((p) => scales.y(p[1])));
  group.selectAll('path.curve').data(shown).join('path').attr('class', ([id]) => `curve ${id}`)
    .attr('d', ([, , index]) => d3.line().x((p) => scales.x(p[0])).y((p) => scales.y(p[index]))(points));
}

// The highest point of the heap among those that are shown.
function markPeak(group, part, scales, shown) {
  const top = d3.greatest(part, (p) => Math.max(p[1], p[2]));
  const most = Math.max(top[1], top[2]);
  const seen = shown.some(([id]) => id === 'heap' || id === 'peak') && most > 0 ? [top] : [];
  const [x, y] = [scales.x(top[0]), scales.y(most)];
  const right = x > (scales.x.range()[1] * 2) / 3;
  group.selectAll('circle.top').data(seen).join('circle').attr('class', 'top').attr('r', 3.5).attr('cx', x).attr('cy', y);
  group.selectAll('text.top-name').data(seen).join('text').attr('class', 'top-name').attr('text-anchor', right ? 'end' : 'start')
    .attr('x', x + (right ? -8 : 8)).attr('y', Math.max(11, y - 6)).text(`most: ${bytes(most)}`);
}

function addTimeline(report) {
  const facts = data.reports[report];
  const points = facts.points;
  if (points.length < 2) return;
  const known = curves.filter(([id, , index]) => id === 'heap' || points.some((point) => point[index] > 0));
  // Beside what is many times as large, the heap would be a line at the bottom.
  const peak = d3.max(points, (point) => Math.max(point[1], point[2]));
  let shown = known.filter(([, , index]) => d3.max(points, (point) => point[index]) <= CURVE_MOST * peak);
  const hidden = known.filter((curve) => !shown.includes(curve));
  const title = comparing ? `Timeline of the ${report === 0 ? 'first' : 'second'} report` : 'Timeline';
  const readout = element('div', { class: 'details', role: 'status', id: `timeline-range-${report}` });
  const place = element('div', { class: 'chart', tabindex: 0, role: 'application', 'aria-label': `${title}; plus and minus zoom, arrow keys move the range, Escape shows all` });
  const legend = element('ul', { class: 'legend' }, ...known.map((curve) => {
    const swatch = element('span', { class: 'swatch' });
    swatch.style.background = `var(--${curve[0]})`;
    const box = element('input', { type: 'checkbox', checked: shown.includes(curve), onchange: () => {
      shown = known.filter((other) => other === curve ? box.checked : shown.includes(other));
      draw(...range);
    } });
    return element('li', {}, element('label', {}, box, ' ', swatch, curve[1]));
  }));
  addSection(report === LAST ? 'timeline' : 'timeline-first', title, place, readout, legend,
    hidden.length > 0 && element('p', { class: 'note' }, `Not drawn until you tick it, for it is more than ${CURVE_MOST} times the heap: ${hidden.map(([, name, index]) => `${name} (up to ${bytes(d3.max(points, (point) => point[index]))})`).join(', ')}.`));
  const margin = { left: 74, right: 26, top: 14, bottom: 22 };
  const width = Math.max(300, place.clientWidth) - margin.left - margin.right;
  const [height, small] = [220, 46];
  const svg = d3.select(place).append('svg').attr('width', width + margin.left + margin.right).attr('height', height + small + 44);
  const clip = `clip-${report}`;
  svg.append('clipPath').attr('id', clip).append('rect').attr('width', width).attr('height', height);
  const main = svg.append('g').attr('transform', `translate(${margin.left},${margin.top})`);
  const grid = main.append('g').attr('class', 'grid');
  const body = main.append('g').attr('clip-path', `url(#${clip})`);
  const axisX = main.append('g').attr('class', 'axis').attr('transform', `translate(0,${height})`);
  const axisY = main.append('g').attr('class', 'axis');
  const overview = svg.append('g').attr('transform', `translate(${margin.left},${margin.top + height + 30})`);
  const whole = timelineScales(points, width, small, shown);
  drawCurves(overview, points, timelineScales(points, width, small, known.slice(0, 1)), known.slice(0, 1));

  let drawn = null;
  function draw(from, to) {
    const first = Math.max(0, d3.bisector((p) => p[0]).left(points, from) - 1);
    const part = points.slice(first, d3.bisector((p) => p[0]).right(points, to) + 1);
    const scales = timelineScales(part.length > 1 ? part : points, width, height, shown);
    scales.x.domain([from, to]);
    drawCurves(body, part, scales, shown);
    const ticks = byteTicks(scales.y.domain()[1], 6);
    axisX.call(d3.axisBottom(scales.x).ticks(Math.max(2, Math.min(8, width / 90))).tickFormat(duration));
    axisY.call(d3.axisLeft(scales.y).tickValues(ticks).tickFormat(bytes));
    grid.call(d3.axisLeft(scales.y).tickValues(ticks).tickSize(-width).tickFormat(''));
    drawn = { part, scales };
    markPeak(body, part, scales, shown);
    const phases = facts.phases.filter(([at, name]) => name !== '' && at >= from && at <= to);
    body.selectAll('line.phase').data(phases).join('line').attr('class', 'phase').attr('y2', height).attr('x1', ([at]) => scales.x(at)).attr('x2', ([at]) => scales.x(at));
    body.selectAll('text.phase-name').data(phases.length <= PHASES_NAMED ? phases : []).join('text').attr('class', 'phase-name').attr('y', 12).attr('x', ([at]) => scales.x(at) + 4).text(([, name]) => name);
    const inside = part.filter((p) => p[0] >= from && p[0] <= to);
    if (inside.length === 0) return;
    const [start, end] = [inside[0], inside[inside.length - 1]];
    readout.textContent = `From ${duration(start[0])} to ${duration(end[0])}: live heap ${bytes(start[1])} → ${bytes(end[1])} (${signed(end[1] - start[1], true)}), ` +
      `at most ${bytes(d3.max(inside, (p) => Math.max(p[1], p[2])))}`;
  }
  // Under the pointer, the point before it.
  const cross = body.append('line').attr('class', 'cross').attr('y2', height).attr('visibility', 'hidden');
  main.append('rect').attr('class', 'catch').attr('width', width).attr('height', height)
    .on('pointermove', (event) => {
      const { part, scales } = drawn;
      const at = Math.max(0, d3.bisector((p) => p[0]).right(part, scales.x.invert(d3.pointer(event)[0])) - 1);
      cross.attr('visibility', 'visible').attr('x1', scales.x(part[at][0])).attr('x2', scales.x(part[at][0]));
      readout.textContent = `At ${duration(part[at][0])}: ${known.map(([, name, index]) => `${name} ${bytes(part[at][index])}`).join(', ')}`;
    })
    .on('pointerleave', () => {
      cross.attr('visibility', 'hidden');
      draw(...range);
    });
  const [begin, end] = whole.x.domain();
  let range = [begin, end];
  const brush = d3.brushX().extent([[0, 0], [width, small]]).on('brush end', (event) => {
    if (!event.sourceEvent && event.type === 'brush') return;
    range = event.selection ? event.selection.map(whole.x.invert) : [begin, end];
    draw(...range);
  });
  const brushGroup = overview.append('g').attr('class', 'brush').call(brush);
  function select(from, to) {
    range = [Math.max(begin, from), Math.min(end, to)];
    const all = range[0] === begin && range[1] === end;
    brushGroup.call(brush.move, all ? null : range.map(whole.x));
    draw(...range);
  }
  place.addEventListener('keydown', (event) => {
    const [from, to] = range;
    const step = (to - from) / 4;
    if (event.key === '+') select(from + step, to - step);
    else if (event.key === '-') select(from - step, to + step);
    else if (event.key === 'ArrowLeft') select(Math.max(begin, from - step), Math.max(begin, from - step) + (to - from));
    else if (event.key === 'ArrowRight') select(Math.min(end, to + step) - (to - from), Math.min(end, to + step));
    else if (event.key === 'Escape') select(begin, end);
    else return;
    event.preventDefault();
  });
  draw(begin, end);
}

// Bars of equal width, one for each [label, value].
function histogram(title, bars, unit) {
  const place = element('div', { class: 'hist' }, element('h3', {}, title));
  const [width, height, left, bottom] = [560, 190, 66, 62];
  const svg = d3.select(place).append('svg').attr('viewBox', `0 0 ${width} ${height + bottom}`).attr('role', 'img').attr('aria-label', title);
  const x = d3.scaleBand().domain(bars.map(([label]) => label)).range([left, width]).padding(0.12);
  const y = d3.scaleLinear().domain([0, d3.max(bars, ([, value]) => value) || 1]).nice(4).range([height, 8]);
  svg.append('g').attr('class', 'grid').attr('transform', `translate(${left},0)`).call(d3.axisLeft(y).ticks(4).tickSize(-(width - left)).tickFormat(''));
  svg.append('g').attr('class', 'axis').attr('transform', `translate(${left},0)`).call(d3.axisLeft(y).ticks(4).tickFormat((tick) => (tick === 0 ? '0' : d3.format('~s')(tick))));
  svg.append('g').attr('class', 'axis').attr('transform', `translate(0,${height})`).call(d3.axisBottom(x))
    .selectAll('text').attr('transform', 'rotate(-40)').attr('text-anchor', 'end').attr('dx', '-.4em').attr('dy', '.4em');
  svg.append('g').selectAll('rect').data(bars).join('rect').attr('x', ([label]) => x(label)).attr('width', x.bandwidth())
    .attr('y', ([, value]) => y(value)).attr('height', ([, value]) => height - y(value))
    .append('title').text(([label, value]) => `${label}: ${noun(value, unit)}`);
  return place;
}

// Sizes by powers of two: what the report has is finer than a page can draw.
function sizeBars(sizes) {
  const sums = new Map();
  for (const [top, allocations] of sizes) {
    const bucket = top <= 8 ? 8 : 2 ** Math.ceil(Math.log2(top));
    sums.set(bucket, (sums.get(bucket) ?? 0) + allocations);
  }
  return [...sums].sort((a, b) => a[0] - b[0]).map(([top, allocations]) => [`≤ ${bytes(top)}`, allocations]);
}

function lifetimeBars(values, first, unit) {
  const last = values.findLastIndex((value) => value > 0);
  return values.slice(0, last + 1).map((value, i) => [i === values.length - 1 ? 'longer' : `< ${unit(4 ** (i + first))}`, value]);
}

function addHistograms() {
  const facts = data.reports[LAST];
  const parts = [];
  if (facts.sizes.length > 0) parts.push(histogram('Allocations by requested size', sizeBars(facts.sizes), 'allocation'));
  if (facts.lifetimeBytes.some((value) => value > 0)) parts.push(histogram('Lifetimes, in bytes allocated meanwhile', lifetimeBars(facts.lifetimeBytes, 2, bytes), 'block'));
  if (facts.lifetimeTime.some((value) => value > 0)) parts.push(histogram('Lifetimes, in time', lifetimeBars(facts.lifetimeTime, 4, duration), 'block'));
  const [usable, moved, other] = facts.usage;
  const live = facts.totals[1];
  const lines = [];
  if (facts.sizes.length > 0 && !facts.lifetimeBytes.some((value) => value > 0)) lines.push('Lifetimes were not measured: run the program with MEMTRACK_OPTIONS=lifetimes=1.');
  if (usable > live) lines.push(`Slack: the allocator rounds what is still allocated up by ${bytes(usable - live)}, ${share(usable - live, usable)} of what it gave.`);
  if (moved > 0) lines.push(`Reallocs that moved their block copied ${bytes(moved)}.`);
  if (other > 0) lines.push(`${noun(other, 'block')} ${other === 1 ? 'was' : 'were'} freed by another thread than the one that allocated.`);
  if (parts.length + lines.length > 0) addSection('histograms', 'Sizes and lifetimes', element('div', { class: 'columns' }, ...parts), ...lines.map((line) => element('p', { class: 'note' }, line)));
}
