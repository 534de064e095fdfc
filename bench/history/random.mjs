const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** A seeded generator (sfc32): the same seed gives the same history on every machine. */
export function createRandom(seed) {
  let [a, b, c, counter] = [seed >>> 0, 0x9e3779b9, 0x243f6a88, 1];
  const bits = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  // The first outputs still show the seed.
  for (let i = 0; i < 20; i++) bits();
  const unit = () => bits() / 2 ** 32;
  const hex = () => bits().toString(16).padStart(8, '0');
  const between = (low, high) => low + Math.floor(unit() * (high - low + 1));
  return {
    unit,
    between,
    chance: (probability) => unit() < probability,
    pick: (list) => list[Math.floor(unit() * list.length)],
    /** Equally likely on a logarithmic scale. */
    logUniform: (low, high) => Math.round(low * (high / low) ** unit()),
    /** Log-normal: `median`, and a tail that `sigma` makes heavy. */
    heavyTailed: (median, sigma) => Math.max(1, Math.round(median * Math.exp(sigma * normal(unit)))),
    uuid() {
      const text = hex() + hex() + hex() + hex();
      const variant = '89ab'[between(0, 3)];
      return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-${variant}${text.slice(17, 20)}-${text.slice(20)}`;
    },
    hex: (length) => {
      let text = '';
      while (text.length < length) text += hex();
      return text.slice(0, length);
    },
    token: (prefix, length) => {
      let text = prefix;
      for (let i = 0; i < length; i++) text += ALPHABET[between(0, ALPHABET.length - 1)];
      return text;
    },
  };
}

function normal(unit) {
  return Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit());
}
