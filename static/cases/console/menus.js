// <details class="menu">: one open at a time; Escape and a click outside close it, arrows walk through it.
const openMenus = () => document.querySelectorAll("details.menu[open]");
const itemsOf = (menu) => [...menu.querySelectorAll(".menu-items :is(a, button)")].filter((item) => item.checkVisibility());

function returnFocus(menu) {
  const isLost = document.activeElement === document.body || menu.contains(document.activeElement);
  if (isLost && menu.isConnected) menu.querySelector("summary").focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) {
    const chosen = event.target.closest(".menu-items :is(a, button)");
    const isChosen = chosen && menu.contains(chosen);
    // What was chosen cannot keep the focus where nobody sees it. A moment later: its form is sent by the button first.
    if (isChosen && menu.contains(document.activeElement)) setTimeout(() => returnFocus(menu));
    if (!menu.contains(event.target) || isChosen) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu");
  if (!menu) return;
  if (event.key === "Escape" && menu.open) {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.preventDefault();
  }
  // A menu that holds a form has fields, in which the arrows are the browser's own.
  if ((event.key !== "ArrowDown" && event.key !== "ArrowUp") || !menu.querySelector(".menu-items")) return;
  event.preventDefault();
  menu.open = true;
  const items = itemsOf(menu);
  const here = items.indexOf(document.activeElement);
  const next = event.key === "ArrowDown" ? here + 1 : here < 0 ? items.length - 1 : here - 1;
  items[(next + items.length) % items.length]?.focus();
});
