// The frame of a mail is as high as the mail. Without this it keeps the height of the style sheet and scrolls.
const LEAST = 40;
const MOST = 20000;
const followed = new WeakSet();

function follow(frame) {
  const page = frame.contentDocument;
  if (!page?.body || page.URL === "about:blank") return;
  const fit = () => {
    const height = Math.min(MOST, Math.max(LEAST, Math.ceil(page.body.getBoundingClientRect().height) + sideScrollbar(page)));
    frame.style.height = `${height + 4}px`;
  };
  fit();
  frame.style.resize = "none";
  new ResizeObserver(fit).observe(page.body);
}

function sideScrollbar(page) {
  return page.body.scrollWidth > page.documentElement.clientWidth ? 16 : 0;
}

function followAll(part) {
  for (const frame of part.querySelectorAll("iframe.mail-frame")) {
    if (followed.has(frame)) continue;
    followed.add(frame);
    frame.addEventListener("load", () => follow(frame));
    if (frame.contentDocument?.readyState === "complete") follow(frame);
  }
}

followAll(document);
document.addEventListener("htmx:load", (event) => followAll(event.target));
