// Ctrl+K: every command of the page, views, cases and search in one list. A combobox with its listbox (WAI-ARIA).
import { consoleElement } from "./addresses.js";
import { match } from "./fuzzy.js";
import { open } from "./panes.js";
import { word } from "./words.js";

const MOST = 50;
const dialog = document.getElementById("palette");
const field = dialog.querySelector("input");
const list = dialog.querySelector("[role=listbox]");
const none = dialog.querySelector(".palette-none");
let offered = [];
let chosen = 0;

// What is nearest to the work comes first: the case, its list, then what is always there.
const NEAREST = ["#conversation", "#panel", "#list", "#toasts", "#views"];

function commands(place) {
  const found = new Map();
  for (const element of document.querySelectorAll(`${place} [data-command]`)) {
    const words = element.dataset.command;
    if (element.disabled || element.getAttribute("aria-disabled") === "true" || element.closest("[hidden]")) continue;
    // The same command in several places is one.
    if (!found.has(words)) found.set(words, { words, hint: "", key: element.dataset.key ?? "", run: () => use(element) });
  }
  return [...found.values()];
}

function use(element) {
  if (element.matches("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]")) {
    for (let fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    element.focus();
    if (element.matches("select")) element.showPicker?.();
  } else {
    element.click();
  }
}

function views() {
  return [...document.querySelectorAll("#views li a[href]")].map((link) => ({
    words: link.querySelector("bdi")?.textContent ?? link.textContent.trim(), hint: word("view"), key: link.dataset.key ?? "", run: () => link.click(),
  }));
}

function typedEntries(typed) {
  if (!typed) return [];
  const root = consoleElement.dataset.root;
  const number = /^#?0*(\d{1,12})$/.exec(typed);
  const asked = { words: `${word("search")} “${typed}”`, hint: "", key: "", run: () => open(`${root}?${new URLSearchParams({ q: typed })}`) };
  if (!number) return [asked];
  return [{ words: `${word("go")} ${number[1].padStart(8, "0")}`, hint: "", key: "", run: () => open(`${root}${number[1]}/`) }, asked];
}

function offer() {
  const typed = field.value.trim();
  const known = [...NEAREST.flatMap((place) => commands(place)), ...views(), ...commands(".bar")]
    .map((entry) => ({ ...entry, ...match(typed, entry.words) }))
    .filter((entry) => entry.score !== undefined)
    .sort((one, other) => other.score - one.score);
  const isNumber = /^#?\d+$/.test(typed);
  offered = (isNumber ? [...typedEntries(typed), ...known] : [...known, ...typedEntries(typed)]).slice(0, MOST);
  chosen = 0;
  list.replaceChildren(...offered.map(option));
  none.hidden = offered.length > 0;
  list.hidden = !offered.length;
  field.setAttribute("aria-expanded", String(offered.length > 0));
  choose(0);
}

function option(entry, index) {
  const item = document.createElement("li");
  item.id = `palette-${index}`;
  item.role = "option";
  const words = document.createElement("span");
  words.append(...marked(entry));
  item.append(words);
  if (entry.hint) item.append(labelled("span", "label", entry.hint));
  if (entry.key) item.append(labelled("kbd", "", entry.key));
  return item;
}

function labelled(name, kind, text) {
  const element = document.createElement(name);
  if (kind) element.className = kind;
  element.textContent = text;
  return element;
}

function marked({ words, at }) {
  const places = new Set(at ?? []);
  return [...words].map((letter, index) => (places.has(index) ? labelled("mark", "", letter) : letter));
}

function choose(index) {
  if (!offered.length) return field.removeAttribute("aria-activedescendant");
  chosen = (index + offered.length) % offered.length;
  [...list.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === chosen)));
  field.setAttribute("aria-activedescendant", `palette-${chosen}`);
  list.children[chosen].scrollIntoView({ block: "nearest" });
}

function run(entry) {
  dialog.close();
  entry?.run();
}

const STEPS = { ArrowDown: () => chosen + 1, ArrowUp: () => chosen - 1, PageDown: () => Math.min(chosen + 8, offered.length - 1), PageUp: () => Math.max(chosen - 8, 0) };

field.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (STEPS[event.key]) choose(STEPS[event.key]());
  else if (event.key === "Enter") run(offered[chosen]);
  else return;
  event.preventDefault();
});
field.addEventListener("input", offer);
list.addEventListener("mousemove", (event) => {
  const item = event.target.closest("[role=option]");
  if (item && item.getAttribute("aria-selected") !== "true") choose([...list.children].indexOf(item));
});
list.addEventListener("click", (event) => {
  const item = event.target.closest("[role=option]");
  if (item) run(offered[[...list.children].indexOf(item)]);
});
dialog.addEventListener("dialog:opened", () => {
  field.value = "";
  offer();
  field.focus();
});
