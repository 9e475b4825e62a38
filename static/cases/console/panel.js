// The fourth pane, shown or hidden. Where there is room it is open unless it was closed; over the conversation it is
// closed unless it was opened, and while it lies there nothing behind it can be reached.
import { remember } from "./remember.js";

const consoleElement = document.querySelector(".console");
const button = document.querySelector(".panel-switch");
const behind = document.querySelectorAll(".skip, .bar, #views, #main");
const hasRoom = matchMedia("(min-width: 1280px)");
const panel = () => document.getElementById("panel");

const isOpen = () => consoleElement.dataset.panel === "open" || (consoleElement.dataset.panel === "" && hasRoom.matches);
const isDrawer = () => isOpen() && !hasRoom.matches;

function tell() {
  button.hidden = !panel().dataset.load;
  button.setAttribute("aria-expanded", String(isOpen()));
  for (const part of behind) part.inert = isDrawer();
}

function show(open) {
  consoleElement.dataset.panel = open ? "open" : "closed";
  // A drawer over the conversation is a thing of the moment; only the fourth pane is a habit.
  if (hasRoom.matches) remember("panel", open ? "open" : "closed");
  tell();
}

function closeDrawer() {
  show(false);
  button.focus();
}

button.addEventListener("click", () => {
  show(!isOpen());
  if (isDrawer()) panel().focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !isDrawer() || document.querySelector("dialog[open]")) return;
  if (panel().contains(document.activeElement) || document.activeElement === document.body) closeDrawer();
});
document.addEventListener("click", (event) => {
  if (isDrawer() && (event.target.closest("[data-close-panel]") || !event.target.closest("#panel, .panel-switch, dialog, .toasts"))) closeDrawer();
});
// What is asked for in the drawer may answer behind it: the form of an action stands in the head of the case.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (isDrawer() && panel().contains(event.detail.elt) && event.detail.target?.id === "case-action") show(false);
});
hasRoom.addEventListener("change", tell);
document.addEventListener("pane:swapped", (event) => {
  if (event.target.id !== "conversation") return;
  if (isDrawer()) show(false);
  tell();
});
if (!hasRoom.matches) consoleElement.dataset.panel = "";
tell();
