// Throwing a draft away can be undone for a while: only then the server hears of it.
import { ask } from "./requests.js";

const CAN_BE_UNDONE = 10_000; // milliseconds

export function openDiscard(form, words, { drafts, isEmpty, close }) {
  const button = form.querySelector("[data-discard]");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", (event) => {
    event.preventDefault();
    if (!drafts.id && isEmpty()) return close();
    const pane = form.closest(".composer");
    const line = lineWith(words);
    pane.hidden = true;
    pane.before(line);
    const throwAway = () => {
      clearTimeout(timer);
      removeEventListener("pagehide", throwAway);
      line.remove();
      const id = drafts.id;
      drafts.stop();
      if (id) ask(`${form.dataset.drafts}${id}/discard/`, { fields: new FormData(), headers: { Accept: "application/json" }, keepalive: true });
      if (pane.isConnected) close();
    };
    const timer = setTimeout(throwAway, CAN_BE_UNDONE);
    addEventListener("pagehide", throwAway);
    document.addEventListener("pane:leaving", throwAway, { once: true });
    line.querySelector("button").addEventListener("click", () => {
      clearTimeout(timer);
      removeEventListener("pagehide", throwAway);
      document.removeEventListener("pane:leaving", throwAway);
      line.remove();
      pane.hidden = false;
      pane.focus();
    });
    line.querySelector("button").focus();
  });
}

function lineWith(words) {
  const line = Object.assign(document.createElement("div"), { className: "discarded" });
  line.setAttribute("role", "status");
  const undo = Object.assign(document.createElement("button"), { type: "button", textContent: words("undo") });
  undo.dataset.key = "z";
  line.append(Object.assign(document.createElement("span"), { textContent: words("discarded") }), undo);
  return line;
}
