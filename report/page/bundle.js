// Makes the page's frame: bundle.js PACKAGES OUT puts d3, d3-flame-graph, our scripts and styles into
// index.html, with their hashes in its content security policy. memtrack puts the data in.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

const [packages, out] = process.argv.slice(2);
const read = (...parts) => fs.readFileSync(path.join(...parts), 'utf8');
const own = (name) => read(__dirname, name);

function notice(name) {
  const about = JSON.parse(read(packages, name, 'package.json'));
  const author = typeof about.author === 'string' ? about.author : about.author.name;
  return `/* ${about.name} ${about.version}, ${author}, licence ${about.license} */\n`;
}

// The library brings a style element into being when it is loaded, which the page's policy forbids: the
// same rules are in the page's own style.
function withoutStyle(source) {
  const pattern = /var (\w+)=document\.createElement\("style"\);\1\.textContent=`[^`]*`[,;]document\.head\.appendChild\(\1\);/g;
  if (source.match(pattern)?.length !== 1) throw new Error('d3-flame-graph loads its style in another way than expected');
  return source.replace(pattern, '');
}

const parts = ['data.js', 'amount.js', 'element.js', 'flame.js', 'table.js', 'tables.js', 'memory.js', 'charts.js', 'main.js'];
const script = notice('d3') + read(packages, 'd3', 'dist/d3.min.js') + '\n;' +
  notice('d3-flame-graph') + withoutStyle(read(packages, 'd3-flame-graph', 'dist/d3-flamegraph.umd.min.js')) +
  `\n;(() => {\n'use strict';\n${parts.map(own).join('\n')}\n})();\n`;
const style = read(packages, 'd3-flame-graph', 'dist/d3-flamegraph.css') + '\n' + own('page.css');
for (const [what, body] of [['script', script], ['style', style]]) {
  if (new RegExp(`</${what}|<!--|@[A-Z_]+@`, 'i').test(body)) throw new Error(`the ${what} would end its own element`);
}
const hash = (body) => crypto.createHash('sha256').update(body).digest('base64');
const values = { SCRIPT: script, STYLE: style, SCRIPT_HASH: hash(script), STYLE_HASH: hash(style) };
fs.writeFileSync(out, own('index.html').replace(/@(SCRIPT_HASH|STYLE_HASH|SCRIPT|STYLE)@/g, (_, name) => values[name]));
