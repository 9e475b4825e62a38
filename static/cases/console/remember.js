// What this browser remembers of how its reader likes the console. Cookies, so that the server draws the page that way
// from the start (cases/templatetags/console.py) and nothing jumps.
const YEAR = 31536000; // seconds

export function remember(name, value) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `console_${name}=${value}; Path=/; Max-Age=${value ? YEAR : 0}; SameSite=Lax${secure}`;
}

export function remembered(name) {
  const start = `console_${name}=`;
  return document.cookie.split("; ").find((cookie) => cookie.startsWith(start))?.slice(start.length) ?? "";
}
