// Short notes at the lower edge: written by the server (messages), by HX-Trigger {"toast": {...}}, or from here.
import { all, find, on } from "./dom";

const STAYS = 6000;

export function toast(text: string, level: "success" | "error" = "success"): void {
  const mould = find<HTMLTemplateElement>(`#toast-${level}`);
  const note = mould?.content.firstElementChild?.cloneNode(true) as HTMLElement | undefined;
  if (!note) return;
  note.querySelector(".toast-text")!.textContent = text;
  find("#toasts")?.append(note);
  leaveLater(note);
}

function leaveLater(note: HTMLElement): void {
  if ("stay" in note.dataset) return;
  window.setTimeout(() => {
    // Not while somebody reads it with the pointer or the keyboard.
    if (note.matches(":hover, :focus-within")) leaveLater(note);
    else note.remove();
  }, STAYS);
}

on("click", "[data-dismiss]", (_event, button) => button.closest("[data-toast]")?.remove());

document.addEventListener("toast", (event) => {
  const { text, level } = (event as CustomEvent<{ text: string; level?: "success" | "error" }>).detail;
  toast(text, level);
});

all("[data-toast]").forEach(leaveLater);
