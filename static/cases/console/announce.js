// Says things: to everybody as a toast, to readers by ear politely. Parts of the page send `announce` and `toast` events.
import { copyOf } from "./words.js";

const STAYS = 10000; // milliseconds
const announcer = document.getElementById("announcer");
const toasts = document.getElementById("toasts");

export function announce(words) {
  // The same words twice are news only when they were gone in between.
  announcer.textContent = "";
  requestAnimationFrame(() => { announcer.textContent = words; });
}

/** `until`: when what it offers is over, in milliseconds; else it goes after a while. Returns what is shown. */
export function toast({ words, kind = "info", action = null, until = 0 }) {
  const item = copyOf("toast").firstElementChild;
  item.classList.add(kind);
  item.firstElementChild.textContent = words;
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = action.words;
    if (action.key) button.dataset.key = action.key;
    button.addEventListener("click", () => { item.remove(); action.run(); });
    item.firstElementChild.after(button);
  }
  if (until) item.dataset.until = String(until);
  toasts.append(item);
  return item;
}

// A toast goes by itself, but never while somebody points at it or is in it; an error stays until it is sent away.
function letGo(item) {
  if (item.classList.contains("error")) return;
  const until = Number(item.dataset.until ?? 0);
  const go = () => {
    if (!until && item.matches(":hover, :focus-within")) setTimeout(go, 1000);
    else item.remove();
  };
  setTimeout(go, until ? Math.max(0, until - Date.now()) : STAYS);
}

function settle(item) {
  if (item.dataset.settled) return;
  item.dataset.settled = "yes";
  letGo(item);
}

new MutationObserver(() => [...toasts.children].forEach(settle)).observe(toasts, { childList: true });
[...toasts.children].forEach(settle);
toasts.addEventListener("click", (event) => {
  if (event.target.closest("[data-close-toast]")) event.target.closest(".toast").remove();
});
document.addEventListener("announce", (event) => announce(event.detail));
document.addEventListener("toast", (event) => toast(event.detail));
