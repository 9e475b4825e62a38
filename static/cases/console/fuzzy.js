// How well typed letters name something: all letters in order, better at the starts of words and side by side.
/** null: not at all; else {score, at} with the places of the letters. */
export function match(typed, name) {
  const letters = [...typed.toLowerCase().replace(/\s+/g, "")];
  const words = [...name.toLowerCase()];
  if (!letters.length) return { score: 0, at: [] };
  const whole = name.toLowerCase().indexOf(typed.toLowerCase().trim());
  if (whole >= 0) {
    const length = [...typed.trim()].length;
    const start = [...name.slice(0, whole)].length;
    const isWord = start === 0 || /\W/.test(words[start - 1]);
    return { score: 1000 - start + (isWord ? 500 : 0), at: Array.from({ length }, (_, index) => start + index) };
  }
  const at = [];
  let score = 0;
  let from = 0;
  for (const letter of letters) {
    const place = nextPlace(words, letter, from);
    if (place < 0) return null;
    if (place === from) score += 8;
    if (place === 0 || /[\s\W]/.test(words[place - 1])) score += 12;
    score -= Math.min(place - from, 10);
    at.push(place);
    from = place + 1;
  }
  return { score, at };
}

/** The start of a word if one of the rest has it, else the next one. */
function nextPlace(words, letter, from) {
  const next = words.indexOf(letter, from);
  if (next === from || next < 0) return next;
  for (let place = next; place >= 0; place = words.indexOf(letter, place + 1)) {
    if (place === 0 || /[\s\W]/.test(words[place - 1])) return place;
  }
  return next;
}
