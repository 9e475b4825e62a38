// A part of the page that is asked for anew - the panel, the head, the list - must not take away what somebody is typing,
// has opened, or where the focus is. What was sent already counts as done and is not put back.
const FIELDS = "input:not([type=hidden]):not([type=checkbox]):not([type=radio]):not([type=file]), textarea, select";
const REFRESHED = "#panel-parts, #case-head";
const sent = new WeakMap(); // form -> what its fields were when it was last sent, by name
const underWay = new WeakMap(); // the same of a form whose answer is not there yet

const initialOf = (field) =>
  field.tagName === "SELECT" ? ([...field.options].find((option) => option.defaultSelected) ?? field.options[0])?.value ?? "" : field.defaultValue;

/** One name for the same field before and after. */
function nameOf(field) {
  const { form } = field;
  const slug = form?.querySelector("input[type=hidden]:is([name=slug], [name=task])")?.value ?? "";
  return [form?.getAttribute("action") ?? "", slug, field.name].join("|");
}

function isTyped(field) {
  const done = sent.get(field.form)?.get(field.name);
  return field.value !== initialOf(field) && field.value !== done;
}

/** Remembers the state of a part; call the result with the part that took its place. */
export function keepTyped(part) {
  const typed = new Map([...part.querySelectorAll(FIELDS)].filter((field) => field.name && isTyped(field)).map((field) => [nameOf(field), {
    value: field.value,
    // What its author saw when it was begun: the server compares it with what stands there now.
    seen: field.form?.querySelector("input[name=seen]")?.value,
  }]));
  const opened = [...part.querySelectorAll("details[open]")].map(wordsOf);
  const focused = part.contains(document.activeElement) ? focusOf(document.activeElement) : null;
  return (fresh) => {
    for (const fold of fresh.querySelectorAll("details:not([open])")) if (opened.includes(wordsOf(fold))) fold.open = true;
    for (const field of fresh.querySelectorAll(FIELDS)) {
      const kept = typed.get(nameOf(field));
      if (kept) putBack(field, kept);
    }
    focused?.(fresh);
  };
}

const wordsOf = (fold) => fold.querySelector("summary")?.textContent.trim() ?? "";

function putBack(field, { value, seen }) {
  field.value = value;
  const before = field.form?.querySelector("input[name=seen]");
  if (before && seen !== undefined) before.value = seen;
  if (!field.form?.hasAttribute("data-save-on-change")) return;
  // A browser tells of a change only when somebody typed after the field was put there.
  let isTold = false;
  field.addEventListener("change", () => (isTold = true), { once: true });
  field.addEventListener("blur", () => isTold || !isTyped(field) || field.dispatchEvent(new Event("change", { bubbles: true })), { once: true });
}

function focusOf(element) {
  const isField = element.matches(FIELDS);
  const name = isField ? nameOf(element) : wordsAndPlace(element);
  const selection = isField && "selectionStart" in element && element.selectionStart !== null ? [element.selectionStart, element.selectionEnd] : null;
  return (fresh) => {
    const same = isField
      ? [...fresh.querySelectorAll(FIELDS)].find((field) => nameOf(field) === name)
      : [...fresh.querySelectorAll(element.tagName)].find((other) => wordsAndPlace(other) === name);
    if (!same) return;
    same.focus({ preventScroll: true });
    if (selection) same.setSelectionRange(...selection);
  };
}

/** A link is where it leads; of a button its form and its words count. */
const wordsAndPlace = (element) =>
  element.getAttribute("href") ?? [element.form?.getAttribute("action") ?? "", element.getAttribute("aria-label") ?? element.textContent.trim()].join("|");

const waiting = new Map(); // id of the part -> what puts its state back

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.shouldSwap && detail.target?.matches?.(REFRESHED)) waiting.set(detail.target.id, keepTyped(detail.target));
});
document.addEventListener("htmx:afterSettle", () => {
  for (const [id, putEverythingBack] of waiting) {
    const fresh = document.getElementById(id);
    waiting.delete(id);
    if (fresh) putEverythingBack(fresh);
  }
});

document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  const form = detail.elt.closest?.("form");
  if (form) underWay.set(form, new Map([...form.querySelectorAll(FIELDS)].map((field) => [field.name, field.value])));
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const form = detail.elt.closest?.("form");
  if (detail.successful && underWay.has(form)) sent.set(form, underWay.get(form));
});
