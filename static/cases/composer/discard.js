// Throwing a draft away can be undone for a while: only then the server hears of it.
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
    const settle = () => {
      clearTimeout(timer);
      removeEventListener("pagehide", leave);
      document.removeEventListener("pane:leaving", leave);
      line.remove();
    };
    // Who goes elsewhere meanwhile gets there.
    const leave = () => {
      settle();
      drafts.throwAway();
    };
    const timer = setTimeout(() => {
      leave();
      if (pane.isConnected) close();
    }, CAN_BE_UNDONE);
    addEventListener("pagehide", leave);
    document.addEventListener("pane:leaving", leave);
    line.querySelector("button").addEventListener("click", () => {
      settle();
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
