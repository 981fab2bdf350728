// How numbers look.
const grouped = new Intl.NumberFormat('en-US');
function count(number) {
  return grouped.format(number);
}
function noun(number, word) {
  return `${count(number)} ${word}${number === 1 ? '' : 's'}`;
}
function bytes(number) {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  let rest = Math.abs(number);
  while (rest >= 1024 && unit < units.length - 1) {
    rest /= 1024;
    unit++;
  }
  const sign = number < 0 ? '−' : '';
  return unit === 0 ? `${sign}${noun(rest, 'byte')}` : `${sign}${rest.toFixed(rest < 100 ? 1 : 0)} ${units[unit]}`;
}
function amount(number, isBytes) {
  return isBytes ? bytes(number) : count(number);
}
function signed(number, isBytes) {
  return number === 0 ? '±0' : (number > 0 ? '+' : '') + amount(number, isBytes).replace(/^-/, '−');
}
function share(part, whole) {
  return whole > 0 ? `${((100 * part) / whole).toFixed(1)}%` : '0.0%';
}
function duration(ns) {
  if (ns >= 60e9) return `${Math.floor(ns / 60e9)} min ${Math.round((ns % 60e9) / 1e9)} s`;
  if (ns >= 1e9) return `${(ns / 1e9).toFixed(2)} s`;
  if (ns >= 1e6) return `${(ns / 1e6).toFixed(1)} ms`;
  return ns >= 1e3 ? `${(ns / 1e3).toFixed(1)} µs` : `${Math.round(ns)} ns`;
}
// Round values from 0 to `most` for an axis of bytes: powers of two and their quarters.
function byteTicks(most, wanted) {
  let step = 1;
  while (most / step > wanted) step *= 2;
  return d3.range(0, most + step / 2, step).filter((tick) => tick <= most);
}
