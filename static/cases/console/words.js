// Sentences that scripts show. They stand in the page (cases/console/templates.html), where they are translated.
const all = document.getElementById("words").content;

export function word(name) {
  return all.querySelector(`[data-word="${name}"]`).textContent;
}

export function copyOf(id) {
  return document.getElementById(id).content.cloneNode(true);
}
