// Times of events in the reader's own zone; without this they are there too, in UTC.
const format = new Intl.DateTimeFormat(document.documentElement.lang, {
  weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short",
});
for (const time of document.querySelectorAll("time.local-time[datetime]")) {
  time.textContent = format.format(new Date(time.dateTime));
}
