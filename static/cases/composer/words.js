// The sentences that the composer says by itself. They stand in the page, so that they are translated with it.
export function wordsOf(form) {
  const sentences = new Map();
  for (const each of form.querySelector("template[data-words]")?.content.querySelectorAll("[data-word]") ?? []) {
    sentences.set(each.dataset.word, each.textContent);
  }
  /** The sentence of this name; each %s is replaced by the next value. */
  return (name, ...values) => (sentences.get(name) ?? name).replace(/%s/g, () => String(values.shift() ?? ""));
}
