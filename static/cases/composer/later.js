// Send later: two usual times and a chosen one. The button says when.
const MORNING = 8; // o'clock

export function openLater(form, words, { onChange }) {
  const menu = form.querySelector("[data-later]");
  if (!menu) return null;
  const field = form.elements.send_at;
  const clear = menu.querySelector("[data-later-clear]");
  form.elements.zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  field.min = asField(new Date());
  const set = (moment) => {
    field.value = moment ? asField(moment) : "";
    changed();
    menu.open = false;
    menu.querySelector("summary").focus();
  };
  const changed = () => {
    clear.hidden = !field.value;
    onChange();
  };
  for (const button of menu.querySelectorAll("[data-later-at]")) {
    // Counted from when it is chosen: a composer can be open since yesterday.
    const moment = button.dataset.laterAt === "monday" ? nextMonday : tomorrow;
    button.textContent = words(button.dataset.laterAt, inWords(moment(), { hour: "2-digit", minute: "2-digit" }));
    button.hidden = false;
    button.addEventListener("click", () => set(moment()));
  }
  clear.addEventListener("click", () => set(null));
  field.addEventListener("change", changed);
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.preventDefault();
    event.stopPropagation();
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  clear.hidden = !field.value;
  return { inWords: () => (field.value ? inWords(new Date(field.value), LONG) : "") };
}

const LONG = { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };

const inWords = (moment, format) => new Intl.DateTimeFormat(document.documentElement.lang, format).format(moment);

function morning(days) {
  const moment = new Date();
  moment.setDate(moment.getDate() + days);
  moment.setHours(MORNING, 0, 0, 0);
  return moment;
}

const tomorrow = () => morning(1);
const nextMonday = () => morning(((8 - new Date().getDay()) % 7) || 7);

/** As a datetime-local field wants it: local time without a zone. */
function asField(moment) {
  return new Date(moment - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
