// What happens around requests: the progress bar, and a clear sentence when one fails.
import htmx from "htmx.org";
import { find, message } from "./dom";
import { isOutdated } from "./signed-out";
import { toast } from "./toasts";

const SENTENCES: Record<number, string> = {
  403: "forbidden",
  404: "gone",
  409: "stale",
  413: "large",
  429: "busy",
};

let underWay = 0;

function count(change: number): void {
  underWay = Math.max(0, underWay + change);
  find("#loading-bar")?.classList.toggle("is-on", underWay > 0);
}

// What a page asks for by itself does not keep its reader signed in.
htmx.on("htmx:configRequest", (event) => {
  const { headers, triggeringEvent } = (event as CustomEvent<{ headers: Record<string, string>; triggeringEvent?: Event }>).detail;
  if (!triggeringEvent) headers["X-Unattended"] = "1";
});
htmx.on("htmx:beforeRequest", () => count(1));
htmx.on("htmx:afterRequest", () => count(-1));
htmx.on("htmx:sendError", () => toast(message("lost"), "error"));
htmx.on("htmx:timeout", () => toast(message("lost"), "error"));
htmx.on("htmx:responseError", (event) => {
  const { xhr } = (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail;
  if (isOutdated(xhr.status, (name) => xhr.getResponseHeader(name))) return toast(message(xhr.status === 401 ? "signedOut" : "signedIn"), "error");
  toast(message(SENTENCES[xhr.status] ?? "failed"), "error");
});

// A form is sent once, however often the button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  if (event.defaultPrevented || form.method === "get" || form.method === "dialog") return;
  if ("sent" in form.dataset) {
    event.preventDefault();
    return;
  }
  if (form.hasAttribute("hx-post")) return;
  form.dataset.sent = "";
  count(1);
});

// Coming back with the browser's button must not find a dead form.
window.addEventListener("pageshow", () => {
  document.querySelectorAll<HTMLFormElement>("form[data-sent]").forEach((form) => delete form.dataset.sent);
  underWay = 0;
  count(0);
});
