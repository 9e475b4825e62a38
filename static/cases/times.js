// Exact times in the reader's own zone; without this they are there too, in UTC.
const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });

function tell(part) {
  for (const time of part.querySelectorAll("time[datetime]")) time.title = format.format(new Date(time.dateTime));
}

tell(document);
document.addEventListener("htmx:load", (event) => tell(event.target));
