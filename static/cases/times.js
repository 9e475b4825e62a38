// Exact times in the reader's own zone; without this they are there too, in UTC.
const format = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time[datetime]")) {
  time.title = format.format(new Date(time.dateTime));
}
