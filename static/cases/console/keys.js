// Single keys. Moving and the views are here; every other key is the `data-key` of something on the page, which is
// clicked, or takes the focus when it is a field. The browser's own keys and fields are left alone.
import { areKeysOn, openDialog } from "./help.js";
import { consoleElement } from "./addresses.js";
import { isShown, lookAhead, open } from "./panes.js";
import { currentRow, rowBeside } from "./place.js";

const SEQUENCE = 1200; // milliseconds between g and the second key
const FIELDS = "input:not([type=checkbox], [type=radio], [type=button], [type=submit]), select, textarea, [contenteditable]:not([contenteditable=false]), iframe, object, embed";
const PLACES = { q: "view=queues", m: "view=mine", u: "view=unread" };
let goUntil = 0;

function move(step) {
  const row = rowBeside(step);
  if (!row) return;
  if (!isShown("list")) return open(row.href);
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  lookAhead(row);
}

function select() {
  currentRow()?.closest("li")?.querySelector("input[type=checkbox]")?.click();
}

function search() {
  const field = [...document.querySelectorAll("#list input[type=search], [data-key='/']")].find((each) => each.checkVisibility());
  if (!field) return openDialog("palette");
  field.focus();
  field.select?.();
}

function go(key) {
  const place = PLACES[key];
  if (place) open(`${consoleElement.dataset.root}?${place}`);
}

function trigger(key) {
  const found = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].filter((each) => !each.disabled && each.checkVisibility());
  const last = found.at(-1);
  if (!last) return false;
  if (last.matches(FIELDS)) {
    last.focus();
    if (last.matches("select")) last.showPicker?.();
  } else {
    last.click();
  }
  return true;
}

const OWN = { j: () => move(1), k: () => move(-1), x: select, "/": search, "?": () => openDialog("help") };

function onKey(event) {
  if (event.defaultPrevented || event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
    // A text editor may want this key for links: it says so by preventing the default.
    event.preventDefault();
    return openDialog("palette");
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") return leaveField(event);
  if (!areKeysOn() || event.target.closest?.(FIELDS) || document.querySelector("dialog[open], details.menu[open]")) return;
  const isSecond = performance.now() < goUntil;
  goUntil = 0;
  if (isSecond && PLACES[event.key]) {
    event.preventDefault();
    return go(event.key);
  }
  if (event.key === "g" && !event.repeat) {
    goUntil = performance.now() + SEQUENCE;
    return;
  }
  if (event.repeat && event.key !== "j" && event.key !== "k") return;
  if (OWN[event.key]) {
    event.preventDefault();
    OWN[event.key]();
  } else if (/^[a-z#!\]\[.,]$/.test(event.key) && trigger(event.key)) {
    event.preventDefault();
  }
}

/** Escape leaves a field, so that keys mean something again. */
function leaveField(event) {
  const field = event.target.closest?.(FIELDS);
  if (!field || document.querySelector("dialog[open]")) return;
  field.blur();
  field.closest(".pane")?.focus({ preventScroll: true });
}

document.addEventListener("keydown", onKey);
