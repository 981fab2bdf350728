// Elements without markup: whatever is text stays text.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child != null && child !== false));
  return made;
}

// A section with a heading and a place in the navigation.
function addSection(id, title, ...children) {
  const section = element('section', { id, 'aria-labelledby': `${id}-title` }, element('h2', { id: `${id}-title` }, title), ...children);
  document.getElementById('main').append(section);
  document.querySelector('#nav ul').append(element('li', {}, element('a', { href: `#${id}` }, title)));
  return section;
}

const darkScheme = window.matchMedia('(prefers-color-scheme: dark)');

// One hue for each module; neighbours in the list of modules get hues far from each other.
const hues = new Map();
function hueOf(module) {
  if (!hues.has(module)) hues.set(module, (25 + hues.size * 137.5) % 360);
  return hues.get(module);
}
// `name`: shades that tell functions of one module apart.
function colorOf(module, name = '') {
  if (module === '') return darkScheme.matches ? 'hsl(215 10% 38%)' : 'hsl(215 14% 84%)';
  const shift = shadeOf(name);
  return darkScheme.matches ? `hsl(${hueOf(module)} ${34 + shift}% ${32 + shift}%)` : `hsl(${hueOf(module)} ${58 + shift}% ${81 - shift}%)`;
}
const shades = new Map();
function shadeOf(name) {
  if (!shades.has(name)) {
    let sum = 0;
    for (let i = 0; i < name.length; i++) sum = (sum * 31 + name.charCodeAt(i)) | 0;
    shades.set(name, Math.abs(sum % 7) * 2);
  }
  return shades.get(name);
}
function growthColor(growth, whole) {
  const part = whole > 0 ? Math.min(1, Math.sqrt(Math.abs(growth) / whole)) : 0;
  if (growth === 0) return darkScheme.matches ? 'hsl(215 8% 32%)' : 'hsl(215 10% 90%)';
  const hue = growth > 0 ? 6 : 145;
  return darkScheme.matches ? `hsl(${hue} ${20 + 45 * part}% ${32 + 10 * part}%)` : `hsl(${hue} ${30 + 45 * part}% ${90 - 25 * part}%)`;
}
