// The composer stands at the bottom of the conversation, as high as its reader wants.
const KEPT_AS = "composer-height"; // of the text, in pixels; the same for every mail on this device
const LEAST = 90;
const STEP = 24;

export function openLayout(form) {
  const pane = form.closest(".composer");
  const grip = pane.querySelector("[data-grip]");
  pane.classList.add("is-open");
  if (!grip) return;
  const most = () => Math.max(LEAST, innerHeight * 0.6);
  const set = (height) => {
    const fit = Math.round(Math.min(most(), Math.max(LEAST, height)));
    pane.style.setProperty("--text-height", `${fit}px`);
    grip.setAttribute("aria-valuenow", String(fit));
    grip.setAttribute("aria-valuemin", String(LEAST));
    grip.setAttribute("aria-valuemax", String(Math.round(most())));
    return fit;
  };
  const keep = (height) => {
    try {
      localStorage.setItem(KEPT_AS, String(set(height)));
    } catch {
      // A browser that keeps nothing: the height is this mail's alone.
    }
  };
  const text = () => pane.querySelector(".editor, .writing textarea");
  let kept = 0;
  try {
    kept = Number(localStorage.getItem(KEPT_AS));
  } catch {
    // As above.
  }
  set(kept || text().offsetHeight || 150);
  grip.hidden = false;
  grip.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    grip.setPointerCapture(event.pointerId);
    const [from, height] = [event.clientY, text().offsetHeight];
    const move = (moved) => set(height + from - moved.clientY);
    grip.addEventListener("pointermove", move);
    grip.addEventListener("pointerup", () => (grip.removeEventListener("pointermove", move), keep(text().offsetHeight)), { once: true });
  });
  grip.addEventListener("keydown", (event) => {
    const by = { ArrowUp: STEP, ArrowDown: -STEP, PageUp: 4 * STEP, PageDown: -4 * STEP }[event.key];
    if (!by) return;
    event.preventDefault();
    keep(text().offsetHeight + by);
  });
}
