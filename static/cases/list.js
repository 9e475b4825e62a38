// The list: how many cases are selected, and Escape that lets them go. Without this module the bar stands under the
// list and does the same.

const COUNT = ".bulk-count";

document.documentElement.classList.add("is-scripted");

function boxesOf(form) {
  return [...form.querySelectorAll('input[name="numbers"]')];
}

function showCount(form) {
  const place = form.querySelector(COUNT);
  if (!place) return;
  const count = boxesOf(form).filter((box) => box.checked).length;
  place.textContent = count ? place.dataset.words.replace("0", String(count)) : "";
}

document.addEventListener("change", (event) => {
  const form = event.target.closest?.(".bulk-form");
  if (form && event.target.name === "numbers") showCount(form);
});

document.addEventListener("pane:swapped", (event) => {
  for (const form of event.target.querySelectorAll?.(".bulk-form") ?? []) showCount(form);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-select]");
  if (!button) return;
  const form = button.closest(".bulk-form");
  for (const box of boxesOf(form)) box.checked = button.dataset.select === "all";
  showCount(form);
});

// A panel over the list closes like a menu: Escape, or a click beside it.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = event.target.closest?.(".pop[open]") ?? document.querySelector(".pop[open]");
  if (open) {
    open.open = false;
    open.querySelector("summary").focus();
    event.stopPropagation();
  } else {
    const form = document.querySelector(".bulk-form:has(.pick :checked)");
    if (!form || event.target.closest?.("#conversation, dialog")) return;
    for (const box of boxesOf(form)) box.checked = false;
    showCount(form);
  }
});

document.addEventListener("pointerdown", (event) => {
  for (const open of document.querySelectorAll(".pop[open]")) if (!open.contains(event.target)) open.open = false;
});
