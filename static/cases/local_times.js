// Times of events in the reader's own zone; without this they are there too, in UTC.
const format = new Intl.DateTimeFormat(document.documentElement.lang, {
  weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});

function tell(part) {
  for (const range of part.querySelectorAll(".local-range")) {
    const [start, end] = [...range.querySelectorAll("time[datetime]")].map((time) => new Date(time.dateTime));
    if (start) range.textContent = end ? format.formatRange(start, end) : format.format(start);
  }
}

tell(document);
document.addEventListener("htmx:load", (event) => tell(event.target));
