// The console: panes, keys, palette, live counts. The last script of the page, so that every part listens already.
import "./announce.js";
import "./keep_typed.js";
import "./menus.js";
import "./live.js";
import "./panel.js";
import "./theme.js";
import "./help.js";
import "./palette.js";
import "./keys.js";
import { start } from "./panes.js";

start();
