// Dialogs that a button opens, and the switch for single keys in the help.
import { remember, remembered } from "./remember.js";

export const areKeysOn = () => remembered("keys") !== "off";

document.addEventListener("click", (event) => {
  const name = event.target.closest("[data-opens]")?.dataset.opens;
  if (name) openDialog(name);
  // A click on the veil is a click on the dialog itself, not on what is in it.
  if (event.target.matches("dialog.sheet") && isOutside(event)) event.target.close();
});

function isOutside({ target, clientX, clientY }) {
  const box = target.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}

export function openDialog(name) {
  const dialog = document.getElementById(name);
  if (dialog.open) return;
  for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = false;
  dialog.showModal();
  dialog.dispatchEvent(new CustomEvent("dialog:opened"));
}

document.getElementById("keys-switch").addEventListener("change", (event) => {
  remember("keys", event.target.checked ? "" : "off");
});
