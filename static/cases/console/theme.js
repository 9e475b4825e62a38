// Light, dark, or as the system has it.
import { remember } from "./remember.js";

document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-theme-choice]")?.dataset.themeChoice;
  if (choice === undefined) return;
  if (choice) document.documentElement.dataset.theme = choice;
  else delete document.documentElement.dataset.theme;
  remember("theme", choice);
});
