// Completes @names in notes: a list under the field, chosen with the arrows and Enter or Tab, or with the pointer.
const WORD = /(^|[^\w.+-])@([\w.@+-]*)$/;
let list = null;
let field = null;
let asked = 0;

function close() {
  asked++; // an answer that is still on its way comes too late
  list?.remove();
  list = null;
  field?.removeAttribute("aria-activedescendant");
  field?.removeAttribute("aria-controls");
  field?.setAttribute("aria-expanded", "false");
}

async function look() {
  const found = WORD.exec(field.value.slice(0, field.selectionStart));
  if (!found) return close();
  narrow(found[2].toLowerCase());
  const mine = ++asked;
  try {
    const answer = await fetch(`${field.dataset.mentions}?q=${encodeURIComponent(found[2])}`, { credentials: "same-origin" });
    const people = answer.ok ? await answer.json() : [];
    if (mine === asked) show(people);
  } catch {
    if (mine === asked) close(); // without a connection names are typed in full
  }
}

function show(people) {
  close();
  if (!people.length) return;
  list = document.createElement("ul");
  list.className = "mention-list";
  list.id = "mention-list";
  list.setAttribute("role", "listbox");
  people.forEach((person, index) => {
    const item = document.createElement("li");
    item.id = `mention-${index}`;
    item.setAttribute("role", "option");
    item.dataset.username = person.username;
    item.textContent = person.name ? `${person.name} @${person.username}` : `@${person.username}`;
    item.addEventListener("mousedown", (event) => { event.preventDefault(); choose(item); });
    list.append(item);
  });
  field.after(list);
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-expanded", "true");
  mark(list.firstElementChild);
}

/** Until the answer comes: who was found for fewer letters and cannot be meant any more is not offered. */
function narrow(word) {
  if (!list) return;
  for (const item of [...list.children]) if (!item.textContent.toLowerCase().includes(word)) item.remove();
  if (!list.children.length) close();
  else if (!marked()) mark(list.firstElementChild);
}

const marked = () => list.querySelector("[aria-selected=true]");

function mark(item) {
  marked()?.setAttribute("aria-selected", "false");
  item.setAttribute("aria-selected", "true");
  item.scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", item.id);
}

function choose(item) {
  const before = field.value.slice(0, field.selectionStart).replace(WORD, `$1@${item.dataset.username} `);
  field.value = before + field.value.slice(field.selectionStart);
  field.setSelectionRange(before.length, before.length);
  close();
}

document.addEventListener("input", (event) => {
  if (!event.target.dataset?.mentions) return;
  field = event.target;
  field.setAttribute("aria-autocomplete", "list");
  look();
});

document.addEventListener("keydown", (event) => {
  if (!list || event.target !== field) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    const items = [...list.children];
    mark(items[(items.indexOf(marked()) + step + items.length) % items.length]);
  } else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") {
    choose(marked());
  } else if (event.key === "Escape") {
    close();
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}, true);

document.addEventListener("focusout", (event) => {
  if (event.target === field) setTimeout(close, 100);
});
