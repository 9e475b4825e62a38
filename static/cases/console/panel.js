// The fourth pane, shown or hidden. Where there is room it is open unless it was closed; over the conversation it is
// closed unless it was opened.
import { remember } from "./remember.js";

const consoleElement = document.querySelector(".console");
const button = document.querySelector(".panel-switch");
const hasRoom = matchMedia("(min-width: 1280px)");
const panel = () => document.getElementById("panel");

const isOpen = () => consoleElement.dataset.panel === "open" || (consoleElement.dataset.panel === "" && hasRoom.matches);

function tell() {
  button.hidden = !panel().dataset.load;
  button.setAttribute("aria-expanded", String(isOpen()));
}

function show(open) {
  consoleElement.dataset.panel = open ? "open" : "closed";
  // A drawer over the conversation is a thing of the moment; only the fourth pane is a habit.
  if (hasRoom.matches) remember("panel", open ? "open" : "closed");
  tell();
}

button.addEventListener("click", () => {
  show(!isOpen());
  if (isOpen() && !hasRoom.matches) panel().focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || hasRoom.matches || !isOpen() || !panel().contains(document.activeElement)) return;
  show(false);
  button.focus();
});
hasRoom.addEventListener("change", tell);
document.addEventListener("pane:swapped", (event) => {
  if (event.target.id !== "conversation") return;
  if (!hasRoom.matches && consoleElement.dataset.panel === "open") show(false);
  tell();
});
if (!hasRoom.matches) consoleElement.dataset.panel = "";
tell();
