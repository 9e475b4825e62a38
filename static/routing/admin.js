// Copy buttons: data-copy names the element whose text goes to the clipboard.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const text = source.textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without HTTPS there is no clipboard for scripts: select the text, so that one key copies it.
    const range = document.createRange();
    range.selectNodeContents(source);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    if (!document.execCommand("copy")) return;
  }
  const label = button.textContent;
  button.textContent = button.dataset.copied;
  button.setAttribute("aria-live", "polite");
  setTimeout(() => { button.textContent = label; }, 1600);
});

// A link to a setting (#id_FIELD, #entries-row-KEY, #steps-row-KEY): its field is opened, marked and brought into view.
const showSetting = () => {
  const [, list, key] = location.hash.match(/^#(entries|steps)-row-(\d+)$/) || [];
  let place = null;
  if (list) {
    place = document.querySelector(`input[name^="${list}-"][name$="-id"][value="${key}"]`)?.closest(".form-group");
    if (place && window.Alpine) window.Alpine.$data(place).openRow = true;
  } else if (/^#id_\w+$/.test(location.hash)) {
    place = document.getElementById(location.hash.slice(1))?.closest(".field-line");
  }
  if (!place) return;
  document.querySelector(".e2c-shown")?.classList.remove("e2c-shown");
  place.classList.add("e2c-shown");
  place.scrollIntoView({ block: "center" });
  if (list) place.tabIndex = -1;
  (list ? place : document.getElementById(location.hash.slice(1))).focus({ preventScroll: true });
};
// Not before the scripts of the form have drawn it: what they show and hide moves what is below.
window.addEventListener("load", () => requestAnimationFrame(showSetting));
window.addEventListener("hashchange", showSetting);

// The pickers of select2 have no name for those who do not see the page: they get the one of their field.
const nameOfPicker = (container) => {
  const select = container.previousElementSibling;
  const label = select && select.id && document.querySelector(`label[for="${CSS.escape(select.id)}"]`);
  if (!label) return;
  const name = label.textContent.trim().replace(/[:*\s]+$/, "");
  // Where several can be chosen the field to search in stands in the picker itself.
  container.querySelectorAll(".select2-search__field").forEach((field) => field.setAttribute("aria-label", name));
  const selection = container.querySelector(".select2-selection");
  const shown = container.querySelector(".select2-selection__rendered");
  if (!selection || !shown) return;
  label.id = label.id || `${select.id}-label`;
  selection.setAttribute("aria-labelledby", `${label.id} ${shown.id}`);
  shown.setAttribute("aria-label", name);
};
const nameOfSearch = (field) => {
  const open = document.querySelector(".select2-container--open .select2-selection__rendered");
  if (open && open.getAttribute("aria-label")) field.setAttribute("aria-label", open.getAttribute("aria-label"));
};

new MutationObserver((records) => {
  for (const record of records) {
    for (const added of record.addedNodes) {
      if (added.nodeType !== Node.ELEMENT_NODE || !added.classList.contains("select2-container")) continue;
      nameOfPicker(added);
      // The list of choices is a container of its own, at the end of the page.
      added.querySelectorAll(".select2-search__field").forEach(nameOfSearch);
    }
  }
}).observe(document, { childList: true, subtree: true });
