// Times in the reader's own zone: exact in the title, and in words where a page says "tomorrow 08:00". Without this they
// are there too, with their zone.
const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" });
const near = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
const DAY = 86400000;

/** "today 17:00", "tomorrow 08:00"; further away the date. */
function moment(at) {
  const days = Math.round((new Date(at).setHours(0, 0, 0, 0) - new Date().setHours(0, 0, 0, 0)) / DAY);
  return Math.abs(days) <= 1 ? `${near.format(days, "day")} ${clock.format(at)}` : format.format(at);
}

function tell(part) {
  for (const time of part.querySelectorAll("time[data-moment]")) time.textContent = moment(new Date(time.dateTime));
  for (const time of part.querySelectorAll("time[datetime]")) time.title = format.format(new Date(time.dateTime));
}

tell(document);
document.addEventListener("htmx:load", (event) => tell(event.target));
